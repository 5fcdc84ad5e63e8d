package access

import "fmt"

// Role is what a user is for. The numbers are on disk and in the log: they never change meaning.
type Role uint8

// The roles of users.
const (
	// Creator works with links of their own; those of others are not there for them.
	Creator Role = 1
	// Editor works with all links.
	Editor Role = 2
	// AdminRole does everything.
	AdminRole Role = 3
)

var roleNames = map[Role]string{Creator: "creator", Editor: "editor", AdminRole: "admin"}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r >= Creator && r <= AdminRole }

// String gives the role's name.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads a role's name. Anything else is an ErrInvalid that says so.
func ParseRole(name string) (Role, error) {
	for role, known := range roleNames {
		if name == known {
			return role, nil
		}
	}
	return 0, fmt.Errorf("%w: a role is one of creator, editor, admin", ErrInvalid)
}

// allows gives the scopes that a key of somebody with the role can have at most.
func (r Role) allows() Scopes {
	if r == AdminRole {
		return AllScopes
	}
	return AllScopes &^ Admin
}
