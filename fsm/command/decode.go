package command

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// DecodeBatch reads what EncodeBatch wrote. ErrUpgrade: it holds something unknown, at any depth; ErrMalformed: it is
// damaged or above the limits.
func DecodeBatch(data []byte) (Batch, error) {
	pb := &commandpb.Batch{}
	if err := unmarshal(data, MaxBytes, pb); err != nil {
		return Batch{}, err
	}
	return batchFromWire(pb)
}

// DecodeEntry reads what EncodeEntry or Join wrote, with the errors of DecodeBatch.
func DecodeEntry(data []byte) (Entry, error) {
	pb := &commandpb.Entry{}
	if err := unmarshal(data, MaxEntryBytes, pb); err != nil {
		return Entry{}, err
	}
	if pb.TimeMs < 0 || pb.TimeMs > MaxTime.UnixMilli() {
		return Entry{}, fmt.Errorf("%w: stamp %d", ErrMalformed, pb.TimeMs)
	}
	e := Entry{Time: fromMilli(pb.TimeMs), Batches: make([]Batch, len(pb.Batches))}
	operations := 0
	for i, b := range pb.Batches {
		var err error
		if e.Batches[i], err = batchFromWire(b); err != nil {
			return Entry{}, fmt.Errorf("batch %d: %w", i, err)
		}
		operations += len(b.Operations)
	}
	if operations > MaxOperations {
		return Entry{}, fmt.Errorf("%w: %d operations", ErrMalformed, operations)
	}
	return e, nil
}

// DecodeResults reads what EncodeResults wrote, with the errors of DecodeBatch.
func DecodeResults(data []byte) ([]Result, error) {
	pb := &commandpb.Results{}
	// Every link carries its target, so answers to a batch of the same size may be longer than the batch itself.
	if err := unmarshal(data, MaxOperations*(link.MaxTarget+4096), pb); err != nil {
		return nil, err
	}
	if len(pb.Results) > MaxOperations {
		return nil, fmt.Errorf("%w: %d results", ErrMalformed, len(pb.Results))
	}
	results := make([]Result, len(pb.Results))
	for i, r := range pb.Results {
		if err := known(r); err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
		l, err := linkFromWire(r.Link)
		if err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
		failure, ok := ErrorOf(r.Error)
		if !ok {
			return nil, fmt.Errorf("result %d has error number %d: %w", i, r.Error, ErrUpgrade)
		}
		results[i] = Result{Link: l, Found: r.Found, Err: failure}
	}
	return results, nil
}

