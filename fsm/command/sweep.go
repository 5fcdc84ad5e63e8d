package command

import (
	"fmt"

	"tinyurl/fsm/command/commandpb"
)

// Sweep deletes links that expired link.ExpiredKept before the entry's stamp, the oldest first. It is the leader's.
type Sweep struct {
	// Limit is how many at most, 1 to MaxSwept.
	Limit uint32
}

// MaxSwept is the most links that one Sweep deletes: they are all deleted in one step.
const MaxSwept = 256

// Silent says that the result holds no link.
func (Sweep) Silent() {}

func (c Sweep) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Sweep{Sweep: &commandpb.Sweep{Limit: c.Limit}}
}

func (Sweep) size() int { return 0 }

func sweepFromWire(pb *commandpb.Sweep) (Sweep, error) {
	if err := known(pb); err != nil {
		return Sweep{}, err
	}
	c := Sweep{Limit: pb.Limit}
	return c, c.check()
}

func (c Sweep) check() error {
	if c.Limit == 0 || c.Limit > MaxSwept {
		return fmt.Errorf("%w: a sweep of %d links", ErrMalformed, c.Limit)
	}
	return nil
}
