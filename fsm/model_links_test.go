package fsm

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// linkOf is the link that a draft makes at a moment.
func linkOf(d link.Draft, code link.Code, at time.Time) link.Link {
	l := link.Link{Code: code, Fields: d.Fields, Owner: d.Owner, CreatedAt: at, UpdatedAt: at, Version: 1}
	if d.ExpiresIn != 0 {
		l.ValidUntil = at.Add(d.ExpiresIn)
	}
	if i := d.Imported; i != nil {
		l.Visits = i.Visits
		if !i.CreatedAt.IsZero() && i.CreatedAt.Before(at) {
			l.CreatedAt, l.UpdatedAt = i.CreatedAt, i.CreatedAt
		}
	}
	return l
}

// refusal is why a draft cannot be taken; nil if it can.
func (m *model) refusal(d link.Draft, l link.Link) error {
	if err := fieldsRefusal(l.Fields); err != nil {
		return err
	}
	bad := d.ExpiresIn < 0 || d.ExpiresIn != 0 && !d.ValidUntil.IsZero() || len(d.Owner) > 64
	if i := d.Imported; i != nil {
		bad = bad || d.ExpiresIn != 0 || outOfTime(i.CreatedAt) || i.Visits >= 1<<53
	} else {
		bad = bad || !l.ValidUntil.IsZero() && !l.ValidUntil.After(m.stamp)
	}
	if bad {
		return link.ErrInvalidField
	}
	return nil
}

// fieldsRefusal trusts the tables of Fields.Check (fsm/link).
func fieldsRefusal(f link.Fields) error {
	if err := f.Check(); err != nil {
		return err
	}
	if outOfTime(f.ValidSince) || outOfTime(f.ValidUntil) {
		return link.ErrInvalidField
	}
	return nil
}

func outOfTime(t time.Time) bool { return !t.IsZero() && (t.Year() < 1970 || t.Year() > 9999) }

func (m *model) make(d link.Draft) command.Result {
	l := linkOf(d, "", m.stamp)
	if err := m.refusal(d, l); err != nil {
		return command.Result{Err: err}
	}
	if m.isDenied(d.Host) {
		return command.Result{Err: link.ErrTargetDenied}
	}
	if found, ok := m.find(d, l); ok {
		return command.Result{Link: found, Found: true}
	}
	var err error
	if l.Code, err = m.codeFor(d); err != nil {
		return command.Result{Err: err}
	}
	if old, there := m.links[l.Code]; there {
		return m.overwrite(old, l)
	}
	m.links[l.Code] = l
	return command.Result{Link: l}
}

// codeFor gives the code that a draft's link has, or will overwrite.
func (m *model) codeFor(d link.Draft) (link.Code, error) {
	words := link.WordsFor(1)
	if d.Slug != "" {
		if words.Reserved(d.Slug) {
			return "", link.ErrSlugReserved
		}
		id, generated := testCodec.Decode(d.Slug)
		_, there := m.links[d.Slug]
		if !there && (!generated || id > m.counter) {
			return d.Slug, nil
		}
		switch {
		case d.Imported != nil && d.Imported.Conflict == link.Rename: // it gets a code
		case d.Imported != nil && d.Imported.Conflict == link.Overwrite && there && !m.deleted[d.Slug]:
			return d.Slug, nil
		default:
			return "", link.ErrSlugTaken
		}
	}
	for {
		m.counter++
		code := testCodec.Encode(m.counter)
		if _, known := m.links[code]; !known && !words.Reserved(code) && !words.Offensive(code) {
			return code, nil
		}
	}
}

func (m *model) overwrite(old, l link.Link) command.Result {
	l.Owner, l.CreatedAt, l.UpdatedAt = old.Owner, old.CreatedAt, m.stamp
	l.Version, l.Visits = old.Version+1, max(old.Visits, l.Visits)
	m.links[l.Code] = l
	return command.Result{Link: l, Found: true}
}

