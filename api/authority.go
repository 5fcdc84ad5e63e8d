package api

import (
	"context"
	"io"
	"time"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// What follows is kept for the whole cluster. It is asked on behalf of a key's holder, as Links are: a key that holds no more is
// link.ErrUnauthorized. What is not there is link.ErrNotFound; what would be one too many is link.ErrFull. Reads are linearizable. Pages
// come in the order of ids (or hosts, or codes): those behind After, at most Limit, and whether there are more.

// Authority is all that is kept beside links. Parts that are nil leave their operations out.
type Authority struct {
	Keys    Keys
	Users   Users
	Denials Denials
	Reports Reports
	// Random makes keys and ids. Nil means crypto/rand's.
	Random io.Reader
}

// Keys keeps API keys.
type Keys interface {
	// CreateKey keeps a new key, and gives it with the stamp of its making. A draft with an Owner that is no user is
	// link.ErrInvalidField.
	CreateKey(ctx context.Context, by access.Holder, draft KeyDraft) (access.Key, error)
	// RevokeKey ends a key: when it returns, every node refuses it.
	RevokeKey(ctx context.Context, by access.Holder, id string) error
	Keys(ctx context.Context, by access.Holder, span Span) (keys []access.Key, more bool, err error)
}

// KeyDraft is a key that is to be made. Its CreatedAt is not read.
type KeyDraft struct {
	access.Key
	// ExpiresIn ends the key so long after it was made; 0 if it is not asked for. It and ExpiresAt exclude each other.
	ExpiresIn time.Duration
}

// Users keeps users.
type Users interface {
	// CreateUser keeps a new user, and gives it with the stamp of its making.
	CreateUser(ctx context.Context, by access.Holder, user access.User) (access.User, error)
	EditUser(ctx context.Context, by access.Holder, edit access.UserEdit) (access.User, error)
	// DeleteUser ends a user and their keys. Their links stay, and go on to be theirs.
	DeleteUser(ctx context.Context, by access.Holder, id string) error
	Users(ctx context.Context, by access.Holder, span Span) (users []access.User, more bool, err error)
}

// Denials keeps the list of denied hosts.
type Denials interface {
	// Deny puts a host on the list, and gives what stands there: a host that is there already stays as it is, and is found.
	Deny(ctx context.Context, by access.Holder, denied access.Denied) (stands access.Denied, found bool, err error)
	// Allow takes a host off the list.
	Allow(ctx context.Context, by access.Holder, host string) error
	Denied(ctx context.Context, by access.Holder, span Span) (hosts []access.Denied, more bool, err error)
	// IsDenied reports whether this node knows a host, in the spelling of link.HostOf, or a name that it lies below, as denied.
	IsDenied(ctx context.Context, host string) (bool, error)
}

// Reports keeps what visitors say of links.
type Reports interface {
	// Report adds one; anybody may.
	Report(ctx context.Context, code link.Code, reason string) error
	// Dismiss forgets what was said of a link.
	Dismiss(ctx context.Context, by access.Holder, code link.Code) error
	Reports(ctx context.Context, by access.Holder, span Span) (reports []access.Report, more bool, err error)
}

// Span is the part of a list that is asked for: at most Limit (1 or more) of what stands behind After, where "" begins.
type Span struct {
	After string
	Limit int
}
