package command

import (
	"fmt"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/link"
)

// detailsToWire gives the fields but Target and ValidUntil, which every message has at hand; nil where none is set.
func detailsToWire(f link.Fields) *commandpb.Details {
	f.Take(link.Fields{}, link.TargetField|link.ValidUntilField)
	if f == (link.Fields{}) {
		return nil
	}
	return &commandpb.Details{
		Title:        []byte(f.Title),
		Tags:         []byte(f.Tags),
		ValidSinceMs: timeToWire(f.ValidSince),
		MaxVisits:    f.MaxVisits,
		Redirect:     uint32(f.Redirect),
		DropQuery:    f.DropQuery,
		Disabled:     f.Disabled,
		Password:     []byte(f.Password),
	}
}

func fieldsFromWire(target []byte, until *int64, pb *commandpb.Details) (link.Fields, error) {
	f := link.Fields{Target: link.Target(target), ValidUntil: timeFromWire(until)}
	if pb == nil {
		return f, nil
	}
	if err := known(pb); err != nil {
		return link.Fields{}, err
	}
	if pb.Redirect > 1<<16-1 {
		return link.Fields{}, fmt.Errorf("%w: redirect status %d", ErrMalformed, pb.Redirect)
	}
	f.Title, f.Tags, f.Password = string(pb.Title), link.Tags(pb.Tags), link.PasswordHash(pb.Password)
	f.ValidSince, f.MaxVisits, f.Redirect = timeFromWire(pb.ValidSinceMs), pb.MaxVisits, link.Redirect(pb.Redirect)
	f.DropQuery, f.Disabled = pb.DropQuery, pb.Disabled
	return f, nil
}

// fieldsSize is at least what the fields take, in bytes.
func fieldsSize(f link.Fields) int {
	return frame + len(f.Target) + len(f.Title) + len(f.Tags) + len(f.Password)
}

// checkSet refuses a set that names what is no field.
func checkSet(set link.FieldSet) error {
	if set > link.AllFields {
		return fmt.Errorf("%w: fields %#x", ErrMalformed, uint16(set))
	}
	return nil
}

// setFromWire refuses a set that names a field of a newer version.
func setFromWire(set uint32) (link.FieldSet, error) {
	if set > uint32(link.AllFields) {
		return 0, fmt.Errorf("fields %#x: %w", set, ErrUpgrade)
	}
	return link.FieldSet(set), nil
}
