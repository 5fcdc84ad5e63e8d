package storetest

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// accessTests are about API keys, users, denied hosts and reports.
var accessTests = map[string]func(*testing.T, Fixture){
	"rows are shown page by page":                    testAccessPages,
	"a key is found with its owner or not at all":    testKeyByHash,
	"a key is put once":                              testKeyOnce,
	"hosts are denied with what lies below them":     testIsDenied,
	"a store knows how many rows there are":          testAccessSizes,
	"rows that have no room are refused":             testOddAccess,
	"who may do what survives and can be replaced":   testAccessInstalled,
	"a closed store shows nobody who may do what":    testAccessClosed,
	"rows put and dropped leave the digest they had": testAccessHistory,
}

func keyOf(id, owner string) access.Key {
	return access.Key{ID: id, Name: "key " + id, Hash: sha256.Sum256([]byte(id)), Scopes: access.AllScopes, Owner: owner, CreatedAt: Epoch}
}

func userOf(id string) access.User {
	return access.User{ID: id, Name: "user " + id, Role: access.Editor, CreatedAt: Epoch}
}

func deniedOf(host string) access.Denied { return access.Denied{Host: host, CreatedAt: Epoch} }

func reportOf(code string) access.Report {
	return access.Report{Code: code, Reason: "r", Count: 1, CreatedAt: Epoch, UpdatedAt: Epoch}
}

func testAccessPages(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	hosts := []string{"a", "a.b", "ab", "b", "b-", "\xff"}
	change(t, s, func(b *store.Batch) {
		for _, host := range []string{"b", "\xff", "ab", "a", "b-", "a.b"} {
			must(t, b.Denied().Put(deniedOf(host)))
		}
		must(t, b.Users().Put(userOf("before")), b.Reports().Put(reportOf("behind")))
	})
	for limit := 1; limit <= len(hosts)+1; limit++ {
		var got []string
		after, more := "", true
		for more {
			var page []access.Denied
			var err error
			page, more, err = s.Denied().Page(after, limit)
			must(t, err)
			if len(page) > limit || more && len(page) < limit {
				t.Errorf("a page of %d, more %v, where %d were asked for", len(page), more, limit)
			}
			for _, d := range page {
				got, after = append(got, d.Host), d.Host
			}
		}
		if !slices.Equal(got, hosts) {
			t.Errorf("by %d: %q, want %q", limit, got, hosts)
		}
	}
	for after, want := range map[string]string{"": "a", "a": "a.b", "a.": "a.b", "aa": "ab", "ab": "b", "b-": "\xff", "\xff": "", strings.Repeat("c", 1000): "\xff"} {
		page, _, err := s.Denied().Page(after, 1)
		must(t, err)
		if got := append(page, access.Denied{})[0].Host; got != want {
			t.Errorf("behind %.9q: %q, want %q", after, got, want)
		}
	}
	for _, limit := range []int{0, -1} {
		_, _, err := s.Denied().Page("", limit)
		wants(t, err, store.ErrMisuse)
	}
	for _, id := range []string{"", "unknown", strings.Repeat("x", 1000)} {
		_, err := s.Users().Get(id)
		wants(t, err, link.ErrNotFound)
	}
}

func testKeyByHash(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	ann, owned, free, lost := userOf("ann"), keyOf("owned", "ann"), keyOf("free", ""), keyOf("lost", "nobody")
	change(t, s, func(b *store.Batch) {
		must(t, b.Users().Put(ann), b.PutKey(owned), b.PutKey(free), b.PutKey(lost))
	})
	want := func(k access.Key, owner access.User, missing error) {
		t.Helper()
		for how, find := range map[string]func() (access.Key, access.User, error){
			"hash": func() (access.Key, access.User, error) { return s.KeyByHash(k.Hash) },
			"id":   func() (access.Key, access.User, error) { return s.Key(k.ID) },
		} {
			got, by, err := find()
			if missing != nil {
				wants(t, err, missing)
			} else if err != nil || got != k || by != owner {
				t.Errorf("%s by its %s: %+v of %+v, %v", k.ID, how, got, by, err)
			}
		}
	}
	want(owned, ann, nil)
	want(free, access.User{}, nil)
	want(lost, access.User{}, link.ErrNotFound)
	want(keyOf("unknown", ""), access.User{}, link.ErrNotFound)
	ann.Role = access.Creator
	change(t, s, func(b *store.Batch) {
		must(t, b.Users().Put(ann))
		for _, id := range []string{"free", "unknown", "", strings.Repeat("x", 1000)} {
			if dropped, err := b.DropKey(id); err != nil || dropped != (id == "free") {
				t.Errorf("dropped %q: %v, %v", id, dropped, err)
			}
		}
		if found, err := b.HasKeyHash(free.Hash); found || err != nil {
			t.Errorf("the hash of a dropped key: %v, %v", found, err)
		}
	})
	want(owned, ann, nil)
	want(free, access.User{}, link.ErrNotFound)
	verified(t, s)
}

