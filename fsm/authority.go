package fsm

import (
	"fmt"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// verdict is what was found of an actor. It holds until a command changes who may do what: entries hold many operations of
// one actor.
type verdict struct {
	actor  string
	holder access.Holder
	err    error // link.ErrUnauthorized, or nil
}

// judge gives who asks for an operation, or why they may not have it: link.ErrUnauthorized if their key does not hold by the
// entry's stamp, link.ErrForbidden if it is not for this.
func (e *entry) judge(op command.Operation) (by access.Holder, refusal error, err error) {
	if op.Actor == "" {
		return access.RootHolder(), nil, nil
	}
	if e.last.actor != op.Actor {
		if e.last, err = e.findActor(op.Actor); err != nil {
			return access.Holder{}, nil, err
		}
	}
	by = e.last.holder
	if e.last.err != nil {
		return by, e.last.err, nil
	}
	if wanted, ok := scopeOf(op.Command); !ok || !by.Scopes.Holds(wanted) {
		return by, link.ErrForbidden, nil
	}
	return by, nil, nil
}

// findActor looks for the key of an actor and for its owner.
func (e *entry) findActor(id string) (verdict, error) {
	v := verdict{actor: id, err: link.ErrUnauthorized}
	k, found, err := e.batch.Keys().Get(id)
	if err != nil || !found || k.Expired(e.stamp) {
		return v, err
	}
	var owner access.User
	if k.Owner != "" {
		if owner, found, err = e.batch.Users().Get(k.Owner); err != nil || !found {
			return v, err
		}
	}
	v.holder, v.err = k.Holder(owner), nil
	return v, nil
}

// scopeOf gives the scope that a command takes; false for one that is the cluster's own.
func scopeOf(c command.Command) (access.Scopes, bool) {
	switch c := c.(type) {
	case command.Create:
		if c.Draft.Imported != nil {
			return access.Admin, true
		}
		return access.LinksCreate, true
	case command.Edit, command.Delete:
		return access.LinksWrite, true
	case command.Report:
		return access.AnyKey, true
	case command.Consume, command.Sweep, command.Lead, command.Visits, command.Roll:
		return 0, false
	}
	return access.Admin, true
}

// govern changes who may do what, or what is said and refused of links.
func (e *entry) govern(c command.Command, by access.Holder) (command.Result, error) {
	e.last = verdict{}
	var refusal, err error
	switch c := c.(type) {
	case command.CreateKey:
		refusal, err = e.createKey(c, by)
	case command.RevokeKey:
		refusal, err = there(e.batch.DropKey(c.ID))
	case command.CreateUser:
		refusal, err = e.createUser(c)
	case command.EditUser:
		refusal, err = e.editUser(c)
	case command.DeleteUser:
		refusal, err = e.deleteUser(c)
	case command.Deny:
		return e.deny(c)
	case command.Allow:
		refusal, err = there(e.batch.Denied().Drop(c.Host))
	case command.Report:
		refusal, err = e.report(c)
	case command.Dismiss:
		refusal, err = there(e.batch.Reports().Drop(string(c.Code)))
	default:
		err = fmt.Errorf("command %T: %w", c, command.ErrUpgrade)
	}
	return refused(refusal), err
}

// there makes of whether something was there the refusal of who wanted it gone.
func there(found bool, err error) (refusal, fault error) {
	if err != nil || found {
		return nil, err
	}
	return link.ErrNotFound, nil
}
