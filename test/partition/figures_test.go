package partition

import (
	"strings"
	"testing"
	"time"
)

func TestTheWriteGapIsTheLongestTimeWithoutAnAcceptedCreate(t *testing.T) {
	var f figures
	start := time.Now()
	f.accepted("n1", start.Add(-10*time.Second), start.Add(-10*time.Second)) // in calm: it does not count
	f.fault(start)
	for _, seconds := range []int{1, 2, 5, 6} {
		f.accepted("n1", start, start.Add(time.Duration(seconds)*time.Second))
	}
	if got := f.gap(start.Add(7 * time.Second)); got != 3*time.Second {
		t.Errorf("the gap is %v, not 3s", got)
	}
	if got := f.gap(start.Add(20 * time.Second)); got != 14*time.Second {
		t.Errorf("a gap that is still open is %v, not 14s", got)
	}
}

func TestANodeAcceptsAgainByWhatWasSentAfterTheHealing(t *testing.T) {
	var f figures
	start := time.Now()
	f.heal(start)
	f.accepted("n1", start.Add(-time.Second), start.Add(time.Second))
	f.accepted("n2", start.Add(time.Second), start.Add(2*time.Second))
	if after, all := f.acceptedBy([]string{"n1", "n2"}); all {
		t.Errorf("both after %v, and n1 was asked before the healing", after)
	}
	if missing := f.missing([]string{"n1", "n2"}); len(missing) != 1 || missing[0] != "n1" {
		t.Errorf("missing: %v", missing)
	}
	f.accepted("n1", start.Add(2*time.Second), start.Add(3*time.Second))
	f.accepted("n1", start.Add(4*time.Second), start.Add(5*time.Second))
	if after, all := f.acceptedBy([]string{"n1", "n2"}); !all || after != 3*time.Second {
		t.Errorf("after %v, %v", after, all)
	}
}

func TestARowsLineTellsWhatItCameTo(t *testing.T) {
	r := &Result{
		Row: "leader-isolated", Gap: 2041 * time.Millisecond, Right: 19999, Unavailable: 1, Down: 3, Again: 412 * time.Millisecond,
		Elections: 1, Operations: 30000,
	}
	want := "fault leader-isolated: write gap 2.04s, redirects 99.99 % available (19999 right, 1 unavailable, 0 wrong; " +
		"3 at nodes that were down), accepted again after 410ms, elections 1, 30000 operations, 0 violations"
	if got := r.String(); got != want || r.Bad() {
		t.Errorf("%s", got)
	}
	r.Again, r.Violations = -1, []string{"one"}
	if got := r.String(); !strings.Contains(got, "accepted again never") || !strings.Contains(got, "1 violations") || !r.Bad() {
		t.Errorf("%s", got)
	}
}
