package fsm

import (
	"errors"
	"fmt"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// maxScope is the longest scope of a client's request, in bytes.
const maxScope = 255

// create makes a link, once per client's request: row by row, so that a bulk cut into entries and half done is finished,
// not repeated. Only successes are remembered; what was refused may be asked for again.
func (e *entry) create(d link.Draft) (command.Result, error) {
	e.creates++
	if d.Once == nil {
		return e.make(d)
	}
	o := d.Once
	if o.Key == "" || len(o.Key) > link.MaxKey || len(o.Scope) > maxScope {
		return refused(link.ErrInvalidField), nil
	}
	head, found, err := e.batch.Once(o.Scope, o.Key)
	if err != nil {
		return command.Result{}, err
	}
	remembered := found && head.Expires.After(e.stamp)
	if remembered && head.Body != o.Body {
		return refused(link.ErrKeyReused), nil
	}
	if remembered {
		kept, found, err := e.batch.OnceRow(o.Scope, o.Key, o.Row)
		if err != nil {
			return command.Result{}, err
		}
		if found {
			return e.again(d, kept)
		}
	}
	made, err := e.make(d)
	if err != nil || made.Err != nil {
		return made, err
	}
	if !remembered {
		head = store.OnceHead{Body: o.Body, Expires: e.stamp.Add(link.OnceKept)}
		if head.Expires.After(command.MaxTime) {
			head.Expires = command.MaxTime
		}
		if err := e.batch.PutOnce(o.Scope, o.Key, head); err != nil {
			return command.Result{}, err
		}
	}
	return made, e.batch.PutOnceRow(o.Scope, o.Key, o.Row, store.Result{Code: made.Link.Code, Found: made.Found})
}

// again answers a create that succeeded before with the link as it was then. All of a link that was made follows from the
// draft and the stamps of its making, which its row keeps also when the link has changed or is deleted. A link that was found
// is answered as it is now, as long as it is there.
func (e *entry) again(d link.Draft, kept store.Result) (command.Result, error) {
	row, err := e.batch.Link(kept.Code)
	if err != nil && !errors.Is(err, link.ErrGone) {
		return command.Result{}, fmt.Errorf("the link %q of a remembered operation: %w", kept.Code, err)
	}
	if kept.Found && err == nil {
		return command.Result{Link: row, Found: true}, nil
	}
	return command.Result{Link: first(d, kept.Code, row.CreatedAt), Found: kept.Found}, nil
}

// make makes a link, whatever was made before.
func (e *entry) make(d link.Draft) (command.Result, error) {
	if err := e.check(d); err != nil {
		return refused(err), nil
	}
	if refusal, err := e.refuseDenied(d.Host); err != nil || refusal != nil {
		return refused(refusal), err
	}
	if d.Find != nil {
		if found, ok, err := e.find(d); ok || err != nil {
			return found, err
		}
	}
	if d.Slug == "" {
		return e.makeGenerated(d)
	}
	made, err := e.makeSlug(d)
	if d.Imported == nil || !errors.Is(made.Err, link.ErrSlugTaken) {
		return made, err
	}
	switch d.Imported.Conflict {
	case link.Overwrite:
		return e.overwrite(d)
	case link.Rename:
		return e.makeGenerated(d)
	}
	return made, err
}

// check gives the refusal of a draft that cannot be taken, whoever checked it before. What a node's settings decide (the
// schemes, its own host) is not for replicas to judge: their settings may differ.
func (e *entry) check(d link.Draft) error {
	f := d.Fields
	f.ValidUntil = validUntil(d.Fields, d.ExpiresIn, e.stamp)
	if err := checkFields(f); err != nil {
		return err
	}
	switch {
	case d.ExpiresIn < 0, d.ExpiresIn != 0 && !d.ValidUntil.IsZero(), len(d.Owner) > link.MaxOwner:
		return link.ErrInvalidField
	case d.Imported != nil:
		return checkImported(d)
	case !f.ValidUntil.IsZero() && !f.ValidUntil.After(e.stamp):
		return link.ErrInvalidField
	}
	return nil
}

// checkImported is for what a link brings along. It may have ended before: its code is taken all the same.
func checkImported(d link.Draft) error {
	// When it was imported is kept nowhere, so that an end counted from there could not be answered again.
	if d.ExpiresIn != 0 || !stampable(d.Imported.CreatedAt) || d.Imported.Visits > link.MaxVisitLimit {
		return link.ErrInvalidField
	}
	return nil
}

// checkFields is Fields.Check, and that the state can hold the times.
func checkFields(f link.Fields) error {
	if err := f.Check(); err != nil {
		return err
	}
	if !stampable(f.ValidUntil) || !stampable(f.ValidSince) {
		return link.ErrInvalidField
	}
	return nil
}

// stampable reports whether a time is none, or one that a stamp could be. The store takes no others.
func stampable(t time.Time) bool {
	return t.IsZero() || t.UnixMilli() >= 0 && !t.After(command.MaxTime)
}

// alwaysSame are the fields that a link must share to be found, given or not: a caller who does not speak of an end, a
// limit or a password asks for a link without.
const alwaysSame = link.TargetField | link.ValidSinceField | link.ValidUntilField | link.MaxVisitsField | link.DisabledField

// maxLooked is how many links the operations of an entry look at, about, to find one (each at most 256): the readers of a replica wait for an entry.
// Whoever comes later may ask again.
const maxLooked = 4 << 10

// find gives the oldest living link of the owner's that is what the draft asks for. One with a password is never found: whoever
// asks does not know it.
func (e *entry) find(d link.Draft) (command.Result, bool, error) {
	want := d.Fields
	want.ValidUntil = validUntil(d.Fields, d.ExpiresIn, e.stamp)
	if want.Password != "" {
		return command.Result{}, false, nil
	}
	if e.looked >= maxLooked {
		return refused(link.ErrOverloaded), true, nil
	}
	l, found, err := e.batch.Find(d.Owner, d.Target, func(l link.Link) bool {
		e.looked++
		// Not by its state alone: that of a disabled link does not say whether it has ended as well.
		return !l.Expired(e.stamp) && !l.Route().UsedUp && l.Password == "" &&
			(d.Slug == "" || d.Slug == l.Code) && want.Same(l.Fields, *d.Find|alwaysSame)
	})
	return command.Result{Link: l, Found: true}, found, err
}

// overwrite gives the link of a slug the fields of an imported one. What was deleted stays deleted, and visits that were
// counted here are not forgotten: a limit would be worth nothing. When the link was made stays too, for again needs it.
func (e *entry) overwrite(d link.Draft) (command.Result, error) {
	l, err := e.batch.Link(d.Slug)
	if errors.Is(err, link.ErrGone) || errors.Is(err, link.ErrNotFound) { // or its id was passed over
		return refused(link.ErrSlugTaken), nil
	}
	if err != nil {
		return command.Result{}, err
	}
	made := first(d, d.Slug, e.stamp)
	made.Owner, made.CreatedAt, made.UpdatedAt = l.Owner, l.CreatedAt, e.stamp
	made.Version, made.Visits = l.Version+1, max(l.Visits, made.Visits)
	return command.Result{Link: made, Found: true}, e.batch.Put(made)
}

// makeSlug makes a link with a code somebody chose. A slug that reads as a generated code is taken if its id was passed:
// readers rely on "an id at or below the counter without a row has no link".
func (e *entry) makeSlug(d link.Draft) (command.Result, error) {
	codec, ok := e.batch.Codec()
	if !ok {
		return command.Result{}, ErrNoCodeKey
	}
	slug, err := link.ParseSlug(string(d.Slug), e.words())
	switch {
	case errors.Is(err, link.ErrSlugReserved):
		return refused(link.ErrSlugReserved), nil
	case err != nil:
		return refused(link.ErrInvalidSlug), nil
	}
	if id, ok := codec.Decode(slug); ok && id <= e.batch.Counter() {
		return refused(link.ErrSlugTaken), nil
	}
	switch _, err := e.batch.Link(slug); {
	case err == nil, errors.Is(err, link.ErrGone):
		return refused(link.ErrSlugTaken), nil
	case !errors.Is(err, link.ErrNotFound):
		return command.Result{}, err
	}
	made := first(d, slug, e.stamp)
	return command.Result{Link: made}, e.batch.Put(made)
}

// makeGenerated makes a link with the next code of the counter that is no reserved or offensive word and that no slug has.
func (e *entry) makeGenerated(d link.Draft) (command.Result, error) {
	codec, ok := e.batch.Codec()
	if !ok {
		return command.Result{}, ErrNoCodeKey
	}
	words := e.words()
	for id := e.batch.Counter() + 1; id <= link.MaxID; id++ {
		code := codec.Encode(id)
		if words.Reserved(code) || words.Offensive(code) {
			continue
		}
		made := first(d, code, e.stamp)
		switch err := e.batch.AddGenerated(made); {
		case err == nil:
			return command.Result{Link: made}, nil
		case !errors.Is(err, link.ErrSlugTaken):
			return command.Result{}, err
		}
	}
	return refused(link.ErrExhausted), nil
}

// words are those of the cluster version the state has at this operation.
func (e *entry) words() link.Words { return link.WordsFor(e.batch.ClusterVersion()) }

// first is the link that a draft makes at a stamp.
func first(d link.Draft, code link.Code, stamp time.Time) link.Link {
	l := link.Link{Code: code, Fields: d.Fields, Owner: d.Owner, CreatedAt: stamp, UpdatedAt: stamp, Version: 1}
	l.ValidUntil = validUntil(d.Fields, d.ExpiresIn, stamp)
	if i := d.Imported; i != nil {
		l.Visits = i.Visits
		if !i.CreatedAt.IsZero() && i.CreatedAt.Before(stamp) {
			l.CreatedAt, l.UpdatedAt = i.CreatedAt, i.CreatedAt
		}
	}
	return l
}

// validUntil is when a link ends that is made or edited at stamp, in whole milliseconds; zero for never.
func validUntil(f link.Fields, expiresIn time.Duration, stamp time.Time) time.Time {
	if expiresIn != 0 {
		return stamp.Add(expiresIn).Truncate(time.Millisecond)
	}
	return f.ValidUntil
}
