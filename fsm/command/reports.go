package command

import (
	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Report counts what a visitor says of a link that is there.
type Report struct {
	Code   link.Code
	Reason string
}

// Silent says that the result holds no link.
func (Report) Silent() {}

func (c Report) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Report{Report: &commandpb.Report{Code: []byte(c.Code), Reason: []byte(c.Reason)}}
}

func (c Report) size() int { return len(c.Code) + len(c.Reason) }

// Dismiss forgets what was said of a link.
type Dismiss struct {
	Code link.Code
}

// Silent says that the result holds no link.
func (Dismiss) Silent() {}

func (c Dismiss) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Dismiss{Dismiss: &commandpb.Dismiss{Code: []byte(c.Code)}}
}

func (c Dismiss) size() int { return len(c.Code) }
