package storetest

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"pgregory.net/rapid"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// govern changes some row of the kinds above, as the n-th entry of a script.
func govern(b *store.Batch, rng interface{ IntN(n int) int }, at time.Time) error {
	id := fmt.Sprintf("id-%d", rng.IntN(20))
	drop := rng.IntN(3) == 0
	switch kind := rng.IntN(4); {
	case kind == 0 && drop:
		_, err := b.DropKey(id)
		return err
	case kind == 0:
		_, found, err := b.Keys().Get(id)
		if found || err != nil {
			return err
		}
		k := keyOf(id, []string{"", "o"}[rng.IntN(2)])
		k.CreatedAt = at
		return b.PutKey(k)
	case kind == 1 && drop:
		_, err := b.Users().Drop(id)
		return err
	case kind == 1:
		return b.Users().Put(access.User{ID: id, Name: "n", Role: access.Role(1 + rng.IntN(3)), CreatedAt: at})
	case kind == 2 && drop:
		_, err := b.Denied().Drop(id)
		return err
	case kind == 2:
		return b.Denied().Put(access.Denied{Host: id, CreatedAt: at})
	case drop:
		_, err := b.Reports().Drop(id)
		return err
	}
	r, _, err := b.Reports().Get(id)
	if err != nil {
		return err
	}
	return b.Reports().Put(access.Report{Code: id, Reason: "r", Count: r.Count + 1, CreatedAt: Epoch, UpdatedAt: at})
}

// governed are the rows of a model.
type governed struct {
	keys   map[string]access.Key
	denied map[string]access.Denied
}

func (g governed) clone() governed { return governed{maps.Clone(g.keys), maps.Clone(g.denied)} }

// keyOwners are such that one begins with another.
var keyOwners = []string{"", "o", "ok"}

// govern puts or drops a key and a denied host, and reads one.
func (x *machine) govern() {
	id := fmt.Sprintf("k%d", rapid.IntRange(0, 2).Draw(x.t, "id"))
	_, known := x.m.keys[id]
	switch rapid.IntRange(0, 5).Draw(x.t, "govern") {
	case 4:
		owner := rapid.SampledFrom(keyOwners).Draw(x.t, "owner")
		maps.DeleteFunc(x.m.keys, func(_ string, k access.Key) bool { return owner != "" && k.Owner == owner })
		rcheck(x.t, x.b.DropKeysOf(owner))
	case 5:
		by := Epoch.Add(time.Duration(rapid.IntRange(0, 4).Draw(x.t, "by")) * time.Second)
		maps.DeleteFunc(x.m.keys, func(_ string, k access.Key) bool { return k.Expired(by) })
		rcheck(x.t, x.b.DropEndedKeys(by))
	case 0:
		dropped, err := x.b.DropKey(id)
		if rcheck(x.t, err); dropped != known {
			x.t.Fatalf("dropped key %s: %v", id, dropped)
		}
		delete(x.m.keys, id)
	case 1:
		if !known {
			k := keyOf(id, rapid.SampledFrom(keyOwners).Draw(x.t, "owner"))
			k.ExpiresAt = x.moment()
			x.m.keys[id] = k
			rcheck(x.t, x.b.PutKey(k))
		}
	case 2:
		_, known = x.m.denied[id]
		dropped, err := x.b.Denied().Drop(id)
		if rcheck(x.t, err); dropped != known {
			x.t.Fatalf("dropped host %s: %v", id, dropped)
		}
		delete(x.m.denied, id)
	case 3:
		x.m.denied[id] = access.Denied{Host: id, CreatedAt: x.at}
		rcheck(x.t, x.b.Denied().Put(x.m.denied[id]))
	}
	got, found, err := x.b.Keys().Get(id)
	if want, ok := x.m.keys[id]; err != nil || found != ok || got != want {
		x.t.Fatalf("key %s: %+v, %v, %v, want %+v", id, got, found, err, want)
	}
	denied, err := x.b.IsDenied("below." + id)
	if _, want := x.m.denied[id]; err != nil || denied != want {
		x.t.Fatalf("host %s is denied: %v, %v", id, denied, err)
	}
	if n, err := x.b.Keys().Len(); err != nil || n != len(x.m.keys) {
		x.t.Fatalf("%d keys, %v, want %d", n, err, len(x.m.keys))
	}
}

// compareGoverned holds a committed store against the model.
func compareGoverned(t *rapid.T, s *store.Store, m *model) {
	keys, _, err := s.Keys().Page("", 100)
	rcheck(t, err)
	hosts, _, err := s.Denied().Page("", 100)
	rcheck(t, err)
	if len(keys) != len(m.keys) || len(hosts) != len(m.denied) {
		t.Fatalf("%d keys and %d hosts, want %d and %d", len(keys), len(hosts), len(m.keys), len(m.denied))
	}
	for _, k := range keys {
		found, _, err := s.KeyByHash(k.Hash)
		if k.Owner != "" && errors.Is(err, link.ErrNotFound) { // there are no users here
			found, err = s.Keys().Get(k.ID)
		}
		if k != m.keys[k.ID] || found != k || err != nil {
			t.Fatalf("key %+v, by its hash %+v, %v, want %+v", k, found, err, m.keys[k.ID])
		}
	}
	for _, d := range hosts {
		if d != m.denied[d.Host] {
			t.Fatalf("host %+v, want %+v", d, m.denied[d.Host])
		}
	}
}
