package command

import (
	"fmt"

	"tinyurl/fsm/command/commandpb"
)

// Lead is a new leader's first command. It changes the state only where the state is behind, so it may come any number of
// times.
type Lead struct {
	// CodeKey becomes the key of generated codes if there is none yet.
	CodeKey [16]byte
	// ClusterVersion becomes the cluster's version if it is higher.
	ClusterVersion uint32
}

// Silent says that the result holds no link.
func (Lead) Silent() {}

func (c Lead) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Lead{Lead: &commandpb.Lead{CodeKey: c.CodeKey[:], ClusterVersion: c.ClusterVersion}}
}

func (Lead) size() int { return 0 }

func leadFromWire(pb *commandpb.Lead) (Lead, error) {
	if err := known(pb); err != nil {
		return Lead{}, err
	}
	if len(pb.CodeKey) != 16 {
		return Lead{}, fmt.Errorf("%w: code key of %d bytes", ErrMalformed, len(pb.CodeKey))
	}
	return Lead{CodeKey: [16]byte(pb.CodeKey), ClusterVersion: pb.ClusterVersion}, nil
}
