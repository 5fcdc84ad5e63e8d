package fsm

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

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
			return e.again(d, kept.Code)
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
	return made, e.batch.PutOnceRow(o.Scope, o.Key, o.Row, store.Result{Code: made.Link.Code})
}

// again answers a create that succeeded before with the link as it was then. All of that link follows from the draft and
// the stamp of its making, which its row keeps also when the link has changed or is deleted.
func (e *entry) again(d link.Draft, code link.Code) (command.Result, error) {
	row, err := e.batch.Link(code)
	if err != nil && !errors.Is(err, link.ErrGone) {
		return command.Result{}, fmt.Errorf("the link %q of a remembered operation: %w", code, err)
	}
	return command.Result{Link: first(d, code, row.CreatedAt)}, nil
}

// make makes a link, whatever was made before.
func (e *entry) make(d link.Draft) (command.Result, error) {
	if err := e.check(d); err != nil {
		return refused(err), nil
	}
	if d.Slug != "" {
		return e.makeSlug(d)
	}
	return e.makeGenerated(d)
}

// check gives the refusal of a draft that cannot be taken, whoever checked it before. What a node's settings decide (the
// schemes, its own host) is not for replicas to judge: their settings may differ.
func (e *entry) check(d link.Draft) error {
	if d.Target == "" || len(d.Target) > link.MaxTarget || !utf8.ValidString(string(d.Target)) {
		return link.ErrInvalidTarget
	}
	if d.ExpiresIn < 0 || d.ExpiresIn != 0 && !d.ValidUntil.IsZero() {
		return link.ErrInvalidField
	}
	until := validUntil(d, e.stamp)
	if d.ExpiresIn == 0 && until.IsZero() {
		return nil
	}
	if !until.After(e.stamp) || until.After(command.MaxTime) {
		return link.ErrInvalidField
	}
	return nil
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
	return link.Link{
		Code: code, Target: d.Target, CreatedAt: stamp, UpdatedAt: stamp, ValidUntil: validUntil(d, stamp), Version: 1,
	}
}

// validUntil is when a link made at stamp ends, in whole milliseconds; zero for never.
func validUntil(d link.Draft, stamp time.Time) time.Time {
	if d.ExpiresIn != 0 {
		return stamp.Add(d.ExpiresIn).Truncate(time.Millisecond)
	}
	return d.ValidUntil
}
