package command

import (
	"fmt"
	"time"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// Create makes a link of the draft, or finds it. Times are cut to milliseconds on the way.
type Create struct {
	Draft link.Draft
}

func (c Create) toWire(op *commandpb.Operation) {
	d := c.Draft
	pb := &commandpb.Create{
		Target:       []byte(d.Target),
		Slug:         []byte(d.Slug),
		ValidUntilMs: timeToWire(d.ValidUntil),
		ExpiresInNs:  int64(d.ExpiresIn),
		Details:      detailsToWire(d.Fields),
		Owner:        []byte(d.Owner),
		Host:         []byte(d.Host),
	}
	if d.Find != nil {
		find := uint32(*d.Find)
		pb.Find = &find
	}
	if i := d.Imported; i != nil {
		pb.Imported = &commandpb.Imported{CreatedMs: timeToWire(i.CreatedAt), Visits: i.Visits, Conflict: uint32(i.Conflict)}
	}
	if o := d.Once; o != nil {
		pb.Once = &commandpb.Once{Scope: []byte(o.Scope), Key: []byte(o.Key), Row: o.Row, Body: o.Body[:]}
	}
	op.Command = &commandpb.Operation_Create{Create: pb}
}

func (c Create) size() int {
	d := c.Draft
	size := len(d.Slug) + len(d.Owner) + len(d.Host) + fieldsSize(d.Fields)
	if d.Imported != nil {
		size += frame
	}
	if o := d.Once; o != nil {
		size += frame + len(o.Scope) + len(o.Key) + len(o.Body)
	}
	return size
}

func createFromWire(pb *commandpb.Create) (Create, error) {
	if err := known(pb); err != nil {
		return Create{}, err
	}
	fields, err := fieldsFromWire(pb.Target, pb.ValidUntilMs, pb.Details)
	if err != nil {
		return Create{}, err
	}
	d := link.Draft{
		Fields:    fields,
		Slug:      link.Code(pb.Slug),
		ExpiresIn: time.Duration(pb.ExpiresInNs),
		Owner:     string(pb.Owner),
		Host:      string(pb.Host),
	}
	if pb.Find != nil {
		find, err := setFromWire(*pb.Find)
		if err != nil {
			return Create{}, err
		}
		d.Find = &find
	}
	if d.Imported, err = importedFromWire(pb.Imported); err != nil {
		return Create{}, err
	}
	d.Once, err = onceFromWire(pb.Once)
	return Create{Draft: d}, err
}

func (c Create) check() error {
	if i := c.Draft.Imported; i != nil && i.Conflict > link.Rename {
		return fmt.Errorf("%w: conflict policy %d", ErrMalformed, i.Conflict)
	}
	if c.Draft.Find == nil {
		return nil
	}
	return checkSet(*c.Draft.Find)
}

func importedFromWire(pb *commandpb.Imported) (*link.Imported, error) {
	if pb == nil {
		return nil, nil
	}
	if err := known(pb); err != nil {
		return nil, err
	}
	if pb.Conflict > uint32(link.Rename) {
		return nil, fmt.Errorf("conflict policy %d: %w", pb.Conflict, ErrUpgrade)
	}
	return &link.Imported{CreatedAt: timeFromWire(pb.CreatedMs), Visits: pb.Visits, Conflict: link.Conflict(pb.Conflict)}, nil
}

func onceFromWire(pb *commandpb.Once) (*link.Once, error) {
	if pb == nil {
		return nil, nil
	}
	if err := known(pb); err != nil {
		return nil, err
	}
	if len(pb.Body) != 32 {
		return nil, fmt.Errorf("%w: body hash of %d bytes", ErrMalformed, len(pb.Body))
	}
	return &link.Once{Scope: string(pb.Scope), Key: string(pb.Key), Row: pb.Row, Body: [32]byte(pb.Body)}, nil
}
