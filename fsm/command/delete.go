package command

import (
	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Delete deletes the link of a code and leaves a tombstone.
type Delete struct {
	Code link.Code
	// OwnedBy is the owner that the link must have, else link.ErrNotFound; nil takes any.
	OwnedBy *string
}

// Silent says that the result holds no link.
func (Delete) Silent() {}

func (c Delete) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Delete{Delete: &commandpb.Delete{Code: []byte(c.Code), OwnedBy: ownerToWire(c.OwnedBy)}}
}

func (c Delete) size() int {
	size := len(c.Code)
	if c.OwnedBy != nil {
		size += len(*c.OwnedBy)
	}
	return size
}

func deleteFromWire(pb *commandpb.Delete) (Delete, error) {
	return Delete{Code: link.Code(pb.Code), OwnedBy: ownerFromWire(pb.OwnedBy)}, known(pb)
}
