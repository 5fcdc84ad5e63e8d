package fsm

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// everyField has no field at its default. Its link may be followed now.
func everyField() link.Fields {
	return link.Fields{
		Target: "http://new.example/", Title: "t", Tags: "a\nb", ValidSince: at(-time.Hour), ValidUntil: at(24 * time.Hour),
		MaxVisits: 3, Redirect: 308, DropQuery: true, Disabled: true, Password: "$x$y",
	}
}

// picture is all that people see of a state: the living links, how many they are, what code comes next, and who may do what.
type picture struct {
	links   []link.Link
	number  uint64
	counter link.ID
	keys    []access.Key
	users   []access.User
	denied  []access.Denied
	reports []access.Report
}

func (r *replica) picture() picture {
	r.t.Helper()
	page, err := r.Store().List(context.Background(), store.Listing{Limit: 1000, Examine: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	return picture{
		page.Links, r.Store().Links(), r.Store().Counter(),
		all(r, r.Store().Keys()), all(r, r.Store().Users()), all(r, r.Store().Denied()), all(r, r.Store().Reports()),
	}
}

// all are the rows of a list.
func all[T any](r *replica, list store.List[T]) []T {
	r.t.Helper()
	rows, more, err := list.Page("", 1000)
	if err != nil || more {
		r.t.Fatalf("more rows: %v, %v", more, err)
	}
	return rows
}

// refuse demands that a command is refused, and changes nothing.
func (g *group) refuse(name string, c command.Command, want error) {
	g.t.Helper()
	g.refuseAs(name, "", c, want)
}

// refuseAs is refuse for the holder of a key.
func (g *group) refuseAs(name, actor string, c command.Command, want error) {
	g.t.Helper()
	before := g.picture()
	if r := g.as(actor, c)[0]; !errors.Is(r.Err, want) || r.Link != (link.Link{}) || r.Found {
		g.t.Errorf("%s: %+v, want %v", name, r, want)
	}
	if after := g.picture(); !reflect.DeepEqual(before, after) {
		g.t.Errorf("%s: was refused, and changed\n%+v to\n%+v", name, before, after)
	}
	if err := g.Failed(); err != nil {
		g.t.Fatalf("%s: stopped the node: %v", name, err)
	}
}

// edit applies an edit that must be taken.
func (g *group) edit(e link.Edit) link.Link {
	g.t.Helper()
	r := g.do(command.Edit{Edit: e})[0]
	if r.Err != nil || r.Found {
		g.t.Fatalf("edit %+v: %+v", e, r)
	}
	if read, err := g.Store().Lookup(e.Code); err != nil || read != r.Link {
		g.t.Errorf("edit %+v answered %+v; read %+v, %v", e, r.Link, read, err)
	}
	return r.Link
}

func TestEveryFieldCanBeEditedAlone(t *testing.T) {
	fields := reflect.TypeFor[link.Fields]()
	for i := range fields.NumField() {
		t.Run(fields.Field(i).Name, func(t *testing.T) {
			g := lead(t)
			made := g.make(link.Draft{Fields: link.Fields{Target: "http://old.example/"}, Owner: "u1"})
			g.now = at(time.Minute)
			edited := g.edit(link.Edit{Code: made.Code, Set: 1 << i, Fields: everyField()})
			want := made
			reflect.ValueOf(&want.Fields).Elem().Field(i).Set(reflect.ValueOf(everyField()).Field(i))
			want.UpdatedAt, want.Version = g.now, 2
			if edited != want {
				t.Errorf("edited %+v, want %+v", edited, want)
			}
			if i == 0 {
				return // the target has no default to go back to
			}
			// And back: what was set can be taken away.
			g.now = at(2 * time.Minute)
			want = made
			want.UpdatedAt, want.Version = g.now, 3
			if back := g.edit(link.Edit{Code: made.Code, Set: 1 << i}); back != want {
				t.Errorf("taken back %+v, want %+v", back, want)
			}
			if err := g.Store().Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAllFieldsAreEditedTogetherOrNone(t *testing.T) {
	g := lead(t)
	made := g.make(slug("x"))
	bad := everyField()
	bad.Tags = "b\na"
	g.refuse("one bad field", command.Edit{Edit: link.Edit{Code: "x", Set: link.AllFields, Fields: bad}}, link.ErrInvalidField)
	if edited := g.edit(link.Edit{Code: "x", Set: link.AllFields, Fields: everyField()}); edited.Fields != everyField() || edited.CreatedAt != made.CreatedAt {
		t.Errorf("edited %+v", edited)
	}
}

// Whoever edits at a version wins once, also with an edit that changes nothing.
func TestAnEditAtAVersionIsTakenOnce(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	e := link.Edit{Code: "x", Set: link.TitleField, IfVersion: 1}
	results := g.do(command.Edit{Edit: e}, command.Edit{Edit: e}, command.Edit{Edit: e})
	for i, want := range []error{nil, link.ErrPrecondition, link.ErrPrecondition} {
		if !errors.Is(results[i].Err, want) || (want == nil) != (results[i].Link.Version == 2) {
			t.Errorf("edit %d: %+v, want %v", i, results[i], want)
		}
	}
	g.refuse("a version to come", command.Edit{Edit: link.Edit{Code: "x", IfVersion: 3}}, link.ErrPrecondition)
	e.IfVersion = 2
	if l := g.edit(e); l.Version != 3 {
		t.Errorf("at the version of now: %+v", l)
	}
	if l := g.edit(link.Edit{Code: "x"}); l.Version != 4 {
		t.Errorf("at any version: %+v", l)
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	g := lead(t)
	long := strings.Repeat("o", 100_000)
	g.people()
	g.make(link.Draft{Fields: link.Fields{Target: "http://a", ValidSince: at(time.Hour)}, Slug: "mine", Owner: "u1"})
	g.make(slug("nobodys"))
	g.make(link.Draft{Fields: link.Fields{Target: "http://a"}, Slug: "gone", Owner: "u1"})
	g.do(command.Delete{Code: "gone"})
	title := func(code link.Code) link.Edit {
		return link.Edit{Code: code, Set: link.TitleField, Fields: link.Fields{Title: "t"}}
	}
	field := func(set link.FieldSet, f link.Fields) link.Edit { return link.Edit{Code: "mine", Set: set, Fields: f} }
	late := command.MaxTime.Add(time.Millisecond)
	for name, c := range map[string]struct {
		edit  link.Edit
		want  error
		actor string
	}{
		"unknown":               {title("unknown"), link.ErrNotFound, ""},
		"no code":               {title(""), link.ErrNotFound, ""},
		"no possible code":      {title(link.Code(long)), link.ErrNotFound, ""},
		"code of no link":       {title(testCodec.Encode(1000)), link.ErrNotFound, ""},
		"deleted":               {title("gone"), link.ErrGone, ""},
		"deleted, own":          {title("gone"), link.ErrGone, "k1"},
		"deleted, another's":    {title("gone"), link.ErrNotFound, "k2"},
		"another's":             {title("mine"), link.ErrNotFound, "k2"},
		"nobody's":              {title("nobodys"), link.ErrNotFound, "k1"},
		"another's, version":    {link.Edit{Code: "mine", IfVersion: 9}, link.ErrNotFound, "k2"},
		"no target":             {field(link.TargetField, link.Fields{}), link.ErrInvalidTarget, ""},
		"long target":           {field(link.TargetField, link.Fields{Target: link.Target(strings.Repeat("a", link.MaxTarget+1))}), link.ErrInvalidTarget, ""},
		"ends before it begins": {field(link.ValidUntilField, link.Fields{ValidUntil: at(time.Minute)}), link.ErrInvalidField, ""},
		"ends after all time":   {field(link.ValidUntilField, link.Fields{ValidUntil: late}), link.ErrInvalidField, ""},
		"ends before all time":  {field(link.ValidUntilField|link.ValidSinceField, link.Fields{ValidUntil: time.UnixMilli(-1).UTC()}), link.ErrInvalidField, ""},
		"begins after all time": {field(link.ValidSinceField, link.Fields{ValidSince: late}), link.ErrInvalidField, ""},
		"begins before it":      {field(link.ValidSinceField, link.Fields{ValidSince: time.UnixMilli(-1).UTC()}), link.ErrInvalidField, ""},
		"two ends":              {link.Edit{Code: "mine", Set: link.ValidUntilField, ExpiresIn: 2 * time.Hour, Fields: link.Fields{ValidUntil: at(2 * time.Hour)}}, link.ErrInvalidField, ""},
		"an end taken and set":  {link.Edit{Code: "mine", Set: link.ValidUntilField, ExpiresIn: 2 * time.Hour}, link.ErrInvalidField, ""},
		"negative end":          {link.Edit{Code: "mine", ExpiresIn: -1}, link.ErrInvalidField, ""},
		"end before its begin":  {link.Edit{Code: "mine", ExpiresIn: time.Minute}, link.ErrInvalidField, ""},
	} {
		g.refuseAs(name, c.actor, command.Edit{Edit: c.edit}, c.want)
	}
	for actor, code := range map[string]link.Code{"k1": "mine", "editor": "nobodys"} {
		if r := g.as(actor, command.Edit{Edit: title(code)})[0]; r.Err != nil || r.Link.Title != "t" {
			t.Errorf("edited by %s: %+v", actor, r)
		}
	}
}

func TestAnEditMovesTheEnd(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	end := func(until time.Time) link.Edit {
		return link.Edit{Code: "x", Set: link.ValidUntilField, Fields: link.Fields{ValidUntil: until}}
	}
	g.now = at(time.Hour)
	for _, until := range []time.Time{at(2 * time.Hour), at(time.Minute), time.UnixMilli(0).UTC(), command.MaxTime, {}} { // the past ends a link
		if l := g.edit(end(until)); !l.ValidUntil.Equal(until) || l.Expired(g.now) != (!until.IsZero() && until.Before(g.now)) {
			t.Errorf("moved to %v: %+v", until, l)
		}
	}
	if l := g.edit(link.Edit{Code: "x", ExpiresIn: 1500 * time.Microsecond, Fields: link.Fields{Title: "not set", ValidUntil: at(0)}}); !l.ValidUntil.Equal(g.now.Add(time.Millisecond)) || l.Title != "" {
		t.Errorf("ended after a moment: %+v", l)
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnEditSentAgainIsAnsweredNotRepeated(t *testing.T) {
	g := lead(t)
	g.make(slug("x"))
	g.make(slug("y"))
	e := command.Edit{Edit: link.Edit{Code: "x", Set: link.TitleField, Fields: link.Fields{Title: "t"}}}
	stale := command.Edit{Edit: link.Edit{Code: "x", IfVersion: 7}}
	first := g.do(e, stale)
	from := g.sequence - 1
	if again := g.run(g.resend(from, e, stale)); again[0] != first[0] || !errors.Is(again[1].Err, link.ErrPrecondition) || first[0].Link.Version != 2 {
		t.Errorf("again %+v, first %+v", again, first)
	}
	later := g.edit(link.Edit{Code: "x", Set: link.TitleField, Fields: link.Fields{Title: "u"}})
	if again := g.run(g.resend(from, e))[0]; again.Err != nil || again.Link != later {
		t.Errorf("again, after another edit: %+v, want %+v", again, later)
	}
	other := e
	other.Edit.Code = "y"
	for _, c := range []command.Command{other, command.Consume{Code: "y"}, command.Delete{Code: "x"}, command.Sweep{Limit: 1}} {
		if r := g.run(g.resend(from, c))[0]; !errors.Is(r.Err, command.ErrStale) {
			t.Errorf("the identity for %+v: %+v, want ErrStale", c, r)
		}
	}
	g.do(command.Delete{Code: "x"})
	if again := g.run(g.resend(from, e))[0]; !errors.Is(again.Err, link.ErrGone) {
		t.Errorf("again, after a delete: %+v, want ErrGone", again)
	}
}

func TestCreatorsDeleteTheirOwn(t *testing.T) {
	g := lead(t)
	g.people()
	g.make(link.Draft{Fields: link.Fields{Target: "http://a"}, Slug: "mine", Owner: "u1"})
	g.make(slug("nobodys"))
	remove := command.Delete{Code: "mine"}
	g.refuseAs("another's", "k2", remove, link.ErrNotFound)
	g.refuseAs("nobody's", "k1", command.Delete{Code: "nobodys"}, link.ErrNotFound)
	if r := g.as("k1", remove)[0]; r.Err != nil {
		t.Error(r.Err)
	}
	g.refuseAs("own, deleted", "k1", remove, link.ErrGone)
	g.refuseAs("another's, deleted", "k2", remove, link.ErrNotFound)
	if r := g.as("editor", command.Delete{Code: "nobodys"})[0]; r.Err != nil {
		t.Error(r.Err)
	}
}
