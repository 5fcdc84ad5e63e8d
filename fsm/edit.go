package fsm

import (
	"errors"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// edit changes the fields of a link that the edit names, of a link of an owner's or anybody's.
func (e *entry) edit(c link.Edit, ownedBy *string) (command.Result, error) {
	l, refusal, err := e.owned(c.Code, ownedBy)
	if err != nil || refusal != nil {
		return refused(refusal), err
	}
	if c.IfVersion != 0 && c.IfVersion != l.Version {
		return refused(link.ErrPrecondition), nil
	}
	set := c.Set
	if c.ExpiresIn != 0 {
		if c.ExpiresIn < 0 || set.Has(link.ValidUntilField) {
			return refused(link.ErrInvalidField), nil
		}
		c.ValidUntil = validUntil(c.Fields, c.ExpiresIn, e.stamp)
		set |= link.ValidUntilField
	}
	l.Take(c.Fields, set)
	if err := checkFields(l.Fields); err != nil {
		return refused(err), nil
	}
	if set.Has(link.TargetField) {
		if refusal, err := e.refuseDenied(c.Host); err != nil || refusal != nil {
			return refused(refusal), err
		}
	}
	l.UpdatedAt = e.stamp
	l.Version++
	return command.Result{Link: l}, e.batch.Put(l)
}

// delete leaves a tombstone in place of a link.
func (e *entry) delete(c command.Delete, ownedBy *string) (command.Result, error) {
	_, refusal, err := e.owned(c.Code, ownedBy)
	if err != nil || refusal != nil {
		return refused(refusal), err
	}
	return command.Result{}, e.end(c.Code)
}

// end leaves a tombstone in place of a link. What was said of it goes with it: nobody can do anything about it any more.
func (e *entry) end(code link.Code) error {
	if err := e.batch.Delete(code, e.stamp); err != nil {
		return err
	}
	if n, err := e.batch.Reports().Len(); err != nil || n == 0 { // as nearly always: looking for none costs as much
		return err
	}
	_, err := e.batch.Reports().Drop(string(code))
	return err
}

// owned gives a living link, or the refusal of who asks for it: somebody else's link, living or deleted, is not there.
func (e *entry) owned(code link.Code, by *string) (l link.Link, refusal, err error) {
	if _, err := link.ParseCode(string(code)); err != nil {
		return link.Link{}, link.ErrNotFound, nil
	}
	l, err = e.batch.Link(code)
	switch {
	case errors.Is(err, link.ErrNotFound), (err == nil || errors.Is(err, link.ErrGone)) && by != nil && *by != l.Owner:
		return link.Link{}, link.ErrNotFound, nil
	case errors.Is(err, link.ErrGone):
		return link.Link{}, link.ErrGone, nil
	}
	return l, nil, err
}
