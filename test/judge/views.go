package judge

import (
	"fmt"
	"math"
	"time"

	"tinyurl/test/history"
)

// appliedPatience is how long a node that answers for a write waits until it has applied it itself (cluster/DESIGN.md): a write
// that took as long may have been acknowledged by a node that does not see it yet. So may one that is asked for under a deadline
// of its own, at that deadline: rings hang up instead.
const appliedPatience = 500 * time.Millisecond

// gone is how far a deleted link has come; a live one as far as its version.
const gone = math.MaxUint64

// glimpse is how far a code had come on a node, at least, and the operation that showed it first.
type glimpse struct {
	progress uint64
	returned uint64
	op       int
}

// process is one process of a node: that which began, as far as faults tell, at a stamp.
type process struct {
	node  string
	began uint64
}

// glimpses are what processes showed of one code, one for each progress.
type glimpses map[process][]glimpse

func (g glimpses) add(p process, shown glimpse) {
	for i := range g[p] {
		if known := &g[p][i]; known.progress == shown.progress {
			if shown.returned < known.returned {
				*known = shown
			}
			return
		}
	}
	g[p] = append(g[p], shown)
}

// newer looks for something newer than version that was shown before a stamp.
func (g glimpses) newer(p process, version, before uint64) (glimpse, bool) {
	for _, shown := range g[p] {
		if shown.progress > version && shown.returned < before {
			return shown, true
		}
	}
	return glimpse{}, false
}

// checkViews: what a node has shown it goes on to know. A redirect on it finds nothing older, until its process is a new one:
// not what this node had deleted or edited itself, and not what a read there found deleted or edited.
func checkViews(t *trial) {
	for _, a := range t.order {
		if len(a.deletes) == 0 && len(a.edits) == 0 {
			continue // nothing to go back from
		}
		versions := t.versions(a)
		shown := make(glimpses)
		var redirects []int
		for _, i := range t.mentions(a) {
			o := &t.h.Operations[i]
			if progress := t.shows(a, versions, i); progress > 1 {
				shown.add(process{o.Node, t.lastLife(o.Node, o.Call)}, glimpse{progress: progress, returned: o.Return, op: i})
			}
			if o.Kind == history.Follow && o.Outcome == history.OK {
				redirects = append(redirects, i)
			}
		}
		for _, i := range redirects {
			o := &t.h.Operations[i]
			version := versions[o.Target].most
			if version == 0 {
				continue // a target nobody wanted is checkInvented's matter
			}
			if before, ok := shown.newer(process{o.Node, t.lastLife(o.Node, o.Return)}, version, o.Call); ok {
				t.accuse(a.code, fmt.Sprintf("node %s had shown %s, and then sent a visitor of %s to %q again", o.Node, before.text(), a.code, o.Target),
					before.op, i)
			}
		}
	}
}

// span is which versions of a link may have had a target.
type span struct{ least, most uint64 }

// versions gives the span of each target that the code may have had.
func (t *trial) versions(a *alias) map[string]span {
	spans := make(map[string]span)
	widen := func(target string, least, most uint64) {
		if s, known := spans[target]; known {
			least, most = min(least, s.least), max(most, s.most)
		}
		spans[target] = span{least, most}
	}
	for target, asked := range t.wanted(a) {
		if t.h.Operations[asked.op].Kind == history.Create {
			widen(target, 1, 1)
		}
	}
	for _, m := range a.makings {
		widen(m.target, 1, 1)
	}
	for _, i := range a.edits {
		o := &t.h.Operations[i]
		switch {
		case !t.mayHaveHappened(i):
		case o.Outcome == history.OK && o.Version != 0:
			widen(o.Target, o.Version, o.Version)
		case o.Expected != 0:
			widen(o.Target, o.Expected+1, o.Expected+1)
		default:
			widen(o.Target, 2, gone-1)
		}
	}
	return spans
}

// mentions are all operations that may show how far a code has come, in no order.
func (t *trial) mentions(a *alias) []int {
	all := append([]int(nil), a.reads...)
	all = append(all, a.deletes...)
	return append(all, a.edits...)
}

// shows is how far an answer shows that the asked node had come, at least; 0 if it shows nothing.
func (t *trial) shows(a *alias, versions map[string]span, i int) uint64 {
	o := &t.h.Operations[i]
	switch {
	case o.Outcome == history.Gone:
		// Only a read is answered from the node's own state; a delete by the leader's. A visitor is told so of a link that is used up, too.
		if o.Kind == history.Get || o.Kind == history.Follow && a.limit() == 0 {
			return gone
		}
	case o.Outcome != history.OK:
	case o.Kind == history.Get && o.Version != 0:
		return o.Version
	case o.Kind == history.Get, o.Kind == history.Follow:
		return versions[o.Target].least
	case o.Took >= appliedPatience:
	case o.Kind == history.Delete:
		return gone
	case o.Kind == history.Edit:
		return max(o.Version, o.Expected+1)
	}
	return 0
}

func (g glimpse) text() string {
	if g.progress == gone {
		return "that it was deleted"
	}
	return fmt.Sprintf("version %d", g.progress)
}
