package judge

import (
	"fmt"
	"time"

	"tinyurl/test/history"
)

// checkDeletes: once a delete was acknowledged, no linearizable read finds the link, on any node; and redirects, which may be
// late while there are faults, stop finding it Options.Stale after the last of them was undone. (The node that acknowledged it, and
// those that have shown it gone, are checkViews' matter.)
func checkDeletes(t *trial) {
	calm, healed := t.calm()
	if !healed {
		t.lack("the faults were never undone, so redirects may be late without end")
	}
	for _, a := range t.order {
		deleted := t.firstDelete(a)
		if deleted < 0 {
			continue
		}
		d := &t.h.Operations[deleted]
		late := max(d.At+d.Took, calm) + t.options.Stale
		for _, i := range a.reads {
			o := &t.h.Operations[i]
			if o.Outcome != history.OK || o.Call < d.Return {
				continue
			}
			if o.Kind == history.Get || t.counts(a, i) {
				t.accuse(a.code, fmt.Sprintf("%s had been deleted, and node %s found it", a.code, o.Node), deleted, i)
			} else if healed && o.At > late {
				t.accuse(a.code, fmt.Sprintf("%s had been deleted %v ago, nothing was broken, and node %s redirected to it",
					a.code, (o.At-d.At-d.Took).Round(time.Millisecond), o.Node), deleted, i)
			}
		}
	}
}

// firstDelete is the delete that was acknowledged first, -1 if none was.
func (t *trial) firstDelete(a *alias) int {
	first := -1
	for _, i := range a.deletes {
		o := &t.h.Operations[i]
		if o.Outcome == history.OK && (first < 0 || o.Return < t.h.Operations[first].Return) {
			first = i
		}
	}
	return first
}

// calm is since when nothing was broken; false if the run does not say that its faults were undone.
func (t *trial) calm() (time.Duration, bool) {
	if len(t.h.Faults) == 0 {
		return 0, true
	}
	return t.h.Run.Healed, t.h.Run.HealedStamp != 0
}
