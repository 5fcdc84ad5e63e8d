package command

import (
	"fmt"

	"tinyurl/fsm/command/commandpb"
)

// Roll adds visits of hours before the entry's stamp to their days, months and totals, the oldest first, and then drops visits that
// are too old to be kept. It is the leader's.
type Roll struct {
	// Limit is how many rows at most are added or dropped, 1 to MaxRolled.
	Limit uint32
	// KeptDays is for how long days and months are kept, 1 to MaxVisitDays. Hours are kept for visit.HoursKept.
	KeptDays uint32
}

const (
	// MaxRolled is the most rows of visits that one Roll adds or drops: readers of a replica wait for it.
	MaxRolled = 256
	// MaxVisitDays is the longest that visits are kept by days, ten years.
	MaxVisitDays = 3660
)

// Silent says that the result holds no link.
func (Roll) Silent() {}

func (c Roll) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Roll{Roll: &commandpb.Roll{Limit: c.Limit, KeptDays: c.KeptDays}}
}

func (Roll) size() int { return 0 }

func rollFromWire(pb *commandpb.Roll) (Roll, error) {
	if err := known(pb); err != nil {
		return Roll{}, err
	}
	c := Roll{Limit: pb.Limit, KeptDays: pb.KeptDays}
	return c, c.check()
}

func (c Roll) check() error {
	if c.Limit == 0 || c.Limit > MaxRolled || c.KeptDays == 0 || c.KeptDays > MaxVisitDays {
		return fmt.Errorf("%w: a roll of %d rows, %d days kept", ErrMalformed, c.Limit, c.KeptDays)
	}
	return nil
}
