package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A key that was looked for twice before it is written stands twice in Batch.absent; writing it forgets one of the two, and
// the next write in the same batch then counts the row in again without counting the old one out: the digest, the count and
// the stream's length are wrong from there on. Found by applying many entries in one batch (package fsm).
func TestAKeyLookedForTwiceIsCountedOnce(t *testing.T) {
	s, err := Open("absent", Options{FS: vfs.NewMem(), Fatal: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for i := uint64(1); i <= 3; i++ {
		if err := b.Advance(Position{Index: i, Term: 1}); err != nil {
			t.Fatal(err)
		}
		if err := b.SetClusterVersion(1); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.Origin("n1"); err != nil { // PutOrigin looks once more
			t.Fatal(err)
		}
		if err := b.PutOrigin("n1", Origin{Boot: 1, Floor: i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
