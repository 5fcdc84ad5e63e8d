package cluster

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"
)

// newGapless is a gapless over a log in memory that holds the given entries, with a snapshot that ends at index.
func newGapless(t *testing.T, snapshot uint64, held ...uint64) gapless {
	t.Helper()
	inner := raft.NewInmemStore()
	cache, err := raft.NewLogCache(16, inner)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range held {
		if err := inner.StoreLog(&raft.Log{Index: i, Term: 1}); err != nil {
			t.Fatal(err)
		}
	}
	return gapless{LogCache: cache, snapshot: func() (uint64, uint64) { return snapshot, 3 }}
}

func TestEntriesBelowAHoleGoWhenTheFirstOneAboveItComes(t *testing.T) {
	l := newGapless(t, 10, 4, 5)
	if err := l.StoreLogs([]*raft.Log{{Index: 11, Term: 3}, {Index: 12, Term: 3}}); err != nil {
		t.Fatal(err)
	}
	first, _ := l.FirstIndex()
	last, _ := l.LastIndex()
	if first != 11 || last != 12 {
		t.Fatalf("the log holds %d to %d", first, last)
	}
	var entry raft.Log
	for _, old := range []uint64{4, 5, 9} {
		if err := l.GetLog(old, &entry); !errors.Is(err, raft.ErrLogNotFound) {
			t.Fatalf("entry %d: %v", old, err)
		}
	}
}

func TestALogThatLiesBelowTheSnapshotIsEmpty(t *testing.T) {
	l := newGapless(t, 10, 4, 5)
	first, err1 := l.FirstIndex()
	last, err2 := l.LastIndex()
	if first != 0 || last != 0 || err1 != nil || err2 != nil {
		t.Fatalf("entries %d to %d can still be sent (%v, %v)", first, last, err1, err2)
	}
}

func TestAHoleThatNoSnapshotExplainsIsRefused(t *testing.T) {
	l := newGapless(t, 10, 4, 5)
	if err := l.StoreLog(&raft.Log{Index: 13, Term: 3}); err == nil {
		t.Fatal("entries 6 to 12 are nowhere")
	}
	if last, _ := l.LogCache.LastIndex(); last != 5 {
		t.Fatalf("the refused append changed the log: it ends at %d", last)
	}
}

func TestTheSnapshotsLastEntryCanBeLookedAtButNotSentOn(t *testing.T) {
	for name, c := range map[string]struct {
		snapshot uint64
		held     []uint64
		index    uint64
		found    bool
	}{
		"the log begins above it":                         {10, []uint64{11, 12}, 10, true},
		"the log is empty":                                {10, nil, 10, true},
		"another index":                                   {10, []uint64{11, 12}, 9, false},
		"old entries are there: the next would be sent":   {10, []uint64{8, 9, 12}, 10, false},
		"what lies below it is gone":                      {10, []uint64{8, 9}, 9, false},
		"all of the log lies below it":                    {10, []uint64{8, 9}, 10, true},
		"there is no snapshot":                            {0, []uint64{11, 12}, 10, false},
		"entry 1 is sent without a look at one before it": {1, nil, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newGapless(t, c.snapshot, c.held...)
			var entry raft.Log
			err := l.GetLog(c.index, &entry)
			if (err == nil) != c.found {
				t.Fatalf("err = %v", err)
			}
			if c.found && (entry.Index != c.index || entry.Term != 3 || entry.Type != raft.LogNoop || entry.Data != nil) {
				t.Fatalf("entry = %+v", entry)
			}
		})
	}
}
