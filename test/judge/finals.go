package judge

import (
	"fmt"
	"slices"
	"strings"

	"tinyurl/test/history"
)

// checkFinals: when all is quiet, all nodes hold the same, and as many links as were made.
func checkFinals(t *trial) {
	finals := t.h.Finals
	if len(finals) == 0 {
		t.lack("no node told what it held in the end")
		return
	}
	var missing []string
	for _, node := range t.h.Run.Nodes {
		if !slices.ContainsFunc(finals, func(f history.Final) bool { return f.Node == node }) {
			missing = append(missing, node)
		}
	}
	if len(missing) > 0 {
		t.lack("what these nodes held in the end is not known: " + strings.Join(missing, ", "))
	}
	first := finals[0]
	for _, f := range finals[1:] {
		if f.Digest != first.Digest {
			t.accuse("", fmt.Sprintf("digests differ in the end: %s on %s (applied %d), %s on %s (applied %d)",
				first.Digest, first.Node, first.Applied, f.Digest, f.Node, f.Applied))
		}
		if f.Applied != first.Applied {
			t.accuse("", fmt.Sprintf("node %s had applied %d in the end, node %s %d", first.Node, first.Applied, f.Node, f.Applied))
		}
		if f.Links != first.Links {
			t.accuse("", fmt.Sprintf("node %s held %d links in the end, node %s %d", first.Node, first.Links, f.Node, f.Links))
		}
		t.compareContents(first, f)
	}
	least, most := t.linksMade()
	for _, f := range finals {
		if f.Links < least || f.Links > most {
			t.accuse("", fmt.Sprintf("node %s held %d links in the end, want %s", f.Node, f.Links, between(least, most)))
		}
		if uint64(len(f.Targets)) > f.Links {
			t.accuse("", fmt.Sprintf("node %s counts %d links and holds %d", f.Node, f.Links, len(f.Targets)))
		}
	}
}

// compareContents names a code that two nodes hold differently.
func (t *trial) compareContents(f, g history.Final) {
	if !tells(f) || !tells(g) {
		return
	}
	for _, code := range append(sortedCodes(f), sortedCodes(g)...) {
		if one, other := holds(f, code), holds(g, code); one != other {
			t.accuse(code, fmt.Sprintf("%s is %s on node %s in the end, %s on node %s", code, one, f.Node, other, g.Node))
			return
		}
		if slices.Contains(f.Deleted, code) != slices.Contains(g.Deleted, code) {
			t.accuse(code, fmt.Sprintf("%s has a tombstone in the end on one of the nodes %s and %s", code, f.Node, g.Node))
			return
		}
	}
}

// String is what a node held, in words.
func (h heldOf) String() string {
	if h.outcome == history.OK {
		if h.counted {
			return fmt.Sprintf("%q after %d visits", h.target, h.visits)
		}
		return fmt.Sprintf("%q", h.target)
	}
	return "not there"
}

// linksMade is how many live links there must be in the end: the acknowledged ones at least, those that may have been made at
// most, in both cases without those that were deleted.
func (t *trial) linksMade() (least, most uint64) {
	for _, a := range t.order {
		made, possible := false, false
		for _, m := range a.makings {
			_, done := m.told(a.code)
			made = made || done
			possible = possible || done || m.slug && m.possible()
		}
		p := t.promised(a)
		if made && !p.mayBeDeleted {
			least++
		}
		if possible && p.deletedBy < 0 {
			most++
		}
	}
	for _, m := range t.makings {
		if !m.slug && !m.done() && m.possible() {
			most++
		}
	}
	return least, most
}

func between(least, most uint64) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
