package access

import (
	"fmt"
	"time"
)

// MaxReports is how many links can stand reported at a time.
const MaxReports = 10_000

// Report is what visitors have said of one link.
type Report struct {
	Code   string
	Reason string // the first that was given
	// Count is how often it was reported, 1 or more.
	Count     uint64
	CreatedAt time.Time // the first time
	UpdatedAt time.Time // the latest
}

// CheckReason is nil, or an ErrInvalid that says why a report's reason cannot be taken.
func CheckReason(reason string) error {
	if reason == "" {
		return fmt.Errorf("%w: a reason is required", ErrInvalid)
	}
	return checkReason(reason)
}
