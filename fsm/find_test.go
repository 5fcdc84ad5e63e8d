package fsm

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// finding is a draft that asks for a link with the same target and the same fields of a set.
func finding(set link.FieldSet, f link.Fields) link.Draft {
	f.Target = "http://a"
	return link.Draft{Fields: f, Find: &set}
}

// find makes or finds a link; found is its code, empty if a new one was made.
func (g *group) find(d link.Draft) (found link.Code) {
	g.t.Helper()
	before := g.Store().Links()
	r := g.do(command.Create{Draft: d})[0]
	if r.Err != nil || r.Found != (g.Store().Links() == before) {
		g.t.Fatalf("find %+v: %+v, with %d links and %d before", d, r, g.Store().Links(), before)
	}
	if read, err := g.Store().Lookup(r.Link.Code); err != nil || read != r.Link {
		g.t.Errorf("find %+v: %+v; read %+v, %v", d, r.Link, read, err)
	}
	if r.Found {
		return r.Link.Code
	}
	g.do(command.Delete{Code: r.Link.Code}) // so that it is in nobody's way
	return ""
}

func named(code link.Code, f link.Fields) link.Draft {
	f.Target = "http://a"
	return link.Draft{Fields: f, Slug: code}
}

func TestManyWhoLookForOneLinkFindOne(t *testing.T) {
	g := lead(t)
	other := writer{node: "n2", boot: 1}
	create := command.Create{Draft: finding(0, link.Fields{})}
	made := 0
	var code link.Code
	for range 10 {
		for _, results := range g.outcome(g.Apply(g.next(g.batch(create, create, create), other.batch(create, create)))) {
			for _, r := range results {
				if r.Err != nil || code != "" && (r.Link.Code != code || !r.Found) {
					t.Fatalf("%+v, want %q", r, code)
				}
				if code = r.Link.Code; !r.Found {
					made++
				}
			}
		}
	}
	if made != 1 || g.Store().Links() != 1 {
		t.Errorf("%d links made, %d are there", made, g.Store().Links())
	}
}

func TestTheOldestLinkIsFound(t *testing.T) {
	g := lead(t)
	for i, code := range []link.Code{"z", "y", "x"} {
		g.now = at(time.Duration(i) * time.Second)
		g.make(named(code, link.Fields{}))
	}
	imported := named("w", link.Fields{})
	imported.Imported = &link.Imported{CreatedAt: at(-time.Hour)}
	g.make(imported)
	for _, want := range []link.Code{"w", "z", "y", "x", ""} {
		if got := g.find(finding(0, link.Fields{})); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
		if want != "" {
			g.do(command.Delete{Code: want})
		}
	}
}

// For each field of a link that is there: whether a request finds it that gives nothing, the same, or another value.
func TestAFieldDecidesIfItIsGivenOrAlwaysCounts(t *testing.T) {
	for name, c := range map[string]struct {
		set         link.FieldSet
		same, other link.Fields
		without     bool
	}{
		"title":       {link.TitleField, link.Fields{Title: "t"}, link.Fields{Title: "u"}, true},
		"tags":        {link.TagsField, link.Fields{Tags: "a\nb"}, link.Fields{Tags: "a"}, true},
		"redirect":    {link.RedirectField, link.Fields{Redirect: 301}, link.Fields{Redirect: 308}, true},
		"query":       {link.DropQueryField, link.Fields{DropQuery: true}, link.Fields{}, true},
		"valid since": {link.ValidSinceField, link.Fields{ValidSince: at(time.Hour)}, link.Fields{ValidSince: at(2 * time.Hour)}, false},
		"valid until": {link.ValidUntilField, link.Fields{ValidUntil: at(time.Hour)}, link.Fields{ValidUntil: at(2 * time.Hour)}, false},
		"max visits":  {link.MaxVisitsField, link.Fields{MaxVisits: 5}, link.Fields{MaxVisits: 6}, false},
		"disabled":    {link.DisabledField, link.Fields{Disabled: true}, link.Fields{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := lead(t)
			g.make(named("x", c.same))
			is := func(want bool, what string, d link.Draft) {
				t.Helper()
				if found := g.find(d); (found == "x") != want {
					t.Errorf("%s: found %q", what, found)
				}
			}
			is(c.without, "nothing is given", finding(0, link.Fields{}))
			is(true, "the same is given", finding(c.set, c.same))
			is(false, "another is given", finding(c.set, c.other))
			is(false, "the default is given", finding(c.set, link.Fields{}))
			is(true, "the same is not named", finding(0, c.same))
			is(c.without, "another is not named", finding(0, c.other))
			// And a link without the field, when it is asked for.
			g.do(command.Delete{Code: "x"})
			g.make(named("plain", link.Fields{}))
			if found := g.find(finding(c.set, c.same)); found != "" {
				t.Errorf("a link without was found for one with: %q", found)
			}
			if found := g.find(finding(c.set, link.Fields{})); found != "plain" {
				t.Errorf("a link without was not found: %q", found)
			}
		})
	}
}

