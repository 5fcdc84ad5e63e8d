package fsm

import (
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// createKey keeps a new key. Somebody's key makes none of nobody's: it would outlive who it was made by, and be bound to no role.
func (e *entry) createKey(c command.CreateKey, by access.Holder) (refusal, err error) {
	k := c.Key
	if by.Owner != "" && k.Owner == "" {
		return link.ErrForbidden, nil
	}
	k.CreatedAt = e.stamp
	if c.ExpiresIn != 0 {
		if c.ExpiresIn < 0 || !k.ExpiresAt.IsZero() {
			return link.ErrInvalidField, nil
		}
		k.ExpiresAt = validUntil(link.Fields{}, c.ExpiresIn, e.stamp)
	}
	if k.Check() != nil || !stampable(k.ExpiresAt) || k.Expired(e.stamp) {
		return link.ErrInvalidField, nil
	}
	if k.Owner != "" {
		if _, found, err := e.batch.Users().Get(k.Owner); err != nil || !found {
			return link.ErrInvalidField, err
		}
	}
	if _, found, err := e.batch.Keys().Get(k.ID); err != nil || found {
		return link.ErrInvalidField, err
	}
	if found, err := e.batch.HasKeyHash(k.Hash); err != nil || found {
		return link.ErrInvalidField, err
	}
	if refusal, err := e.roomForKey(); err != nil || refusal != nil {
		return refusal, err
	}
	return nil, e.batch.PutKey(k)
}

// roomForKey gives link.ErrFull if there cannot be another key, also when those that have ended are gone. They go only then:
// until somebody needs the room, it can be seen of them that they have ended.
func (e *entry) roomForKey() (refusal, err error) {
	n, err := e.batch.Keys().Len()
	if err != nil || n < access.MaxKeys {
		return nil, err
	}
	if err := e.batch.DropEndedKeys(e.stamp); err != nil {
		return nil, err
	}
	if n, err := e.batch.Keys().Len(); err != nil || n >= access.MaxKeys {
		return link.ErrFull, err
	}
	return nil, nil
}

// createUser keeps a new user.
func (e *entry) createUser(c command.CreateUser) (refusal, err error) {
	u := c.User
	u.CreatedAt = e.stamp
	if u.Check() != nil {
		return link.ErrInvalidField, nil
	}
	if _, found, err := e.batch.Users().Get(u.ID); err != nil || found {
		return link.ErrInvalidField, err
	}
	if n, err := e.batch.Users().Len(); err != nil || n >= access.MaxUsers {
		return link.ErrFull, err
	}
	return nil, e.batch.Users().Put(u)
}

// editUser changes a user.
func (e *entry) editUser(c command.EditUser) (refusal, err error) {
	u, found, err := e.batch.Users().Get(c.Edit.ID)
	if err != nil || !found {
		return link.ErrNotFound, err
	}
	u.Take(c.Edit)
	if u.Check() != nil {
		return link.ErrInvalidField, nil
	}
	return nil, e.batch.Users().Put(u)
}

// deleteUser ends a user and their keys. Their links stay theirs.
func (e *entry) deleteUser(c command.DeleteUser) (refusal, err error) {
	if refusal, err := there(e.batch.Users().Drop(c.ID)); err != nil || refusal != nil {
		return refusal, err
	}
	return nil, e.batch.DropKeysOf(c.ID)
}
