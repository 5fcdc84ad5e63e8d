package fsm

import (
	"errors"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// edit changes the fields of a link that the edit names.
func (e *entry) edit(c link.Edit) (command.Result, error) {
	l, refusal, err := e.owned(c.Code, c.OwnedBy)
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
	l.UpdatedAt = e.stamp
	l.Version++
	return command.Result{Link: l}, e.batch.Put(l)
}

// delete leaves a tombstone in place of a link.
func (e *entry) delete(c command.Delete) (command.Result, error) {
	_, refusal, err := e.owned(c.Code, c.OwnedBy)
	if err != nil || refusal != nil {
		return refused(refusal), err
	}
	return command.Result{}, e.batch.Delete(c.Code, e.stamp)
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
