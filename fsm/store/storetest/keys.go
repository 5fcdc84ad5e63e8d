package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/store"
)

// keyTests are about API keys that go many at a time.
var keyTests = map[string]func(*testing.T, Fixture){
	"an owner's keys go and no others":    testOwnersKeys,
	"keys that have ended go when asked":  testEndedKeys,
	"an owner's keys leave nothing there": testKeysHistory,
}

// wantKeys compares the keys there are with those that should be.
func wantKeys(t *testing.T, s *store.Store, want ...string) {
	t.Helper()
	keys, _, err := s.Keys().Page("", 100)
	must(t, err)
	var got []string
	for _, k := range keys {
		got = append(got, k.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	verified(t, s)
}

func testOwnersKeys(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	longest := strings.Repeat("o", access.MaxID)
	change(t, s, func(b *store.Batch) {
		for id, owner := range map[string]string{"a": "o", "b": "o", "bb": "o", "c": "ob", "d": "", "e": longest, "o": "oo"} {
			must(t, b.PutKey(keyOf(id, owner)))
		}
		must(t, b.DropKeysOf(""), b.DropKeysOf("nobody"), b.DropKeysOf(longest+"o"), b.DropKeysOf(strings.Repeat("o", 1000)))
	})
	wantKeys(t, s, "a", "b", "bb", "c", "d", "e", "o")
	change(t, s, func(b *store.Batch) {
		must(t, b.PutKey(keyOf("new", "o")))
		_, err := b.DropKey("b")
		must(t, err, b.DropKeysOf("o"), b.DropKeysOf("o"), b.PutKey(keyOf("again", "o")))
		if n, err := b.Keys().Len(); err != nil || n != 5 {
			t.Errorf("%d keys are left, %v", n, err)
		}
	})
	wantKeys(t, s, "again", "c", "d", "e", "o")
	must(t, s.Close())
	s = open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		must(t, b.DropKeysOf(longest), b.DropKeysOf("o"), b.DropKeysOf("ob"), b.DropKeysOf("oo"))
	})
	wantKeys(t, s, "d")
}

func testEndedKeys(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	put := func(b *store.Batch, id string, seconds int) {
		k := keyOf(id, "o")
		k.ExpiresAt = Epoch.Add(time.Duration(seconds) * time.Second)
		must(t, b.PutKey(k))
	}
	drop := func(b *store.Batch, seconds int) {
		must(t, b.DropEndedKeys(Epoch.Add(time.Duration(seconds)*time.Second)))
	}
	change(t, s, func(b *store.Batch) {
		drop(b, 100)
		must(t, b.PutKey(keyOf("for ever", "")))
		for i, id := range []string{"a", "b", "c", "d"} {
			put(b, id, 10+i)
		}
		drop(b, 9)
		drop(b, 10)
		put(b, "late", 5)
	})
	wantKeys(t, s, "b", "c", "d", "for ever", "late")
	change(t, s, func(b *store.Batch) { drop(b, 4) })
	wantKeys(t, s, "b", "c", "d", "for ever", "late")
	dropped := begin(t, s)
	drop(dropped, 100)
	must(t, dropped.Close())
	change(t, s, func(b *store.Batch) { drop(b, 11) })
	wantKeys(t, s, "c", "d", "for ever")
	must(t, s.Close())
	s = open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		put(b, "new", 1)
		drop(b, 12)
	})
	wantKeys(t, s, "d", "for ever")
	change(t, s, func(b *store.Batch) { drop(b, 100); drop(b, 200) })
	wantKeys(t, s, "for ever")
}

func testKeysHistory(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.PutKey(keyOf("k", "")), b.PutKey(keyOf("m", "p"))) })
	_, before := s.CurrentDigest()
	change(t, s, func(b *store.Batch) {
		must(t, b.PutKey(keyOf("l", "o")))
		_, err := b.DropKey("m")
		must(t, err)
	})
	if _, d := s.CurrentDigest(); d == before {
		t.Error("the digest knows nothing of it")
	}
	change(t, s, func(b *store.Batch) { must(t, b.DropKeysOf("o"), b.PutKey(keyOf("m", "p"))) })
	if _, d := s.CurrentDigest(); d != before {
		t.Error("equal keys, unlike digests")
	}
	verified(t, s)
}
