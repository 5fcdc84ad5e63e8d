package api

import (
	"context"

	"tinyurl/fsm/access"
	"tinyurl/fsm/visit"
)

// Statistics tells of visits, on behalf of a key's holder: a key that holds no more is link.ErrUnauthorized. Reads are linearizable, or
// as this node knows them where local is set. Visits reach the cluster some time after they were made, so neither has the last of them.
type Statistics interface {
	// Visits gives the visits of a subject, in order, without the periods that saw none; see visit.Query. Who sees only their own links is
	// refused all subjects but links (link.ErrForbidden); whether a link is theirs was to be found out before.
	Visits(ctx context.Context, by access.Holder, q visit.Query, local bool) ([]visit.Part, error)
	// Totals gives how many visits each subject ever had, in the order of the subjects.
	Totals(ctx context.Context, by access.Holder, of []visit.Subject, local bool) ([]visit.Counts, error)
}
