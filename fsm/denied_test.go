package fsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// leading is a draft whose target has a host.
func leading(host string) link.Draft {
	d := draft("http://" + host + "/")
	d.Host = host
	return d
}

func TestNoLinkLeadsToADeniedHost(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	before := leading("www.bad.example")
	before.Slug = "before"
	g.make(before)
	g.must(command.Deny{Host: "bad.example"})
	bad := leading("www.bad.example")
	chosen, again, found := bad, bad, bad
	chosen.Slug, again.Once, found.Find = "chosen", &link.Once{Key: "k"}, new(link.FieldSet)
	for name, d := range map[string]link.Draft{"generated": bad, "chosen": chosen, "once": again, "found": found} {
		g.refuse(name, command.Create{Draft: d}, link.ErrTargetDenied)
	}
	for _, conflict := range []link.Conflict{link.Refuse, link.Overwrite, link.Rename} {
		d := imported("x", link.Imported{Conflict: conflict})
		d.Host = "bad.example"
		g.refuse(fmt.Sprintf("imported, %d", conflict), command.Create{Draft: d}, link.ErrTargetDenied)
	}
	target := link.Edit{Code: "x", Set: link.TargetField, Fields: link.Fields{Target: "http://bad.example"}, Host: "bad.example"}
	g.refuse("edited", command.Edit{Edit: target}, link.ErrTargetDenied)
	invalid := bad
	invalid.Target = ""
	g.refuse("an invalid one", command.Create{Draft: invalid}, link.ErrInvalidTarget)

	// What leads there stays, and what does not lead there is none of it.
	g.edit(link.Edit{Code: "before", Set: link.TitleField, Fields: link.Fields{Title: "t"}, Host: "bad.example"})
	g.make(leading("bad.example.com"))
	g.make(leading("example"))
	g.must(command.Allow{Host: "bad.example"})
	g.make(bad)
	g.edit(target)
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARequestIsAnsweredAgainThoughItsHostIsDeniedNow(t *testing.T) {
	g := lead(t)
	d := leading("bad.example")
	d.Once = &link.Once{Scope: "s", Key: "k"}
	made := g.make(d)
	g.must(command.Deny{Host: "bad.example"})
	if again := g.make(d); again != made {
		t.Errorf("%+v, want %+v", again, made)
	}
	d.Once.Row = 1
	g.refuse("another row", command.Create{Draft: d}, link.ErrTargetDenied)
}

func TestDenyingAndAllowing(t *testing.T) {
	g := lead(t)
	g.must(command.Deny{Host: "bad.example", Reason: "first"})
	want := access.Denied{Host: "bad.example", Reason: "first", CreatedAt: g.now}
	before := g.digest()
	g.now = at(time.Hour)
	if r := g.do(command.Deny{Host: "bad.example", Reason: "second"})[0]; r.Err != nil || !r.Found {
		t.Errorf("denied again: %+v", r)
	}
	if got, err := g.Store().Denied().Get("bad.example"); err != nil || got != want || g.digest() == before {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for name, c := range map[string]command.Deny{
		"no host": {}, "capitals": {Host: "Bad.example"}, "a long host": {Host: strings.Repeat("h", access.MaxHost+1)},
		"many labels": {Host: "0.1.2.3.4.5.6.7.h"}, "a long reason": {Host: "h", Reason: strings.Repeat("r", access.MaxReason+1)}, "a line": {Host: "h", Reason: "\n"},
	} {
		g.refuse(name, c, link.ErrInvalidField)
	}
	for _, host := range []string{"", "www.bad.example", "example", strings.Repeat("h", 100_000)} {
		g.refuse("allow what is not denied", command.Allow{Host: host}, link.ErrNotFound)
	}
}

func TestReportsAreCountedByLink(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	g.make(slug("y"))
	g.make(slug("gone"))
	g.must(command.Delete{Code: "gone"})
	report := func(code link.Code, reason string) command.Report { return command.Report{Code: code, Reason: reason} }
	first := g.now
	g.must(report("x", "first"), report("y", "other"))
	g.now = at(time.Hour)
	g.must(report("x", "second"))
	want := access.Report{Code: "x", Reason: "first", Count: 2, CreatedAt: first, UpdatedAt: g.now}
	if got, err := g.Store().Reports().Get("x"); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for name, c := range map[string]struct {
		report command.Report
		want   error
	}{
		"unknown":       {report("unknown", "r"), link.ErrNotFound},
		"no code":       {report("", "r"), link.ErrNotFound},
		"a long code":   {report(link.Code(strings.Repeat("c", 100_000)), "r"), link.ErrNotFound},
		"deleted":       {report("gone", "r"), link.ErrGone},
		"no reason":     {report("x", ""), link.ErrInvalidField},
		"a long reason": {report("x", strings.Repeat("r", access.MaxReason+1)), link.ErrInvalidField},
		"a line":        {report("x", "a\nb"), link.ErrInvalidField},
	} {
		g.refuse(name, c.report, c.want)
	}
	g.must(command.Dismiss{Code: "x"}, command.Dismiss{Code: "y"}, report("y", "again"))
	if got := g.picture().reports; len(got) != 1 || got[0].Count != 1 || got[0].Reason != "again" {
		t.Errorf("reports %+v", got)
	}
	g.refuse("dismissed before", command.Dismiss{Code: "x"}, link.ErrNotFound)
}

// A report of what is not there any more would take room that nobody can give back but by looking for it.
func TestReportsGoWithTheirLink(t *testing.T) {
	g := lead(t)
	ends := slug("ends")
	ends.ValidUntil = at(time.Hour)
	for _, d := range []link.Draft{slug("deleted"), slug("stays"), ends} {
		g.make(d)
		g.must(command.Report{Code: d.Slug, Reason: "r"})
	}
	g.must(command.Delete{Code: "deleted"})
	if got := g.picture().reports; len(got) != 2 || got[0].Code != "ends" || got[1].Code != "stays" {
		t.Errorf("after the link was deleted: %+v", got)
	}
	g.now = at(time.Hour + link.ExpiredKept)
	g.must(command.Sweep{Limit: 9})
	if got := g.picture().reports; len(got) != 1 || got[0].Code != "stays" {
		t.Errorf("after the link was swept: %+v", got)
	}
	g.refuse("a link that is gone", command.Dismiss{Code: "deleted"}, link.ErrNotFound)
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestKeysThatHaveEndedMakeRoom(t *testing.T) {
	g := lead(t)
	const lasting = 3
	g.must(userOf("u", access.Editor))
	g.fill(func(b *store.Batch) (err error) {
		for i := range access.MaxKeys {
			k := keyOf(fmt.Sprint(i), "u").Key
			if i >= lasting {
				k.ExpiresAt = at(time.Hour + time.Duration(i%2)*time.Minute)
			}
			err = errors.Join(err, b.PutKey(k))
		}
		return err
	})
	keys := func() int {
		rows, more, err := g.Store().Keys().Page("", access.MaxKeys)
		if err != nil || more {
			t.Fatal(more, err)
		}
		return len(rows)
	}
	g.now = at(time.Hour - time.Millisecond)
	for i, r := range g.do(keyOf("new", ""), keyOf("newer", "u")) {
		if !errors.Is(r.Err, link.ErrFull) {
			t.Errorf("one too many, %d: %v", i, r.Err)
		}
	}
	if n := keys(); n != access.MaxKeys {
		t.Errorf("%d keys", n)
	}
	g.now = at(time.Hour)
	g.must(keyOf("new", ""))
	if n := keys(); n != access.MaxKeys/2+lasting-1+1 {
		t.Errorf("%d keys when half of them have ended", n)
	}
	if _, _, err := g.Store().Key("0"); err != nil {
		t.Errorf("a key that does not end: %v", err)
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// fill changes the state behind the log's back, as the next entry: so many operations would take long.
func (g *group) fill(do func(b *store.Batch) error) {
	g.t.Helper()
	b, err := g.Store().NewBatch()
	if err != nil {
		g.t.Fatal(err)
	}
	g.index++
	if err := errors.Join(b.Advance(store.Position{Index: g.index, Term: 1}), do(b), b.Commit(), b.Close()); err != nil {
		g.t.Fatal(err)
	}
}

func TestOneTooManyHasNoRoom(t *testing.T) {
	if testing.Short() {
		t.Skip("fills all there is room for")
	}
	g := lead(t)
	g.make(slug("x"))
	g.make(slug("y"))
	g.must(userOf("u", access.Editor), keyOf("k", "u"), command.Deny{Host: "h"}, command.Report{Code: "x", Reason: "r"})
	g.fill(func(b *store.Batch) (err error) {
		for i := range access.MaxDenied - 1 {
			id := fmt.Sprint(i)
			err = errors.Join(err, b.Denied().Put(access.Denied{Host: id + ".example"}))
			if i < access.MaxKeys-1 {
				err = errors.Join(err, b.PutKey(keyOf(id, "").Key))
			}
			if i < access.MaxUsers-1 {
				err = errors.Join(err, b.Users().Put(userOf(id, access.Editor).User))
			}
			if i < access.MaxReports-1 {
				err = errors.Join(err, b.Reports().Put(access.Report{Code: id, Reason: "r", Count: 1}))
			}
		}
		return err
	})
	try := func(c command.Command, want error) {
		t.Helper()
		if r := g.do(c)[0]; !errors.Is(r.Err, want) {
			t.Errorf("%T: %v, want %v", c, r.Err, want)
		}
	}
	for range 2 {
		try(userOf("v", access.Editor), link.ErrFull)
		try(keyOf("l", "u"), link.ErrFull)
		try(command.Deny{Host: "i"}, link.ErrFull)
		try(command.Report{Code: "y", Reason: "r"}, link.ErrFull)
		// What takes no more room is taken.
		try(command.Deny{Host: "h"}, nil)
		try(command.Report{Code: "x", Reason: "r"}, nil)
		try(command.EditUser{Edit: access.UserEdit{ID: "u"}}, nil)
		try(command.Create{Draft: leading("www.good.example")}, nil)
		try(command.Create{Draft: leading("www.7.example")}, link.ErrTargetDenied)
		g.replica.close()
		*g.replica = *open(t, g.disk) // so that nothing is known
	}
	g.must(command.DeleteUser{ID: "u"}, command.Allow{Host: "h"}, command.Dismiss{Code: "x"})
	g.must(userOf("v", access.Editor), keyOf("l", "v"), command.Deny{Host: "i"}, command.Report{Code: "y", Reason: "r"})
}
