package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyurl/fsm/link"
)

// fullLink has a value in every field but the code.
func fullLink() link.Link {
	return link.Link{
		Fields: link.Fields{
			Target: "https://example.com/", Title: "Ti", Tags: "a\nb", ValidSince: noon, ValidUntil: noon.Add(time.Hour), MaxVisits: 300,
			Redirect: 308, DropQuery: true, Disabled: true, Password: "$x",
		},
		Owner: "me", CreatedAt: noon, UpdatedAt: noon.Add(time.Second), Visits: 5, Version: 2,
	}
}

// genLink makes a link with any of its fields set.
func genLink(t *rapid.T) link.Link {
	l := link.Link{
		Code:      "code",
		Fields:    link.Fields{Target: link.Target(rapid.StringN(1, -1, link.MaxTarget).Draw(t, "target")), ValidUntil: genTime().Draw(t, "until")},
		CreatedAt: genTime().Draw(t, "created"),
		UpdatedAt: genTime().Draw(t, "updated"),
		Version:   rapid.Uint64().Draw(t, "version"),
	}
	for i, set := range []func(){
		func() { l.Owner = rapid.StringN(0, -1, link.MaxOwner).Draw(t, "owner") },
		func() { l.Title = rapid.StringN(0, -1, link.MaxTitle).Draw(t, "title") },
		func() {
			l.Tags, _ = link.ParseTags(rapid.SliceOfN(rapid.StringN(1, -1, link.MaxTag), 0, link.MaxTags).Draw(t, "tags"))
		},
		func() { l.ValidSince = genTime().Draw(t, "since") },
		func() { l.MaxVisits = rapid.Uint64Range(0, link.MaxVisitLimit).Draw(t, "limit") },
		func() { l.Visits = rapid.Uint64().Draw(t, "visits") },
		func() { l.Redirect = link.Redirect(rapid.Uint16().Draw(t, "redirect")) },
		func() { l.Password = link.PasswordHash(rapid.StringN(0, -1, link.MaxPasswordHash).Draw(t, "password")) },
		func() { l.DropQuery = true },
		func() { l.Disabled = true },
	} {
		if rapid.Bool().Draw(t, fmt.Sprint("field ", i)) {
			set()
		}
	}
	return l
}

// TestEveryFieldIsInTheValue changes one field after the other: no two links have one value, and every part of a value counts.
func TestEveryFieldIsInTheValue(t *testing.T) {
	full := fullLink()
	value := encoded(encodeLink(nil, full))
	seen := map[string]string{string(value): "nothing"}
	for name, change := range map[string]func(l *link.Link){
		"owner":          func(l *link.Link) { l.Owner = "you" },
		"no owner":       func(l *link.Link) { l.Owner = "" },
		"title":          func(l *link.Link) { l.Title = "ti" },
		"no title":       func(l *link.Link) { l.Title = "" },
		"tags":           func(l *link.Link) { l.Tags = "a\nc" },
		"no tags":        func(l *link.Link) { l.Tags = "" },
		"since":          func(l *link.Link) { l.ValidSince = noon.Add(time.Millisecond) },
		"no since":       func(l *link.Link) { l.ValidSince = time.Time{} },
		"until":          func(l *link.Link) { l.ValidUntil = noon.Add(time.Millisecond) },
		"no until":       func(l *link.Link) { l.ValidUntil = time.Time{} },
		"visit limit":    func(l *link.Link) { l.MaxVisits = 301 },
		"no visit limit": func(l *link.Link) { l.MaxVisits = 0 },
		"visits":         func(l *link.Link) { l.Visits = 6 },
		"no visits":      func(l *link.Link) { l.Visits = 0 },
		"redirect":       func(l *link.Link) { l.Redirect = 301 },
		"no redirect":    func(l *link.Link) { l.Redirect = 0 },
		"password":       func(l *link.Link) { l.Password = "$y" },
		"no password":    func(l *link.Link) { l.Password = "" },
		"query":          func(l *link.Link) { l.DropQuery = false },
		"enabled":        func(l *link.Link) { l.Disabled = false },
		"target":         func(l *link.Link) { l.Target = "https://example.org/" },
		"created":        func(l *link.Link) { l.CreatedAt = noon.Add(-time.Second) },
		"updated":        func(l *link.Link) { l.UpdatedAt = noon },
		"version":        func(l *link.Link) { l.Version = 3 },
	} {
		l := full
		change(&l)
		other := encoded(encodeLink(nil, l))
		if before := seen[string(other)]; before != "" {
			t.Errorf("%s and %s: one value", name, before)
		}
		seen[string(other)] = name
	}
	for _, value := range [][]byte{value, encoded(encodeTombstone(nil, full))} {
		for n := range value {
			if again, err := decoders["link"](value[:n]); !errors.Is(err, ErrDamaged) {
				t.Errorf("the first %d of %d bytes: %x, %v", n, len(value), again, err)
			}
		}
	}
}

func TestLinksSurviveTheirEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genLink(t)
		value, err := encodeLink(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		got := link.Link{Code: "code"}
		alive, err := decodeLink(value, &got)
		if diff := cmp.Diff(want, got); err != nil || !alive || diff != "" {
			t.Fatalf("%v, alive %v, %s", err, alive, diff)
		}
		if value, err = encodeTombstone(nil, want); err != nil {
			t.Fatal(err)
		}
		alive, err = decodeLink(value, &got)
		want.Fields, want.Visits = link.Fields{}, 0
		if diff := cmp.Diff(want, got); err != nil || alive || diff != "" {
			t.Fatalf("the tombstone: %v, alive %v, %s", err, alive, diff)
		}
	})
}