// unmarshal reads the format byte and the message behind it, and refuses unknown fields of that message; those of the
// messages inside are refused where each is read.
func unmarshal(data []byte, limit int, m proto.Message) error {
	switch {
	case len(data) == 0:
		return fmt.Errorf("%w: no bytes", ErrMalformed)
	case data[0] == 0:
		return fmt.Errorf("%w: format 0", ErrMalformed)
	case data[0] != format:
		return fmt.Errorf("format %d: %w", data[0], ErrUpgrade)
	case len(data) > limit:
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	if err := proto.Unmarshal(data[1:], m); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return known(m)
}

// known refuses a message with unknown fields.
func known(m proto.Message) error {
	r := m.ProtoReflect()
	if len(r.GetUnknown()) > 0 {
		return fmt.Errorf("unknown field in %s: %w", r.Descriptor().Name(), ErrUpgrade)
	}
	return nil
}

func batchFromWire(pb *commandpb.Batch) (Batch, error) {
	if err := known(pb); err != nil {
		return Batch{}, err
	}
	if err := known(pb.Origin); err != nil {
		return Batch{}, err
	}
	node := string(pb.GetOrigin().GetNode())
	if node == "" || len(node) > MaxNode {
		return Batch{}, fmt.Errorf("%w: origin %q", ErrMalformed, node)
	}
	if len(pb.Operations) > MaxOperations {
		return Batch{}, fmt.Errorf("%w: %d operations", ErrMalformed, len(pb.Operations))
	}
	b := Batch{
		Origin:     Origin{Node: node, Boot: pb.Origin.Boot},
		Floor:      pb.Floor,
		Operations: make([]Operation, len(pb.Operations)),
	}
	for i, op := range pb.Operations {
		c, err := commandFromWire(op)
		if err != nil {
			return Batch{}, fmt.Errorf("operation %d: %w", i, err)
		}
		if len(op.Actor) > MaxActor {
			return Batch{}, fmt.Errorf("%w: operation %d: an actor of %d bytes", ErrMalformed, i, len(op.Actor))
		}
		b.Operations[i] = Operation{Sequence: op.Sequence, Command: c, Actor: string(op.Actor)}
	}
	return b, nil
}

func commandFromWire(op *commandpb.Operation) (Command, error) {
	// A command of a newer version is an unknown field of the operation.
	if err := known(op); err != nil {
		return nil, err
	}
	switch c := op.Command.(type) {
	case *commandpb.Operation_Create:
		return createFromWire(c.Create)
	case *commandpb.Operation_Edit:
		return editFromWire(c.Edit)
	case *commandpb.Operation_Delete:
		return deleteFromWire(c.Delete)
	case *commandpb.Operation_Consume:
		return consumeFromWire(c.Consume)
	case *commandpb.Operation_Sweep:
		return sweepFromWire(c.Sweep)
	case *commandpb.Operation_Lead:
		return leadFromWire(c.Lead)
	case *commandpb.Operation_Visits:
		return visitsFromWire(c.Visits)
	case *commandpb.Operation_Roll:
		return rollFromWire(c.Roll)
	}
	return accessFromWire(op)
}

// accessFromWire reads the commands of who may do what.
func accessFromWire(op *commandpb.Operation) (Command, error) {
	switch c := op.Command.(type) {
	case *commandpb.Operation_CreateKey:
		return createKeyFromWire(c.CreateKey)
	case *commandpb.Operation_RevokeKey:
		return RevokeKey{ID: string(c.RevokeKey.Id)}, known(c.RevokeKey)
	case *commandpb.Operation_CreateUser:
		return createUserFromWire(c.CreateUser)
	case *commandpb.Operation_EditUser:
		return editUserFromWire(c.EditUser)
	case *commandpb.Operation_DeleteUser:
		return DeleteUser{ID: string(c.DeleteUser.Id)}, known(c.DeleteUser)
	case *commandpb.Operation_Deny:
		return Deny{Host: string(c.Deny.Host), Reason: string(c.Deny.Reason)}, known(c.Deny)
	case *commandpb.Operation_Allow:
		return Allow{Host: string(c.Allow.Host)}, known(c.Allow)
	case *commandpb.Operation_Report:
		return Report{Code: link.Code(c.Report.Code), Reason: string(c.Report.Reason)}, known(c.Report)
	case *commandpb.Operation_Dismiss:
		return Dismiss{Code: link.Code(c.Dismiss.Code)}, known(c.Dismiss)
	}
	return nil, fmt.Errorf("%w: no command", ErrMalformed)
}

func linkFromWire(pb *commandpb.Link) (link.Link, error) {
	if pb == nil {
		return link.Link{}, nil
	}
	if err := known(pb); err != nil {
		return link.Link{}, err
	}
	fields, err := fieldsFromWire(pb.Target, pb.ValidUntilMs, pb.Details)
	return link.Link{
		Code:      link.Code(pb.Code),
		Fields:    fields,
		Owner:     string(pb.Owner),
		CreatedAt: fromMilli(pb.CreatedMs),
		UpdatedAt: fromMilli(pb.UpdatedMs),
		Visits:    pb.Visits,
		Version:   pb.Version,
	}, err
}

func timeFromWire(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return fromMilli(*ms)
}

func fromMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
