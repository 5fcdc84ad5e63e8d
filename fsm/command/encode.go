package command

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// format is the first byte of every encoding. Another one is another language, not another field.
const format = 1

// Field numbers of the entry, for Join.
const (
	entryTime    protowire.Number = 1
	entryBatches protowire.Number = 2
)

// EncodeBatch gives the wire form of b. ErrTooLarge: above the limits, propose less at once. ErrMalformed: no origin, an
// operation without a command, or with one that no decoder takes.
func EncodeBatch(b Batch) ([]byte, error) {
	if len(b.Operations) > MaxOperations {
		return nil, fmt.Errorf("%w: %d operations", ErrTooLarge, len(b.Operations))
	}
	pb, err := batchToWire(b)
	if err != nil {
		return nil, err
	}
	data, err := marshal(pb)
	if err == nil && len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
	}
	return data, err
}

// EncodeEntry gives the wire form of e, with the errors of EncodeBatch.
func EncodeEntry(e Entry) ([]byte, error) {
	encoded := make([][]byte, len(e.Batches))
	operations := 0
	for i, b := range e.Batches {
		var err error
		if encoded[i], err = EncodeBatch(b); err != nil {
			return nil, fmt.Errorf("batch %d: %w", i, err)
		}
		operations += len(b.Operations)
	}
	if operations > MaxOperations {
		return nil, fmt.Errorf("%w: %d operations", ErrTooLarge, operations)
	}
	return Join(e.Time, encoded...)
}

// Join makes an entry of encoded batches without looking inside: a leader stamps what its followers sent. The caller has
// decoded every batch before (a batch that no replica can read would stop them all) and sees to it that there are no more
// than MaxOperations together. ErrTooLarge: longer than MaxEntryBytes.
func Join(stamp time.Time, batches ...[]byte) ([]byte, error) {
	ms := stamp.UnixMilli()
	if ms < 0 || stamp.After(MaxTime) {
		return nil, fmt.Errorf("%w: stamp %v", ErrMalformed, stamp)
	}
	size := 16
	for _, b := range batches {
		size += len(b) + 8
	}
	data := append(make([]byte, 0, size), format)
	data = protowire.AppendTag(data, entryTime, protowire.VarintType)
	data = protowire.AppendVarint(data, uint64(ms))
	for i, b := range batches {
		if len(b) == 0 || b[0] != format {
			return nil, fmt.Errorf("batch %d: %w", i, ErrMalformed)
		}
		data = protowire.AppendTag(data, entryBatches, protowire.BytesType)
		data = protowire.AppendBytes(data, b[1:])
	}
	if len(data) > MaxEntryBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
	}
	return data, nil
}

// EncodeResults gives the wire form of the answers to one batch. An error without a number (see ErrorNumber) cannot travel.
func EncodeResults(results []Result) ([]byte, error) {
	if len(results) > MaxOperations {
		return nil, fmt.Errorf("%w: %d results", ErrTooLarge, len(results))
	}
	pb := &commandpb.Results{Results: make([]*commandpb.Result, len(results))}
	for i, r := range results {
		number, ok := ErrorNumber(r.Err)
		if !ok {
			return nil, fmt.Errorf("result %d has an error that does not travel: %w", i, r.Err)
		}
		pb.Results[i] = &commandpb.Result{Link: linkToWire(r.Link), Error: number, Found: r.Found}
	}
	return marshal(pb)
}

// frame is room for tags, lengths and numbers of a message, rounded up, in bytes.
const frame = 64

// Size is at least the length that op adds to an encoded batch, in bytes: proposers fill batches by it. A batch without
// operations takes less than 512 bytes.
func Size(op Operation) int { return frame + len(op.Actor) + op.Command.size() }

func marshal(m proto.Message) ([]byte, error) {
	data, err := proto.MarshalOptions{}.MarshalAppend([]byte{format}, m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return data, nil
}

func batchToWire(b Batch) (*commandpb.Batch, error) {
	if len(b.Origin.Node) == 0 || len(b.Origin.Node) > MaxNode {
		return nil, fmt.Errorf("%w: origin %q", ErrMalformed, b.Origin.Node)
	}
	pb := &commandpb.Batch{
		Origin:     &commandpb.Origin{Node: []byte(b.Origin.Node), Boot: b.Origin.Boot},
		Floor:      b.Floor,
		Operations: make([]*commandpb.Operation, len(b.Operations)),
	}
	for i, op := range b.Operations {
		if op.Command == nil || len(op.Actor) > MaxActor {
			return nil, fmt.Errorf("%w: operation %d has no command, or an actor of %d bytes", ErrMalformed, i, len(op.Actor))
		}
		if c, ok := op.Command.(limited); ok {
			if err := c.check(); err != nil {
				return nil, fmt.Errorf("operation %d: %w", i, err)
			}
		}
		wire := &commandpb.Operation{Sequence: op.Sequence, Actor: []byte(op.Actor)}
		op.Command.toWire(wire)
		pb.Operations[i] = wire
	}
	return pb, nil
}

// linkToWire gives nil for the zero Link.
func linkToWire(l link.Link) *commandpb.Link {
	if l == (link.Link{}) {
		return nil
	}
	return &commandpb.Link{
		Code:         []byte(l.Code),
		Target:       []byte(l.Target),
		CreatedMs:    l.CreatedAt.UnixMilli(),
		UpdatedMs:    l.UpdatedAt.UnixMilli(),
		ValidUntilMs: timeToWire(l.ValidUntil),
		Version:      l.Version,
		Details:      detailsToWire(l.Fields),
		Owner:        []byte(l.Owner),
		Visits:       l.Visits,
	}
}

// timeToWire gives nil for the zero time, which has no milliseconds of its own.
func timeToWire(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
