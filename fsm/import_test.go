package fsm

import (
	"errors"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// imported is a row of an import.
func imported(code link.Code, i link.Imported) link.Draft {
	return link.Draft{Fields: link.Fields{Target: "http://imported.example/"}, Slug: code, Imported: &i}
}

func TestAnImportedLinkBringsItsPastAlong(t *testing.T) {
	g := lead(t)
	g.now = at(time.Hour)
	for name, c := range map[string]struct {
		imported link.Imported
		created  time.Time
	}{
		"nothing known":   {link.Imported{}, g.now},
		"made before":     {link.Imported{CreatedAt: at(-time.Hour), Visits: 7}, at(-time.Hour)},
		"made at first":   {link.Imported{CreatedAt: time.UnixMilli(0).UTC()}, time.UnixMilli(0).UTC()},
		"made now":        {link.Imported{CreatedAt: g.now}, g.now},
		"made in future":  {link.Imported{CreatedAt: at(2 * time.Hour)}, g.now},
		"made at the end": {link.Imported{CreatedAt: command.MaxTime}, g.now},
		"many visits":     {link.Imported{Visits: link.MaxVisitLimit}, g.now},
	} {
		d := imported("", c.imported)
		d.Owner = "u1"
		made := g.make(d)
		want := link.Link{
			Code: made.Code, Fields: d.Fields, Owner: "u1", CreatedAt: c.created, UpdatedAt: c.created, Visits: c.imported.Visits, Version: 1,
		}
		if made != want {
			t.Errorf("%s: %+v, want %+v", name, made, want)
		}
		again := g.run(g.resend(g.sequence, command.Create{Draft: d}))[0]
		if again.Link != made || again.Found {
			t.Errorf("%s: again %+v, first %+v", name, again, made)
		}
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// An end that is over is no reason to refuse a row: its code has been given out, and must not lead elsewhere.
func TestALinkThatHasEndedIsImported(t *testing.T) {
	g := lead(t)
	for _, until := range []time.Time{time.UnixMilli(0).UTC(), at(-40 * 24 * time.Hour), testEpoch} {
		d := imported("", link.Imported{CreatedAt: at(-time.Hour)})
		d.ValidUntil = until
		if made := g.make(d); !made.ValidUntil.Equal(until) || !made.Expired(g.now) {
			t.Errorf("%+v", made)
		}
	}
	used := imported("used", link.Imported{Visits: 9})
	used.MaxVisits = 9
	g.make(used)
	g.refuse("a visit of a link that came used up", command.Consume{Code: "used"}, link.ErrGone)
}

func TestRowsThatAreRefused(t *testing.T) {
	g := lead(t)
	g.make(slug("taken"))
	g.make(slug("deleted"))
	passed := g.make(draft("http://a"))
	g.do(command.Delete{Code: "deleted"}, command.Delete{Code: passed.Code})
	taken := link.Imported{Conflict: link.Overwrite}
	with := func(change func(*link.Draft)) link.Draft {
		d := imported("taken", taken)
		change(&d)
		return d
	}
	before := time.UnixMilli(-1).UTC()
	for name, c := range map[string]struct {
		draft link.Draft
		want  error
	}{
		"made before 1970":           {imported("x", link.Imported{CreatedAt: before}), link.ErrInvalidField},
		"made long before":           {imported("x", link.Imported{CreatedAt: time.UnixMilli(-1 << 63).UTC()}), link.ErrInvalidField},
		"made after all time":        {imported("x", link.Imported{CreatedAt: command.MaxTime.Add(time.Millisecond)}), link.ErrInvalidField},
		"too many visits":            {imported("x", link.Imported{Visits: link.MaxVisitLimit + 1}), link.ErrInvalidField},
		"all visits there are":       {imported("x", link.Imported{Visits: 1<<64 - 1}), link.ErrInvalidField},
		"ended before 1970":          {with(func(d *link.Draft) { d.ValidUntil = before }), link.ErrInvalidField},
		"begins before 1970":         {with(func(d *link.Draft) { d.ValidSince = before }), link.ErrInvalidField},
		"expires in":                 {with(func(d *link.Draft) { d.ExpiresIn = time.Hour }), link.ErrInvalidField},
		"no target":                  {with(func(d *link.Draft) { d.Target = "" }), link.ErrInvalidTarget},
		"bad tags":                   {with(func(d *link.Draft) { d.Tags = "b\na" }), link.ErrInvalidField},
		"long owner":                 {with(func(d *link.Draft) { d.Owner = string(make([]byte, link.MaxOwner+1)) }), link.ErrInvalidField},
		"taken":                      {imported("taken", link.Imported{}), link.ErrSlugTaken},
		"deleted":                    {imported("deleted", link.Imported{}), link.ErrSlugTaken},
		"deleted, overwrite":         {imported("deleted", taken), link.ErrSlugTaken},
		"deleted code, overwrite":    {imported(passed.Code, taken), link.ErrSlugTaken},
		"an id passed, overwrite":    {imported(testCodec.Encode(0), taken), link.ErrSlugTaken},
		"reserved, overwrite":        {imported("api", taken), link.ErrSlugReserved},
		"reserved, rename":           {imported("api", link.Imported{Conflict: link.Rename}), link.ErrSlugReserved},
		"malformed, rename":          {imported("-x", link.Imported{Conflict: link.Rename}), link.ErrInvalidSlug},
		"no import, and it is taken": {slug("taken"), link.ErrSlugTaken},
	} {
		g.refuse(name, command.Create{Draft: c.draft}, c.want)
	}
}

func TestOverwritingGivesTheFieldsOfTheRow(t *testing.T) {
	g := lead(t)
	d := link.Draft{Fields: everyField(), Slug: "x", Owner: "u1"}
	d.Disabled = false
	before := g.make(d)
	visited := g.do(command.Consume{Code: "x"}, command.Consume{Code: "x"})[1].Link
	g.now = at(time.Hour)
	row := imported("x", link.Imported{CreatedAt: at(-time.Hour), Visits: 1, Conflict: link.Overwrite})
	row.Owner, row.Title = "u2", "new"
	r := g.do(command.Create{Draft: row})[0]
	want := link.Link{
		Code: "x", Fields: row.Fields, Owner: "u1", CreatedAt: before.CreatedAt, UpdatedAt: g.now, Visits: visited.Visits, Version: 2,
	}
	if r.Err != nil || !r.Found || r.Link != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	if read, err := g.Store().Lookup("x"); err != nil || read != want || g.Store().Links() != 1 {
		t.Errorf("read %+v, %v", read, err)
	}
	if again := g.run(g.resend(g.sequence, command.Create{Draft: row}))[0]; again != r {
		t.Errorf("again %+v, first %+v", again, r)
	}
	// What made the link at first is answered as it was.
	if again := g.run(g.resend(2, command.Create{Draft: d}))[0]; again.Link != before || again.Found {
		t.Errorf("the link's own create again: %+v, first %+v", again, before)
	}
	row.Imported.Visits = 100
	if r := g.do(command.Create{Draft: row})[0]; r.Link.Visits != 100 || r.Link.Version != 3 {
		t.Errorf("with more visits: %+v", r)
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAFreeSlugIsTakenWhateverThePolicy(t *testing.T) {
	g := lead(t)
	for i, policy := range []link.Conflict{link.Refuse, link.Overwrite, link.Rename} {
		code := link.Code("abc"[:i+1])
		if r := g.do(command.Create{Draft: imported(code, link.Imported{Conflict: policy})})[0]; r.Err != nil || r.Found || r.Link.Code != code || r.Link.Version != 1 {
			t.Errorf("policy %d: %+v", policy, r)
		}
	}
}

func TestRenamingGivesTheNextCode(t *testing.T) {
	g := lead(t)
	g.make(slug("taken"))
	g.make(slug("deleted"))
	g.do(command.Delete{Code: "deleted"})
	for _, code := range []link.Code{"taken", "deleted", testCodec.Encode(0)} {
		counter := g.Store().Counter()
		r := g.do(command.Create{Draft: imported(code, link.Imported{CreatedAt: at(-time.Hour), Visits: 2, Conflict: link.Rename})})[0]
		id, generated := testCodec.Decode(r.Link.Code)
		if r.Err != nil || r.Found || !generated || id <= counter || r.Link.Visits != 2 || !r.Link.CreatedAt.Equal(at(-time.Hour)) {
			t.Errorf("%q: %+v", code, r)
		}
	}
	if l, err := g.Store().Lookup("taken"); err != nil || l.Version != 1 {
		t.Errorf("the link that had the slug: %+v, %v", l, err)
	}
}

// An import that is resumed sends rows again: under their identity they make one link each.
func TestARowSentAgainIsImportedOnce(t *testing.T) {
	g := lead(t)
	g.make(slug("taken"))
	var rows []command.Command
	for i, policy := range []link.Conflict{link.Overwrite, link.Rename, link.Rename} {
		d := imported("taken", link.Imported{Conflict: policy})
		d.Once = &link.Once{Scope: "import", Key: "1", Row: uint32(i)}
		rows = append(rows, command.Create{Draft: d})
	}
	first := g.do(rows...)
	for _, r := range first {
		if r.Err != nil {
			t.Fatalf("%+v", first)
		}
	}
	g.now = at(time.Hour)
	for i, r := range g.do(rows...) {
		if r != first[i] {
			t.Errorf("row %d again: %+v, first %+v", i, r, first[i])
		}
	}
	if g.Store().Links() != 3 || errors.Is(first[1].Err, link.ErrSlugTaken) {
		t.Errorf("%d links", g.Store().Links())
	}
}
