package command

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// golden writes files that are missing. It never changes one: the committed bytes lie in the logs of running clusters.
var golden = flag.Bool("golden", false, "write missing golden files")

// goldenEntries is what the committed bytes mean, for ever.
func goldenEntries() map[string]Entry {
	stamp := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	origin := Origin{Node: "n1-3f9c2a", Boot: 7}
	one := func(sequence uint64, c Command) Entry {
		return Entry{Time: stamp, Batches: []Batch{{
			Origin: origin, Floor: 3, Operations: []Operation{{Sequence: sequence, Command: c}},
		}}}
	}
	full := link.Draft{
		Fields: link.Fields{Target: "https://bücher.example/?a=b#c", ValidUntil: stamp.Add(time.Hour)}, Slug: "my_Slug-1",
		Once: &link.Once{Scope: "key-1", Key: "K", Row: 2, Body: [32]byte{1, 2, 3}},
	}
	entries := map[string]Entry{
		"entry-empty":       {Time: stamp, Batches: []Batch{}},
		"entry-lead":        one(3, Lead{CodeKey: [16]byte{0xff, 1}, ClusterVersion: 1}),
		"entry-create":      one(4, Create{Draft: link.Draft{Fields: link.Fields{Target: "http://example.com/"}}}),
		"entry-create-full": one(5, Create{Draft: full}),
		"entry-expires":     one(6, Create{Draft: link.Draft{Fields: link.Fields{Target: "http://example.com/"}, ExpiresIn: 1500 * time.Millisecond}}),
		"entry-delete":      one(7, Delete{Code: "abcdefg"}),
		"entry-joined": {Time: stamp, Batches: []Batch{
			{Origin: origin, Floor: 8, Operations: []Operation{{Sequence: 8, Command: Delete{Code: "a"}}, {Sequence: 9, Command: Delete{Code: "b"}}}},
			{Origin: Origin{Node: "n2-90b1d4", Boot: 1}, Floor: 1, Operations: []Operation{}},
		}},
	}
	owner, nobody := "u1", ""
	role := access.Editor
	find := link.TitleField | link.TagsField | link.PasswordField
	every := link.Fields{
		Target: "https://example.com/?ä", Title: "Ein Titel", Tags: "a\nb c", ValidSince: stamp, ValidUntil: stamp.Add(time.Hour), MaxVisits: 10,
		Redirect: 308, DropQuery: true, Disabled: true, Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
	}
	for name, c := range map[string]Command{
		"entry-create-details":  Create{Draft: link.Draft{Fields: every, Owner: owner, Host: "example.com"}},
		"entry-create-find":     Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a"}, Find: &find}},
		"entry-create-imported": Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a"}, Slug: "s", Imported: &link.Imported{CreatedAt: stamp, Visits: 9, Conflict: link.Rename}}},
		"entry-edit":            Edit{Edit: link.Edit{Code: "abcdefg", Set: link.AllFields, Fields: every, Host: "example.com", IfVersion: 3}},
		"entry-edit-expires":    Edit{Edit: link.Edit{Code: "abcdefg", Set: link.MaxVisitsField, ExpiresIn: time.Minute}},
		"entry-consume":         Consume{Code: "abcdefg"},
		"entry-sweep":           Sweep{Limit: 256},
		"entry-visits":          Visits{Node: "n1-3f9c2a", Boot: 2, Sequence: 7, Tallies: someTallies},
		"entry-roll":            Roll{Limit: 256, KeptDays: 400},
		"entry-key": CreateKey{
			Key:       access.Key{ID: "k1", Name: "CI", Hash: access.Hash{1, 31: 2}, Scopes: access.LinksCreate | access.LinksRead, Owner: owner, ExpiresAt: stamp},
			ExpiresIn: time.Hour,
		},
		"entry-key-plain":    CreateKey{Key: access.Key{ID: "k1", Name: "all", Scopes: access.AllScopes}},
		"entry-key-revoke":   RevokeKey{ID: "k1"},
		"entry-user":         CreateUser{User: access.User{ID: owner, Name: "Ä. B.", Email: "a@b.example", Role: access.AdminRole}},
		"entry-user-edit":    EditUser{Edit: access.UserEdit{ID: owner, Name: &owner, Email: &nobody, Role: &role}},
		"entry-user-nothing": EditUser{Edit: access.UserEdit{ID: owner}},
		"entry-user-delete":  DeleteUser{ID: owner},
		"entry-deny":         Deny{Host: "bad.example", Reason: "phishing"},
		"entry-allow":        Allow{Host: "bad.example"},
		"entry-report":       Report{Code: "abcdefg", Reason: "phishing"},
		"entry-dismiss":      Dismiss{Code: "abcdefg"},
	} {
		entries[name] = one(8, c)
	}
	actor := one(9, Delete{Code: "abcdefg"})
	actor.Batches[0].Operations[0].Actor = "key-1"
	entries["entry-actor"] = actor
	return entries
}

