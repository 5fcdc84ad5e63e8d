package command

import (
	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Delete deletes the link of a code and leaves a tombstone.
type Delete struct {
	Code link.Code
}

// Silent says that the result holds no link.
func (Delete) Silent() {}

func (c Delete) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Delete{Delete: &commandpb.Delete{Code: []byte(c.Code)}}
}

func (c Delete) size() int { return len(c.Code) }

func deleteFromWire(pb *commandpb.Delete) (Delete, error) {
	return Delete{Code: link.Code(pb.Code)}, known(pb)
}
