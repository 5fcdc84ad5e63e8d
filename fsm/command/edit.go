package command

import (
	"time"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Edit changes a link. Times are cut to milliseconds on the way; fields that are not set do not travel.
type Edit struct {
	Edit link.Edit
}

func (c Edit) toWire(op *commandpb.Operation) {
	e := c.Edit
	var set link.Fields
	set.Take(e.Fields, e.Set)
	op.Command = &commandpb.Operation_Edit{Edit: &commandpb.Edit{
		Code:         []byte(e.Code),
		Set:          uint32(e.Set),
		Target:       []byte(set.Target),
		ValidUntilMs: timeToWire(set.ValidUntil),
		Details:      detailsToWire(set),
		ExpiresInNs:  int64(e.ExpiresIn),
		Host:         []byte(e.Host),
		IfVersion:    e.IfVersion,
	}}
}

func (c Edit) size() int {
	e := c.Edit
	return frame + len(e.Code) + fieldsSize(e.Fields) + len(e.Host)
}

func editFromWire(pb *commandpb.Edit) (Edit, error) {
	if err := known(pb); err != nil {
		return Edit{}, err
	}
	set, err := setFromWire(pb.Set)
	if err != nil {
		return Edit{}, err
	}
	sent, err := fieldsFromWire(pb.Target, pb.ValidUntilMs, pb.Details)
	var fields link.Fields
	fields.Take(sent, set)
	return Edit{Edit: link.Edit{
		Code: link.Code(pb.Code), Set: set, Fields: fields, ExpiresIn: time.Duration(pb.ExpiresInNs), Host: string(pb.Host),
		IfVersion: pb.IfVersion,
	}}, err
}

func (c Edit) check() error { return checkSet(c.Edit.Set) }