func TestLinksThatAreNeverFound(t *testing.T) {
	password := link.Fields{Password: "$x$y"}
	ended := link.Fields{ValidUntil: at(time.Minute)}
	used := link.Fields{MaxVisits: 1}
	off := func(f link.Fields) link.Fields { f.Disabled = true; return f }
	for name, f := range map[string]link.Fields{
		"password": password, "disabled, with password": off(password), "ended": ended, "disabled and ended": off(ended), "used up": used,
		"disabled and used up": off(used),
	} {
		t.Run(name, func(t *testing.T) {
			g := lead(t)
			g.make(named("x", f))
			if f.MaxVisits > 0 {
				on := link.Edit{Code: "x", Set: link.DisabledField}
				g.edit(on)
				g.do(command.Consume{Code: "x"})
				on.Fields = f
				g.edit(on)
			}
			g.now = at(time.Minute)
			drafts := []link.Draft{finding(0, link.Fields{}), finding(link.DisabledField, link.Fields{Disabled: f.Disabled})}
			same := finding(link.DisabledField, f)
			if !f.ValidUntil.IsZero() {
				same.Imported = &link.Imported{} // nobody else can ask for a link that has ended
			}
			drafts = append(drafts, same, link.Draft{Fields: same.Fields, Find: new(link.FieldSet), Imported: same.Imported})
			for _, d := range drafts {
				if found := g.find(d); found != "" {
					t.Errorf("%+v found %q", d, found)
				}
			}
		})
	}
}

