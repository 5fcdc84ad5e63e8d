// Package storetest is the conformance suite of package store: what a store promises, on whatever file system it is put.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// Fixture is a place where a test may put stores.
type Fixture struct {
	// FS is the file system.
	FS store.FS
	// Dir is a directory in it that belongs to the test; it may be missing.
	Dir string
	// Crash gives the file system as a crash at this moment may leave it: all that was synced, and of the rest what the
	// generator picks. nil if the file system cannot crash.
	Crash func(rng *rand.Rand) store.FS
}

// Run runs the suite; place is called once for every test.
func Run(t *testing.T, place func(t *testing.T) Fixture) {
	t.Helper()
	for _, group := range []map[string]func(*testing.T, Fixture){
		linkTests, listTests, derivedTests, hotTests, batchTests, onceTests, originTests, modelTests, knownTests, digestTests, openTests, streamTests, replaceTests, crashTests, accessTests, keyTests, visitTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) { test(t, place(t)) })
		}
	}
}

// Epoch is the stamp of entry 0 in the suite's scripts.
var Epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// options are the suite's: small, and intolerant of failures.
func options(t *testing.T, fs store.FS) store.Options {
	return store.Options{FS: fs, CacheBytes: 1 << 20, MemTableBytes: 256 << 10, Fatal: func(err error) {
		t.Errorf("the store failed: %v", err)
	}}
}

// open opens a store that the test closes.
func open(t *testing.T, fs store.FS, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, options(t, fs))
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// wants fails the test unless err is target.
func wants(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

// begin opens a batch and its next entry; the first one of a store sets the code key.
func begin(t *testing.T, s *store.Store) *store.Batch {
	t.Helper()
	b, err := s.NewBatch()
	must(t, err)
	t.Cleanup(func() { _ = b.Close() })
	next(t, b)
	return b
}

// next begins the entry after the batch's last.
func next(t *testing.T, b *store.Batch) {
	t.Helper()
	must(t, b.Advance(store.Position{Index: b.Position().Index + 1, Term: 1}), b.SetCodeKey([16]byte{7}))
}

// commit commits and closes a batch.
func commit(t *testing.T, b *store.Batch) {
	t.Helper()
	must(t, b.Commit(), b.Close())
}

// change commits one entry.
func change(t *testing.T, s *store.Store, do func(b *store.Batch)) {
	t.Helper()
	b := begin(t, s)
	do(b)
	commit(t, b)
}

// aLink is a link as it would be made at the suite's epoch.
func aLink(code link.Code, target string) link.Link {
	return link.Link{Code: code, Fields: link.Fields{Target: link.Target(target)}, CreatedAt: Epoch, UpdatedAt: Epoch, Version: 1}
}

// nextCode is the code of the counter's next id.
func nextCode(b *store.Batch) link.Code {
	codec, _ := b.Codec()
	return codec.Encode(b.Counter() + 1)
}

// verified fails the test unless the store's rows add up.
func verified(t *testing.T, s *store.Store) {
	t.Helper()
	must(t, s.Verify(context.Background()))
}

// same fails the test unless two stores hold the same state.
func same(t *testing.T, got, want *store.Store) {
	t.Helper()
	if g, w := describe(got), describe(want); g != w {
		t.Fatalf("the states differ:\n got %s\nwant %s", g, w)
	}
}

// describe says all that a store publishes.
func describe(s *store.Store) string {
	position, digest := s.CurrentDigest()
	upTo, boundary := s.Digest()
	return fmt.Sprintf("entry %d/%d counter %d links %d stamp %v version %d digest %v boundary %d %v", position.Term,
		position.Index, s.Counter(), s.Links(), s.Stamp(), s.ClusterVersion(), digest, upTo, boundary)
}

// mem is a file system for stores that only serve as a reference.
func mem() store.FS { return vfs.NewMem() }
