package command

import "tinyurl/fsm/command/commandpb"

// Deny puts a host on the list of those to which no link may lead. Its result is Found if the host is there already: then it
// stays as it is.
type Deny struct {
	Host   string // as link.ParseHost gives it
	Reason string
}

// Silent says that the result holds no link.
func (Deny) Silent() {}

func (c Deny) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Deny{Deny: &commandpb.Deny{Host: []byte(c.Host), Reason: []byte(c.Reason)}}
}

func (c Deny) size() int { return len(c.Host) + len(c.Reason) }

// Allow takes a host off the list.
type Allow struct {
	Host string
}

// Silent says that the result holds no link.
func (Allow) Silent() {}

func (c Allow) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Allow{Allow: &commandpb.Allow{Host: []byte(c.Host)}}
}

func (c Allow) size() int { return len(c.Host) }