func testKeyOnce(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.PutKey(keyOf("k", ""))) })
	other := keyOf("other", "")
	other.Hash = keyOf("k", "").Hash
	for name, k := range map[string]access.Key{"the same": keyOf("k", ""), "its hash": other} {
		b := begin(t, s)
		if err := b.PutKey(k); err == nil {
			t.Errorf("%s was put again", name)
		} else {
			wants(t, err, store.ErrMisuse)
		}
		must(t, b.Close())
	}
	verified(t, s)
}

func testIsDenied(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) {
		if denied, err := b.IsDenied("bad.example"); denied || err != nil {
			t.Errorf("without a list: %v, %v", denied, err)
		}
		for _, host := range []string{"bad.example", "xn--bcher-kva", "10.0.0.1", "0.2", "[2001:db8::1]", "1.2.3.4.5.6.7.h"} {
			must(t, b.Denied().Put(deniedOf(host)))
		}
	})
	deep := strings.Repeat("a.", 4000)
	for range 2 {
		change(t, s, func(b *store.Batch) {
			for host, want := range map[string]bool{
				"bad.example": true, "x.bad.example": true, "x.y.bad.example": true, deep + "bad.example": true, "a.xn--bcher-kva": true,
				"10.0.0.1": true, "[2001:db8::1]": true, "1.2.3.4.5.6.7.h": true, "0.1.2.3.4.5.6.7.h": true,
				"": false, "example": false, "notbad.example": false, "bad.example.com": false, "bad.example.": false, "10.0.0.2": false,
				"10.0.0.1.x": false, "[2001:db8::2]": false, "2.3.4.5.6.7.h": false, deep + "good.example": false, deep: false,
				strings.Repeat("a", 8000): false,
			} {
				if got, err := b.IsDenied(host); got != want || err != nil {
					t.Errorf("%.40q is denied: %v, %v", host, got, err)
				}
			}
		})
		must(t, s.Close())
		s = open(t, f.FS, f.Dir)
	}
}

func testAccessSizes(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	sizes := func(b *store.Batch) (n [4]int) {
		t.Helper()
		var err [4]error
		n[0], err[0] = b.Keys().Len()
		n[1], err[1] = b.Users().Len()
		n[2], err[2] = b.Denied().Len()
		n[3], err[3] = b.Reports().Len()
		must(t, err[:]...)
		return n
	}
	fill := func(b *store.Batch, ids ...string) {
		for i, id := range ids {
			must(t, b.PutKey(keyOf(id, "")))
			if i < 3 {
				must(t, b.Users().Put(userOf(id)), b.Users().Put(userOf(id)))
			}
			if i < 2 {
				must(t, b.Denied().Put(deniedOf(id)))
			}
			if i < 1 {
				must(t, b.Reports().Put(reportOf(id)))
			}
		}
	}
	for _, look := range []bool{true, false} { // whether it is known beforehand
		change(t, s, func(b *store.Batch) {
			if look && sizes(b) != [4]int{} {
				t.Errorf("an empty store has %v", sizes(b))
			}
			fill(b, "a", "b", "c", "d")
			if got := sizes(b); got != [4]int{4, 3, 2, 1} {
				t.Errorf("sizes %v", got)
			}
		})
		dropped := begin(t, s)
		fill(dropped, "e", "f")
		must(t, dropped.Close())
		change(t, s, func(b *store.Batch) {
			if got := sizes(b); got != [4]int{4, 3, 2, 1} {
				t.Errorf("sizes %v after a dropped batch", got)
			}
			for _, id := range []string{"a", "b", "c", "d", "a"} {
				_, err1 := b.DropKey(id)
				_, err2 := b.Users().Drop(id)
				_, err3 := b.Denied().Drop(id)
				_, err4 := b.Reports().Drop(id)
				must(t, err1, err2, err3, err4)
			}
			if got := sizes(b); got != [4]int{} {
				t.Errorf("sizes %v after all is dropped", got)
			}
		})
		must(t, s.Close())
		s = open(t, f.FS, f.Dir)
	}
}

