package command

import (
	"fmt"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command/commandpb"
)

// CreateUser keeps a new user.
type CreateUser struct {
	// User is the user; the CreatedAt does not travel: it becomes the entry's stamp.
	User access.User
}

// Silent says that the result holds no link.
func (CreateUser) Silent() {}

func (c CreateUser) toWire(op *commandpb.Operation) {
	u := c.User
	op.Command = &commandpb.Operation_CreateUser{CreateUser: &commandpb.CreateUser{
		Id: []byte(u.ID), Name: []byte(u.Name), Email: []byte(u.Email), Role: uint32(u.Role),
	}}
}

func (c CreateUser) size() int { return frame + len(c.User.ID) + len(c.User.Name) + len(c.User.Email) }

func (c CreateUser) check() error { return checkRole(c.User.Role) }

func createUserFromWire(pb *commandpb.CreateUser) (CreateUser, error) {
	if err := known(pb); err != nil {
		return CreateUser{}, err
	}
	role, err := roleFromWire(pb.Role)
	return CreateUser{User: access.User{ID: string(pb.Id), Name: string(pb.Name), Email: string(pb.Email), Role: role}}, err
}

// EditUser changes a user.
type EditUser struct {
	Edit access.UserEdit
}

// Silent says that the result holds no link.
func (EditUser) Silent() {}

func (c EditUser) toWire(op *commandpb.Operation) {
	e := c.Edit
	pb := &commandpb.EditUser{Id: []byte(e.ID), Name: textToWire(e.Name), Email: textToWire(e.Email)}
	if e.Role != nil {
		role := uint32(*e.Role)
		pb.Role = &role
	}
	op.Command = &commandpb.Operation_EditUser{EditUser: pb}
}

func (c EditUser) size() int {
	size := frame + len(c.Edit.ID)
	for _, text := range []*string{c.Edit.Name, c.Edit.Email} {
		if text != nil {
			size += len(*text)
		}
	}
	return size
}

func (c EditUser) check() error {
	if c.Edit.Role == nil {
		return nil
	}
	return checkRole(*c.Edit.Role)
}

func editUserFromWire(pb *commandpb.EditUser) (EditUser, error) {
	if err := known(pb); err != nil {
		return EditUser{}, err
	}
	e := access.UserEdit{ID: string(pb.Id), Name: textFromWire(pb.Name), Email: textFromWire(pb.Email)}
	if pb.Role != nil {
		role, err := roleFromWire(*pb.Role)
		if err != nil {
			return EditUser{}, err
		}
		e.Role = &role
	}
	return EditUser{Edit: e}, nil
}

// DeleteUser ends a user and all keys of theirs.
type DeleteUser struct {
	ID string
}

// Silent says that the result holds no link.
func (DeleteUser) Silent() {}

func (c DeleteUser) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_DeleteUser{DeleteUser: &commandpb.DeleteUser{Id: []byte(c.ID)}}
}

func (c DeleteUser) size() int { return len(c.ID) }

func checkRole(r access.Role) error {
	if r > access.AdminRole {
		return fmt.Errorf("%w: role %d", ErrMalformed, r)
	}
	return nil
}

// roleFromWire refuses a role of a newer version.
func roleFromWire(role uint32) (access.Role, error) {
	if role > uint32(access.AdminRole) {
		return 0, fmt.Errorf("role %d: %w", role, ErrUpgrade)
	}
	return access.Role(role), nil
}

// textToWire keeps an empty text apart from none.
func textToWire(text *string) []byte {
	if text == nil {
		return nil
	}
	return append([]byte{}, *text...)
}

func textFromWire(text []byte) *string {
	if text == nil {
		return nil
	}
	s := string(text)
	return &s
}
