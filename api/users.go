package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// userCalls are the operations with users.
type userCalls struct {
	users  Users // nil leaves the operations out
	random io.Reader
	bodies *budget
}

// endpoints are the operations, within limits.
func (u *userCalls) endpoints(l Limits) []endpoint {
	if u.users == nil {
		return nil
	}
	all := base + "/users"
	one := all + "/:id"
	return []endpoint{
		{method: http.MethodPost, path: all, scope: access.Admin, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: u.createUser},
		{method: http.MethodGet, path: all, scope: access.Admin, query: pageQuery(), bodyLimit: l.Body, timeout: l.Call, serve: u.listUsers},
		{method: http.MethodPatch, path: one, scope: access.Admin, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: u.editUser},
		{method: http.MethodDelete, path: one, scope: access.Admin, bodyLimit: l.Body, timeout: l.Call, serve: u.deleteUser},
	}
}

// userFields are the fields of a user that can be given.
func userFields() map[string]shape {
	return map[string]shape{"name": textual, "email": textual, "role": textual}
}

// createUser serves POST /users.
func (u *userCalls) createUser(ctx context.Context, c *call) (reply, error) {
	fields, err := readObject(ctx, c.body, userFields())
	if err != nil {
		return reply{}, err
	}
	var user access.User
	if user.Name, err = nameIn(fields); err != nil {
		return reply{}, err
	}
	if user.Email, err = emailIn(fields); err != nil {
		return reply{}, err
	}
	if user.Role, err = roleIn(fields); err != nil {
		return reply{}, err
	}
	if user.ID, err = newID(u.random, "u_"); err != nil {
		return reply{}, err
	}
	made, err := u.users.CreateUser(ctx, c.by, user)
	if err != nil {
		return reply{}, fmt.Errorf("create a user: %w", err)
	}
	return reply{status: http.StatusCreated, header: []headerLine{{"Location", base + "/users/" + made.ID}}, body: shownUser(made)}, nil
}

// editUser serves PATCH /users/{id}. A body that changes nothing is answered with the user as it stands; an email that is null is
// taken away.
func (u *userCalls) editUser(ctx context.Context, c *call) (reply, error) {
	fields, err := readObject(ctx, c.body, userFields())
	if err != nil {
		return reply{}, err
	}
	edit := access.UserEdit{ID: c.id}
	if fields["name"].given {
		name, err := nameIn(fields)
		if err != nil {
			return reply{}, err
		}
		edit.Name = &name
	}
	if fields["email"].given {
		email, err := emailIn(fields)
		if err != nil {
			return reply{}, err
		}
		edit.Email = &email
	}
	if fields["role"].given {
		role, err := roleIn(fields)
		if err != nil {
			return reply{}, err
		}
		edit.Role = &role
	}
	if err := checkID(c.id); err != nil {
		return reply{}, missing(err, noUser)
	}
	changed, err := u.users.EditUser(ctx, c.by, edit)
	if err != nil {
		return reply{}, missing(err, noUser)
	}
	return reply{status: http.StatusOK, body: shownUser(changed)}, nil
}

const noUser = "there is no such user"

// emailIn reads an address; empty if none is given.
func emailIn(fields map[string]sent) (string, error) {
	email := fields["email"].text
	if (access.User{ID: someID, Name: someID, Email: email, Role: access.Creator}).Check() != nil {
		return "", wrongField("email", "email must be of the form name@host, with at most "+strconv.Itoa(access.MaxEmail)+" bytes")
	}
	return email, nil
}

// roleIn reads a role, which users must have.
func roleIn(fields map[string]sent) (access.Role, error) {
	role, err := access.ParseRole(fields["role"].text)
	if err != nil {
		return 0, wrongField("role", "role must be creator, editor or admin")
	}
	return role, nil
}

// listUsers serves GET /users.
func (u *userCalls) listUsers(ctx context.Context, c *call) (reply, error) {
	data, next, err := kept[access.User, v1.User]{
		name: "users", ask: u.users.Users, place: func(one access.User) string { return one.ID }, show: shownUser,
	}.page(ctx, u.bodies, c)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: v1.UserPage{Data: data, NextCursor: next}}, nil
}

// deleteUser serves DELETE /users/{id}. The keys of a user end with them; their links stay.
func (u *userCalls) deleteUser(ctx context.Context, c *call) (reply, error) {
	err := checkID(c.id)
	if err == nil {
		err = u.users.DeleteUser(ctx, c.by, c.id)
	}
	if err != nil {
		return reply{}, missing(err, noUser)
	}
	return reply{status: http.StatusNoContent}, nil
}

// shownUser is a user as the API writes it.
func shownUser(u access.User) v1.User {
	return v1.User{ID: u.ID, Name: u.Name, Email: u.Email, Role: u.Role.String(), CreatedAt: v1.Time{Time: u.CreatedAt}}
}
