package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// aKey, aUser, aDenied and aReport have no field at its default.
func aKey() access.Key {
	return access.Key{
		ID: "k1", Name: "CI", Hash: access.Hash{1, 31: 2}, Scopes: access.LinksCreate | access.Admin, Owner: "u1", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func aUser() access.User {
	return access.User{ID: "u1", Name: "Ann", Email: "ann@a.example", Role: access.Editor, CreatedAt: noon}
}

func aDenied() access.Denied {
	return access.Denied{Host: "bad.example", Reason: "phishing", CreatedAt: noon}
}

func aReport() access.Report {
	return access.Report{Code: "slug", Reason: "phishing", Count: 300, CreatedAt: noon, UpdatedAt: noon.Add(time.Second)}
}

// TestAuthorityIsGolden pins the encodings, as TestValuesAreGolden does.
func TestAuthorityIsGolden(t *testing.T) {
	const none = "0000000000000000000000000000000000000000000000000000000000"
	s := schema{group: 0x01020304}
	for name, c := range map[string]struct {
		bytes []byte
		want  string
	}{
		"key":           {encoded(encodeKey(nil, aKey())), "0100" + "010000" + none[:56] + "02" + "11" + "8884a3e9df33" + "88e1feeadf33" + "024349" + "027531"},
		"nobody's key":  {encoded(encodeKey(nil, access.Key{Name: "n", Scopes: 1})), "0100" + none + "000000" + "01" + "00" + "00" + "016e" + "00"},
		"user":          {encoded(encodeUser(nil, aUser())), "0100" + "8884a3e9df33" + "02" + "03416e6e" + "0d616e6e40612e6578616d706c65"},
		"denied host":   {encoded(encodeDenied(nil, aDenied())), "0100" + "8884a3e9df33" + "087068697368696e67"},
		"report":        {encoded(encodeReport(nil, aReport())), "0100" + "ac02" + "8884a3e9df33" + "f08ba3e9df33" + "087068697368696e67"},
		"a key's key":   {keyShelf.key(s, nil, "k1"), "01020304116b31"},
		"a hash's key":  {s.keyHash(nil, access.Hash{1, 31: 2}), "0102030412" + "010000" + none[:56] + "02"},
		"a user's key":  {userShelf.key(s, nil, "u1"), "01020304137531"},
		"a host's key":  {deniedShelf.key(s, nil, "a.b"), "0102030414612e62"},
		"a report's":    {reportShelf.key(s, nil, "slug"), "0102030415736c7567"},
		"an owner's":    {s.ownedKey(nil, "u1", "k1"), "0102030416" + "027531" + "6b31"},
		"no room":       {encoded(encodeResult(nil, Result{Err: link.ErrFull})), "01001000"},
		"no permission": {encoded(encodeResult(nil, Result{Err: link.ErrForbidden})), "01000f00"},
	} {
		if got := hex.EncodeToString(c.bytes); got != c.want {
			t.Errorf("%s is %s, want %s", name, got, c.want)
		}
	}
}

// shelfDecoder is one of the decoders of the same name.
func shelfDecoder[T any](s shelf[T]) func(value []byte) ([]byte, error) {
	return func(value []byte) ([]byte, error) {
		row, err := s.decode("id", value)
		if err != nil {
			return nil, err
		}
		return s.encode(nil, row)
	}
}

func TestOddAuthorityIsRefused(t *testing.T) {
	hash := string(make([]byte, 32))
	for name, c := range map[string]struct {
		kind  string
		value string
		want  error
	}{
		"half a hash":                    {"key", "\x01\x00" + hash[:16], ErrDamaged},
		"no scope":                       {"key", "\x01\x00" + hash + "\x00\x05\x00\x01n\x00", ErrDamaged},
		"a scope nobody knows":           {"key", "\x01\x00" + hash + "\x20\x05\x00\x01n\x00", ErrFormat},
		"a nameless key":                 {"key", "\x01\x00" + hash + "\x01\x05\x00\x00\x00", ErrDamaged},
		"a long name":                    {"key", "\x01\x00" + hash + "\x01\x05\x00\x81\x01" + strings.Repeat("n", 129) + "\x00", ErrDamaged},
		"a long owner":                   {"key", "\x01\x00" + hash + "\x01\x05\x00\x01n\x41" + strings.Repeat("o", 65), ErrDamaged},
		"a key with a tail":              {"key", "\x01\x00" + hash + "\x01\x05\x00\x01n\x00x", ErrDamaged},
		"a key with a flag":              {"key", "\x01\x01" + hash + "\x01\x05\x00\x01n\x00", ErrDamaged},
		"a newer key":                    {"key", "\x02\x00" + hash + "\x01\x05\x00\x01n\x00", ErrFormat},
		"no role":                        {"user", "\x01\x00\x05\x00\x01n\x00", ErrDamaged},
		"a role nobody knows":            {"user", "\x01\x00\x05\x04\x01n\x00", ErrFormat},
		"a nameless user":                {"user", "\x01\x00\x05\x01\x00\x00", ErrDamaged},
		"a long address":                 {"user", "\x01\x00\x05\x01\x01n\xff\x01" + strings.Repeat("a", 255), ErrDamaged},
		"a user cut short":               {"user", "\x01\x00\x05\x01\x01n", ErrDamaged},
		"a long reason":                  {"denied", "\x01\x00\x05\x81\x04" + strings.Repeat("r", 513), ErrDamaged},
		"a host without a time":          {"denied", "\x01\x00", ErrDamaged},
		"a report of nobody":             {"report", "\x01\x00\x00\x05\x05\x01r", ErrDamaged},
		"a report without a reason":      {"report", "\x01\x00\x01\x05\x05\x00", ErrDamaged},
		"a report with a number too few": {"report", "\x01\x00\x01\x05\x01r", ErrDamaged},
	} {
		if _, err := decoders[c.kind]([]byte(c.value)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// authorityRows are well-formed rows that follow all of goodRows: a key of a user's, a denied host and a report, and in the end the
// place of the key among its owner's.
func authorityRows() []row {
	s := schema{}
	return []row{
		{keyShelf.key(s, nil, "k1"), encoded(encodeKey(nil, aKey()))},
		{s.keyHash(nil, aKey().Hash), []byte("k1")},
		{userShelf.key(s, nil, "u1"), encoded(encodeUser(nil, aUser()))},
		{deniedShelf.key(s, nil, "bad.example"), encoded(encodeDenied(nil, aDenied()))},
		{reportShelf.key(s, nil, "slug"), encoded(encodeReport(nil, aReport()))},
		{s.ownedKey(nil, "u1", "k1"), nil},
	}
}

func TestForgedAuthorityIsRefused(t *testing.T) {
	good, more := goodRows(), authorityRows()
	whole := func(rows []row) error {
		_, err := CheckStream(bytes.NewReader(forge(0, append(slices.Clone(good), rows...)...)))
		return err
	}
	if err := whole(more); err != nil {
		t.Fatal(err)
	}
	s := schema{}
	with := func(i int, r row) []row {
		rows := slices.Clone(more)
		rows[i] = r
		return rows
	}
	for name, rows := range map[string][]row{
		"a key that is not found":        slices.Delete(slices.Clone(more), 1, 2),
		"a hash of no key":               slices.Delete(slices.Clone(more), 0, 1),
		"another key's hash":             with(1, row{more[1].key, []byte("k2")}),
		"another hash":                   with(1, row{s.keyHash(nil, access.Hash{9}), []byte("k1")}),
		"a hash without a key":           with(1, row{more[1].key, nil}),
		"a hash of a long id":            with(1, row{more[1].key, bytes.Repeat([]byte("k"), access.MaxID+1)}),
		"a hash cut short":               with(1, row{more[1].key[:len(more[1].key)-1], []byte("k1")}),
		"a hash and half an id":          with(1, row{append(bytes.Clone(more[1].key), 'k'), []byte("1")}),
		"a key without an id":            with(0, row{keyShelf.key(s, nil, ""), more[0].value}),
		"a key with a long id":           with(0, row{keyShelf.key(s, nil, strings.Repeat("k", access.MaxID+1)), more[0].value}),
		"a user without an id":           with(2, row{userShelf.key(s, nil, ""), more[2].value}),
		"a user with a long id":          with(2, row{userShelf.key(s, nil, strings.Repeat("u", access.MaxID+1)), more[2].value}),
		"a host without a name":          with(3, row{deniedShelf.key(s, nil, ""), more[3].value}),
		"a long host":                    with(3, row{deniedShelf.key(s, nil, strings.Repeat("h", access.MaxHost+1)), more[3].value}),
		"a report of no link's code":     with(4, row{reportShelf.key(s, nil, ""), more[4].value}),
		"a report of a code past a code": with(4, row{reportShelf.key(s, nil, strings.Repeat("c", link.MaxSlug+1)), more[4].value}),
		"a report with a tail":           with(4, row{more[4].key, append(bytes.Clone(more[4].value), 0)}),
		"a key that its owner has not":   more[:5],
		"another's key":                  with(5, row{s.ownedKey(nil, "u2", "k1"), nil}),
		"an owner's other key":           with(5, row{s.ownedKey(nil, "u1", "k2"), nil}),
		"a key of nobody's as owned":     with(5, row{s.ownedKey(nil, "", "k1"), nil}),
		"an owned key without an id":     with(5, row{s.ownedKey(nil, "u1", ""), nil}),
		"an owned key's long id":         with(5, row{s.ownedKey(nil, "u1", strings.Repeat("k", access.MaxID+1)), nil}),
		"an owned key's long owner":      with(5, row{s.ownedKey(nil, strings.Repeat("u", access.MaxID+1), "k1"), nil}),
		"an owned key with a value":      with(5, row{more[5].key, []byte{0}}),
		"an owned key cut short":         with(5, row{more[5].key[:prefixSize+1], nil}),
	} {
		if err := whole(rows); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}

// TestAKeyThatIsNotFoundIsDamage takes the rows away by which a key is found, one at a time.
func TestAKeyThatIsNotFoundIsDamage(t *testing.T) {
	hash := func(s schema) []byte { return s.keyHash(nil, aKey().Hash) }
	owned := func(s schema) []byte { return s.ownedKey(nil, "u1", "k1") }
	dropKey := func(b *Batch) error { _, err := b.DropKey("k1"); return err }
	testLostKey(t, hash, dropKey)
	testLostKey(t, owned, dropKey)
	testLostKey(t, hash, func(b *Batch) error { return b.DropKeysOf("u1") })
}

func testLostKey(t *testing.T, key func(schema) []byte, drop func(*Batch) error) {
	s := testStore(t, nil)
	b, err := s.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	k := aKey()
	if err := errors.Join(b.Advance(Position{Index: 1, Term: 1}), b.PutKey(k), b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.live.Load().db.Delete(key(s.schema), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("verified with %v", err)
	}
	if b, err = s.NewBatch(); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Advance(Position{Index: 2, Term: 1}); err != nil {
		t.Fatal(err)
	}
	if err := drop(b); !errors.Is(err, ErrDamaged) {
		t.Errorf("dropped with %v", err)
	}
}
