package judge

import (
	"fmt"
	"slices"
	"strings"

	"tinyurl/test/history"
)

// checkAcknowledged: every link that was acknowledged and that nobody asked to delete is on every node in the end, byte for
// byte; what was deleted is live on none; and what was acknowledged is in a log, where all logs are known.
func checkAcknowledged(t *trial) {
	var told []history.Final
	for _, f := range t.h.Finals {
		if tells(f) {
			told = append(told, f)
		}
	}
	if len(told) == 0 {
		t.lack("no node told which links it held in the end")
	}
	for _, a := range t.order {
		p := t.promised(a)
		for _, f := range told {
			target, live := f.Targets[a.code]
			switch {
			case p.deletedBy >= 0 && live:
				t.accuse(a.code, fmt.Sprintf("%s was deleted, and node %s holds it in the end", a.code, f.Node), p.deletedBy)
			case p.madeBy < 0 || p.mayBeDeleted:
			case !live:
				t.accuse(a.code, fmt.Sprintf("%s was acknowledged, and node %s lacks it in the end%s", a.code, f.Node, p.tombstone(f)), p.madeBy)
			case !slices.Contains(p.targets, target):
				t.accuse(a.code, fmt.Sprintf("%s leads to %q on node %s in the end, want %s", a.code, target, f.Node, quoted(p.targets)), p.madeBy)
			}
		}
	}
	if t.logged == nil {
		t.lack("the logs are not complete, so that any unanswered write may have happened, and an acknowledged one may be in none")
		return
	}
	checkLogged(t)
}

// promise is what was acknowledged of one code.
type promise struct {
	code         string
	madeBy       int      // the create's answer, -1 if there was none
	deletedBy    int      // the delete's answer, -1 if there was none
	mayBeDeleted bool     // a delete was asked for and not refused
	targets      []string // what it may lead to: the create's, and those of edits
}

func (t *trial) promised(a *alias) promise {
	p := promise{code: a.code, madeBy: -1, deletedBy: -1}
	for _, m := range a.makings {
		if told, done := m.told(a.code); done && p.madeBy < 0 {
			p.madeBy = told.op
			p.targets = append(p.targets, m.target)
		}
	}
	for _, i := range a.deletes {
		if t.mayHaveHappened(i) {
			p.mayBeDeleted = true
		}
		if t.h.Operations[i].Outcome == history.OK && p.deletedBy < 0 {
			p.deletedBy = i
		}
	}
	for _, i := range a.edits {
		if t.mayHaveHappened(i) {
			p.targets = append(p.targets, t.h.Operations[i].Target)
		}
	}
	return p
}

func (p promise) tombstone(f history.Final) string {
	if slices.Contains(f.Deleted, p.code) {
		return ", where it counts as deleted"
	}
	return ""
}

func quoted(targets []string) string {
	all := make([]string, len(targets))
	for i, target := range targets {
		all[i] = fmt.Sprintf("%q", target)
	}
	return strings.Join(all, " or ")
}

// checkLogged: an acknowledged write that is in no log is lost already, whether or not somebody has noticed.
func checkLogged(t *trial) {
	for _, m := range t.makings {
		if m.done() && !t.logged.create(m) {
			t.accuse(m.codes[0].code, fmt.Sprintf("%s was acknowledged and is in no node's log", m.codes[0].code), m.codes[0].op)
		}
	}
	for _, a := range t.order {
		for _, i := range slices.Concat(a.deletes, a.edits) {
			if o := &t.h.Operations[i]; o.Outcome == history.OK && !t.logged.operation(o) {
				t.accuse(a.code, fmt.Sprintf("a %s of %s was acknowledged and is in no node's log", o.Kind, a.code), i)
			}
		}
		for _, i := range a.reads {
			if t.counts(a, i) && t.h.Operations[i].Outcome == history.OK && !t.logged.visits[a.code] {
				t.accuse(a.code, fmt.Sprintf("a visit of %s, which has a limit, was let through, and no node's log has any", a.code), i)
			}
		}
	}
}