func goldenResults() []Result {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	results := []Result{
		{Link: link.Link{Code: "abcdefg", Fields: link.Fields{Target: "http://example.com/", ValidUntil: at.Add(2e9)}, CreatedAt: at, UpdatedAt: at.Add(1e6), Version: 3}},
		{Link: link.Link{Code: "s", Fields: link.Fields{Target: "http://a"}, CreatedAt: at, UpdatedAt: at, Version: 1}},
		{},
	}
	for _, err := range []error{
		link.ErrNotFound, link.ErrGone, link.ErrSlugTaken, link.ErrSlugReserved, link.ErrInvalidSlug, link.ErrInvalidTarget,
		link.ErrInvalidField, link.ErrKeyReused, link.ErrNoLeader, link.ErrOverloaded, link.ErrDiskFull, link.ErrExhausted, ErrStale,
	} {
		results = append(results, Result{Err: err})
	}
	return results
}

// goldenLinks came later than goldenResults, whose bytes stay what they are.
func goldenLinks() []Result {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	return []Result{
		{Found: true, Link: link.Link{
			Code: "abcdefg", Owner: "u1", CreatedAt: at, UpdatedAt: at.Add(1e6), Visits: 3, Version: 2,
			Fields: link.Fields{
				Target: "http://example.com/", Title: "Ein Titel", Tags: "a\nb c", ValidSince: at, ValidUntil: at.Add(time.Hour), MaxVisits: 10,
				Redirect: 307, DropQuery: true, Disabled: true, Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
			},
		}},
		{Err: link.ErrPrecondition},
		{Err: link.ErrTargetDenied},
		{Err: link.ErrUnauthorized},
	}
}

// goldenVerdicts came later still.
func goldenVerdicts() []Result { return []Result{{Err: link.ErrForbidden}, {Found: true}} }

func TestCommittedEntriesKeepTheirMeaning(t *testing.T) {
	for name, want := range goldenEntries() {
		encoded, err := EncodeEntry(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeEntry(committed(t, name, encoded))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s means something else now:\n%s", name, diff)
		}
		back, err := DecodeEntry(encoded)
		if err != nil || !cmp.Equal(want, back) {
			t.Errorf("%s is written so that it reads otherwise: %v", name, err)
		}
	}
}

func TestCommittedResultsKeepTheirMeaning(t *testing.T) {
	for name, want := range map[string][]Result{"results": goldenResults(), "results-links": goldenLinks(), "results-verdicts": goldenVerdicts()} {
		encoded, err := EncodeResults(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeResults(committed(t, name, encoded))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(sameError)); diff != "" {
			t.Errorf("%s mean something else now:\n%s", name, diff)
		}
	}
}

// committed gives the bytes of testdata/name.hex.
func committed(t *testing.T, name string, encoded []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name+".hex")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) && *golden {
		if err := os.WriteFile(path, []byte(hex.EncodeToString(encoded)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
