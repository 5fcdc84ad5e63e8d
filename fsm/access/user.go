package access

import (
	"fmt"
	"strings"
	"time"
)

// Limits of users.
const (
	// MaxUsers is how many users there can be.
	MaxUsers = 10_000
	// MaxID is the longest id of a user or a key, in bytes.
	MaxID = 64
	// MaxName is the longest name of a user or a key, in bytes.
	MaxName = 128
	// MaxEmail is the longest address of a user, in bytes.
	MaxEmail = 254
)

// User is somebody who owns links and keys.
type User struct {
	ID        string
	Name      string
	Email     string // may be empty
	Role      Role
	CreatedAt time.Time // UTC with milliseconds, as are all times here
}

// UserEdit is a change of a user: nil fields stay.
type UserEdit struct {
	ID    string
	Name  *string
	Email *string
	Role  *Role
}

// Take changes u as the edit says.
func (u *User) Take(e UserEdit) {
	if e.Name != nil {
		u.Name = *e.Name
	}
	if e.Email != nil {
		u.Email = *e.Email
	}
	if e.Role != nil {
		u.Role = *e.Role
	}
}

// Check is nil, or an ErrInvalid that says what of u cannot be taken.
func (u User) Check() error {
	if err := checkID(u.ID); err != nil {
		return err
	}
	if err := checkName(u.Name); err != nil {
		return err
	}
	if at := strings.IndexByte(u.Email, '@'); u.Email != "" && (at <= 0 || at == len(u.Email)-1) ||
		len(u.Email) > MaxEmail || !printable(u.Email) || strings.ContainsRune(u.Email, ' ') {
		return fmt.Errorf("%w: an email address has the form name@host and at most %d bytes", ErrInvalid, MaxEmail)
	}
	if !u.Role.Valid() {
		return fmt.Errorf("%w: a role is one of creator, editor, admin", ErrInvalid)
	}
	return nil
}
