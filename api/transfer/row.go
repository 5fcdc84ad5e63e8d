package transfer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tinyurl/fsm/link"
)

// MaxRow is the longest row of a file, in bytes. A longer one is read past, and is an error.
const MaxRow = 1 << 20

// Row is one link as a file tells of it. What the file leaves out is zero, and zero is the default of a new link.
type Row struct {
	// Number counts the rows of the file from 1, the bad ones too; headers and empty lines are no rows.
	Number int64
	// ShortCode and LongURL are not judged, but LongURL is never empty. A ShortCode that was a whole short URL has lost its
	// scheme, its host and the slashes around it; empty means that a code is to be made.
	ShortCode, LongURL string
	Title              string
	Tags               []string
	// Owner is whoever the other service calls so; only in our own files is it a user's id.
	Owner string
	// The times are in UTC with milliseconds; zero if the file gives none.
	CreatedAt, UpdatedAt, ValidSince, ValidUntil time.Time
	// MaxVisits is how often the link redirects at most; 0 means any number of times.
	MaxVisits           uint64
	Redirect            link.Redirect
	DropQuery, Disabled bool
	PasswordHash        string
	// Visits are those the link had, and BotVisits as many of them as came from bots.
	Visits, BotVisits uint64
	// Version is that of the link when it was exported.
	Version uint64
}

// RowOf gives the row of a link, without a number.
func RowOf(l link.Link) Row {
	return Row{
		ShortCode: string(l.Code), LongURL: string(l.Target), Title: l.Title, Tags: slices.Collect(l.Tags.All()), Owner: l.Owner,
		CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, ValidSince: l.ValidSince, ValidUntil: l.ValidUntil,
		MaxVisits: l.MaxVisits, Redirect: l.Redirect, DropQuery: l.DropQuery, Disabled: l.Disabled,
		PasswordHash: string(l.Password), Visits: l.Visits, Version: l.Version,
	}
}

// ErrUnreadable: the file is not of the format it should be, or makes no sense from some point on. Nothing after that point
// can be read.
var ErrUnreadable = errors.New("this file cannot be read")

// RowError says why one row could not be read. The rows after it can.
type RowError struct {
	Number int64
	// Reason is for people. It holds no text of the file but names.
	Reason string
}

// Error gives the number and the reason.
func (e *RowError) Error() string { return fmt.Sprintf("row %d: %s", e.Number, e.Reason) }

// fault is why a row is bad, before its number is known.
type fault string

func (f fault) Error() string { return string(f) }

// faultf makes a fault.
func faultf(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

const (
	tooLong   = fault("the row is longer than 1 MiB")
	notUTF8   = fault("the row is not UTF-8")
	noLongURL = fault("the row has no long URL")
	// unknownPassword: to take such a link without its password would open it to everybody.
	unknownPassword = fault("the link is protected by a password, which the file does not hold")
)

// unreadable makes an ErrUnreadable with its reason.
func unreadable(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnreadable}, args...)...)
}