func TestFoundLinksAreOfTheSameOwnerTargetAndSlug(t *testing.T) {
	g := lead(t)
	mine := named("mine", link.Fields{})
	mine.Owner = "u1"
	g.make(mine)
	g.now = at(time.Second)
	g.make(named("nobodys", link.Fields{}))
	g.now = at(2 * time.Second)
	g.make(named("younger", link.Fields{}))
	with := func(change func(*link.Draft)) link.Draft {
		d := finding(0, link.Fields{})
		change(&d)
		return d
	}
	for name, c := range map[string]struct {
		draft link.Draft
		want  link.Code
	}{
		"mine":                 {with(func(d *link.Draft) { d.Owner = "u1" }), "mine"},
		"a stranger":           {with(func(d *link.Draft) { d.Owner = "u2" }), ""},
		"nobody":               {with(func(*link.Draft) {}), "nobodys"},
		"another target":       {with(func(d *link.Draft) { d.Target = "http://a/" }), ""},
		"another case":         {with(func(d *link.Draft) { d.Target = "http://A" }), ""},
		"a slug":               {with(func(d *link.Draft) { d.Slug = "younger" }), "younger"},
		"a new slug":           {with(func(d *link.Draft) { d.Slug = "new" }), ""},
		"an end is no end":     {with(func(d *link.Draft) { d.ExpiresIn = time.Hour }), ""},
		"a password of theirs": {with(func(d *link.Draft) { d.Password = "$x$y" }), ""},
	} {
		if got := g.find(c.draft); got != c.want {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
	taken := finding(0, link.Fields{})
	taken.Slug, taken.Owner = "younger", "u1"
	g.refuse("another's slug", command.Create{Draft: taken}, link.ErrSlugTaken)
	bad := finding(0, link.Fields{Title: "a\nb"})
	g.refuse("a bad field", command.Create{Draft: bad}, link.ErrInvalidField)
	bad = finding(0, link.Fields{})
	bad.ExpiresIn = -1
	g.refuse("a bad end", command.Create{Draft: bad}, link.ErrInvalidField)
}

// A stranger who chose the slug of a link must not choose what others hand out for their target.
func TestLinksOfTheAnonymousAreFoundByTheAnonymousAlone(t *testing.T) {
	g := lead(t)
	g.must(keyOf("free", ""))
	strangers := named("strangers", link.Fields{})
	strangers.Owner = access.AnonymousHolder().Owner
	g.make(strangers)
	d := finding(0, link.Fields{})
	for _, actor := range []string{access.RootHolder().Actor(), "free"} {
		r := g.as(actor, command.Create{Draft: d})[0]
		if r.Err != nil || r.Found || r.Link.Owner != "" {
			t.Errorf("%q is given %+v", actor, r)
		}
		g.do(command.Delete{Code: r.Link.Code})
	}
	d.Owner = access.AnonymousHolder().Owner
	if r := g.as(access.AnonymousHolder().Actor(), command.Create{Draft: d})[0]; !r.Found || r.Link.Code != "strangers" {
		t.Errorf("another stranger is given %+v", r)
	}
}

func TestALinkWithTheSameEndIsFoundByTheTimeItLasts(t *testing.T) {
	g := lead(t)
	g.make(named("x", link.Fields{ValidUntil: at(time.Hour)}))
	g.now = at(30 * time.Minute)
	d := finding(0, link.Fields{})
	d.ExpiresIn = 30 * time.Minute
	if found := g.find(d); found != "x" {
		t.Errorf("found %q", found)
	}
}

func TestAFoundLinkIsAnsweredAgainAsItIsNow(t *testing.T) {
	g := lead(t)
	g.make(named("x", link.Fields{Title: "t"}))
	d := finding(0, link.Fields{})
	d.Once = &link.Once{Key: "k", Body: [32]byte{1}}
	first := g.do(command.Create{Draft: d})[0]
	sequence := g.sequence
	if first.Err != nil || !first.Found || first.Link.Code != "x" {
		t.Fatalf("%+v", first)
	}
	check := func(what string, want command.Result) {
		t.Helper()
		if r := g.run(g.resend(sequence, command.Create{Draft: d}))[0]; r != want {
			t.Errorf("%s, the operation again: %+v, want %+v", what, r, want)
		}
		if r := g.do(command.Create{Draft: d})[0]; r != want {
			t.Errorf("%s, the request again: %+v, want %+v", what, r, want)
		}
	}
	check("unchanged", first)
	check("edited", command.Result{Found: true, Link: g.edit(link.Edit{Code: "x", Set: link.TargetField, Fields: link.Fields{Target: "http://b"}})})
	g.do(command.Delete{Code: "x"})
	// Nothing is left of it but when it was made: the answer is what was asked for.
	want := link.Link{Code: "x", Fields: d.Fields, CreatedAt: testEpoch, UpdatedAt: testEpoch, Version: 1}
	check("deleted", command.Result{Found: true, Link: want})
	if g.Store().Links() != 0 {
		t.Errorf("%d links", g.Store().Links())
	}
}

// What was found once is remembered: a later link that is older, or the end of this one, changes nothing.
func TestAMadeLinkIsNotFoundLater(t *testing.T) {
	g := lead(t)
	var keyed []command.Command
	for i := range 3 {
		d := finding(0, link.Fields{})
		d.Once = &link.Once{Key: fmt.Sprint(i), Body: [32]byte{1}}
		keyed = append(keyed, command.Create{Draft: d})
	}
	first := g.do(keyed...)
	again := g.do(keyed...)
	for i := range first {
		if first[i] != again[i] || first[i].Found != (i > 0) || first[i].Link != first[0].Link {
			t.Errorf("request %d: %+v, again %+v", i, first[i], again[i])
		}
	}
}

func TestAnEntryLooksAtABoundedNumberOfLinks(t *testing.T) {
	g := lead(t)
	const links = 256
	var stock []command.Command
	for i := range links {
		stock = append(stock, command.Create{Draft: named(link.Code(fmt.Sprintf("s-%d", i)), link.Fields{Title: "other"})})
	}
	g.do(stock...)
	var finds []command.Command
	for i := range 2 * maxLooked / links {
		finds = append(finds, command.Create{Draft: finding(link.TitleField, link.Fields{Title: fmt.Sprint("none ", i)})})
	}
	made, refusals := 0, 0
	for _, r := range g.do(finds...) {
		switch {
		case r.Err == nil:
			made++
		case errors.Is(r.Err, link.ErrOverloaded):
			refusals++
		default:
			t.Fatal(r.Err)
		}
	}
	if made != maxLooked/links || refusals != len(finds)-made {
		t.Errorf("%d links made, %d refusals, of %d", made, refusals, len(finds))
	}
	if r := g.do(finds[0])[0]; r.Err != nil {
		t.Errorf("in the next entry: %v", r.Err)
	}
}
