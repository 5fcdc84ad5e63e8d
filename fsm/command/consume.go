package command

import (
	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Consume counts a visit of a link with MaxVisits. Its result is the link, if the visit may follow it: link.ErrGone if it is
// used up, expired, disabled or deleted, link.ErrNotFound if it is not valid yet.
type Consume struct {
	Code link.Code
}

func (c Consume) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Consume{Consume: &commandpb.Consume{Code: []byte(c.Code)}}
}

func (c Consume) size() int { return len(c.Code) }

func consumeFromWire(pb *commandpb.Consume) (Consume, error) {
	return Consume{Code: link.Code(pb.Code)}, known(pb)
}