// find gives the oldest link that is what l would be.
func (m *model) find(d link.Draft, l link.Link) (found link.Link, ok bool) {
	if d.Find == nil || d.Password != "" {
		return link.Link{}, false
	}
	given := func(f link.FieldSet, same bool) bool { return *d.Find&f == 0 || same }
	for _, o := range m.links {
		ended := !o.ValidUntil.IsZero() && !o.ValidUntil.After(m.stamp) || o.MaxVisits > 0 && o.Visits >= o.MaxVisits
		same := o.Owner == d.Owner && o.Target == d.Target && o.Password == "" && (d.Slug == "" || d.Slug == o.Code) &&
			o.ValidSince.Equal(l.ValidSince) && o.ValidUntil.Equal(l.ValidUntil) && o.MaxVisits == l.MaxVisits && o.Disabled == l.Disabled &&
			given(link.TitleField, o.Title == l.Title) && given(link.TagsField, o.Tags == l.Tags) &&
			given(link.RedirectField, o.Redirect == l.Redirect) && given(link.DropQueryField, o.DropQuery == l.DropQuery)
		if same && !ended && !m.deleted[o.Code] && (!ok || older(o, found)) {
			found, ok = o, true
		}
	}
	return found, ok
}

// older says which of two links was there first: of one moment are generated codes, as they were made, then slugs.
func older(a, b link.Link) bool {
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return a.CreatedAt.Before(b.CreatedAt)
	}
	return inOrderOfRows(a.Code, b.Code) < 0
}

// owned gives a living link to somebody who may change it.
func (m *model) owned(code link.Code, by *string) (link.Link, error) {
	l, there := m.links[code]
	switch {
	case !there, by != nil && *by != l.Owner:
		return l, link.ErrNotFound
	case m.deleted[code]:
		return l, link.ErrGone
	}
	return l, nil
}

func (m *model) edit(e link.Edit, own *string) command.Result {
	l, err := m.owned(e.Code, own)
	switch {
	case err != nil:
		return command.Result{Err: err}
	case e.IfVersion != 0 && e.IfVersion != l.Version:
		return command.Result{Err: link.ErrPrecondition}
	case e.ExpiresIn < 0, e.ExpiresIn != 0 && e.Set&link.ValidUntilField != 0:
		return command.Result{Err: link.ErrInvalidField}
	}
	to, from := reflect.ValueOf(&l.Fields).Elem(), reflect.ValueOf(e.Fields)
	for i := range to.NumField() {
		if e.Set&(1<<i) != 0 {
			to.Field(i).Set(from.Field(i))
		}
	}
	if e.ExpiresIn != 0 {
		l.ValidUntil = m.stamp.Add(e.ExpiresIn)
	}
	if err := fieldsRefusal(l.Fields); err != nil {
		return command.Result{Err: err}
	}
	if e.Set&link.TargetField != 0 && m.isDenied(e.Host) {
		return command.Result{Err: link.ErrTargetDenied}
	}
	l.UpdatedAt, l.Version = m.stamp, l.Version+1
	m.links[l.Code] = l
	return command.Result{Link: l}
}

func (m *model) consume(code link.Code) command.Result {
	l, err := m.owned(code, nil)
	switch {
	case err != nil:
		return command.Result{Err: err}
	case l.Disabled, !l.ValidUntil.IsZero() && !l.ValidUntil.After(m.stamp), l.MaxVisits > 0 && l.Visits >= l.MaxVisits:
		return command.Result{Err: link.ErrGone}
	case l.ValidSince.After(m.stamp):
		return command.Result{Err: link.ErrNotFound}
	}
	if l.MaxVisits > 0 {
		l.Visits++
		m.links[code] = l
	}
	return command.Result{Link: l}
}

// sweep deletes the links that ended first of those that ended thirty days ago.
func (m *model) sweep(limit int) {
	var due []link.Link
	for _, l := range m.links {
		if !m.deleted[l.Code] && !l.ValidUntil.IsZero() && m.stamp.Sub(l.ValidUntil) >= 720*time.Hour {
			due = append(due, l)
		}
	}
	slices.SortFunc(due, func(a, b link.Link) int {
		if c := a.ValidUntil.Compare(b.ValidUntil); c != 0 {
			return c
		}
		return inOrderOfRows(a.Code, b.Code)
	})
	for _, l := range due[:min(limit, len(due))] {
		m.end(l.Code)
	}
}

// inOrderOfRows orders links of one moment: generated codes by their ids, and then slugs.
func inOrderOfRows(a, b link.Code) int {
	x, generatedA := testCodec.Decode(a)
	y, generatedB := testCodec.Decode(b)
	switch {
	case generatedA && generatedB:
		return cmp.Compare(x, y)
	case generatedA != generatedB:
		return map[bool]int{true: -1, false: 1}[generatedA]
	}
	return cmp.Compare(a, b)
}

func (m *model) end(code link.Code) {
	m.deleted[code] = true
	delete(m.reports, string(code))
}