func testOddAccess(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	long := strings.Repeat("x", 1000)
	key := func(do func(*access.Key)) func(*store.Batch) error {
		k := keyOf("k", "")
		do(&k)
		return func(b *store.Batch) error { return b.PutKey(k) }
	}
	user := func(do func(*access.User)) func(*store.Batch) error {
		u := userOf("u")
		do(&u)
		return func(b *store.Batch) error { return b.Users().Put(u) }
	}
	report := func(do func(*access.Report)) func(*store.Batch) error {
		r := reportOf("c")
		do(&r)
		return func(b *store.Batch) error { return b.Reports().Put(r) }
	}
	for name, do := range map[string]func(*store.Batch) error{
		"a key without an id":  key(func(k *access.Key) { k.ID = "" }),
		"a key's long id":      key(func(k *access.Key) { k.ID = long }),
		"a nameless key":       key(func(k *access.Key) { k.Name = "" }),
		"a key's long name":    key(func(k *access.Key) { k.Name = long }),
		"a key's long owner":   key(func(k *access.Key) { k.Owner = long }),
		"a key for nothing":    key(func(k *access.Key) { k.Scopes = 0 }),
		"an unknown scope":     key(func(k *access.Key) { k.Scopes++ }),
		"a key before 1970":    key(func(k *access.Key) { k.ExpiresAt = time.Unix(-1, 0) }),
		"a user without an id": user(func(u *access.User) { u.ID = "" }),
		"a nameless user":      user(func(u *access.User) { u.Name = "" }),
		"a user's long name":   user(func(u *access.User) { u.Name = long }),
		"a long address":       user(func(u *access.User) { u.Email = long }),
		"no role":              user(func(u *access.User) { u.Role = 0 }),
		"an unknown role":      user(func(u *access.User) { u.Role = 4 }),
		"a user before 1970":   user(func(u *access.User) { u.CreatedAt = time.Unix(-1, 0) }),
		"no host":              func(b *store.Batch) error { return b.Denied().Put(deniedOf("")) },
		"a long host":          func(b *store.Batch) error { return b.Denied().Put(deniedOf(long)) },
		"a long reason":        func(b *store.Batch) error { return b.Denied().Put(access.Denied{Host: "h", Reason: long}) },
		"no code":              report(func(r *access.Report) { r.Code = "" }),
		"no number":            report(func(r *access.Report) { r.Count = 0 }),
		"no reason":            report(func(r *access.Report) { r.Reason = "" }),
		"a report's reason":    report(func(r *access.Report) { r.Reason = long }),
		"a late report":        report(func(r *access.Report) { r.UpdatedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
	} {
		b := begin(t, s)
		if err := do(b); err == nil {
			t.Errorf("%s was taken", name)
		}
		if b.Commit() == nil {
			t.Errorf("%s: the batch was committed", name)
		}
		must(t, b.Close())
	}
}

func testAccessInstalled(t *testing.T, f Fixture) {
	from, stream := source(t, f, Script{Seed: 43}, 300)
	if left, _, err := from.Keys().Page("", 9); err != nil || len(left) == 0 {
		t.Fatalf("the script makes no keys: %v", err)
	}
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.PutKey(keyOf("mine", "")), b.Denied().Put(deniedOf("mine"))) })
	must(t, s.Replace(bytes.NewReader(stream), nil))
	for range 2 {
		verified(t, s)
		sameRows(t, s.Keys(), from.Keys())
		sameRows(t, s.Users(), from.Users())
		sameRows(t, s.Denied(), from.Denied())
		sameRows(t, s.Reports(), from.Reports())
		_, _, err := s.KeyByHash(keyOf("mine", "").Hash)
		wants(t, err, link.ErrNotFound)
		hosts, _, err := from.Denied().Page("", 1000)
		must(t, err)
		b, err := s.NewBatch()
		must(t, err)
		if n, err := b.Denied().Len(); err != nil || n != len(hosts) {
			t.Errorf("%d denied hosts, %v, want %d", n, err, len(hosts))
		}
		must(t, b.Close())
		must(t, s.Close())
		s = open(t, f.FS, f.Dir)
	}
}

func sameRows[T any](t *testing.T, got, want store.List[T]) {
	t.Helper()
	a, _, err1 := got.Page("", 1000)
	b, _, err2 := want.Page("", 1000)
	must(t, err1, err2)
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func testAccessClosed(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	must(t, s.Close())
	_, err := s.Users().Get("u")
	wants(t, err, store.ErrClosed)
	_, _, err = s.Reports().Page("", 1)
	wants(t, err, store.ErrClosed)
	_, _, err = s.KeyByHash(access.Hash{})
	wants(t, err, store.ErrClosed)
}

func testAccessHistory(t *testing.T, f Fixture) {
	s := open(t, f.FS, f.Dir)
	change(t, s, func(b *store.Batch) { must(t, b.PutKey(keyOf("k", "u")), b.Users().Put(userOf("u"))) })
	_, before := s.CurrentDigest()
	change(t, s, func(b *store.Batch) {
		must(t, b.PutKey(keyOf("l", "")), b.Denied().Put(deniedOf("h")), b.Reports().Put(reportOf("c")))
		_, err := b.DropKey("k")
		must(t, err)
	})
	if _, d := s.CurrentDigest(); d == before {
		t.Error("the digest knows nothing of it")
	}
	change(t, s, func(b *store.Batch) {
		_, err1 := b.DropKey("l")
		_, err2 := b.Denied().Drop("h")
		_, err3 := b.Reports().Drop("c")
		must(t, b.PutKey(keyOf("k", "u")), err1, err2, err3)
	})
	if _, d := s.CurrentDigest(); d != before {
		t.Error("equal rows, unlike digests")
	}
	verified(t, s)
}
