package command

import (
	"fmt"

	"tinyurl/fsm/command/commandpb"
	"tinyurl/fsm/visit"
)

// Visits are what a node has counted since it last told. They are counted once, however often they are sent: those that are not behind
// the last ones of the node change nothing. It is the cluster's own command.
type Visits struct {
	// Node is who counted, 1 to MaxNode bytes; Boot is its run and Sequence grows within it.
	Node           string
	Boot, Sequence uint64
	// Tallies are what visit.AppendTallies made of one tally or more, MaxVisits bytes at most.
	Tallies string
}

// MaxVisits is the most bytes of tallies in one command: it shares an entry with the operations of others.
const MaxVisits = 128 << 10

// Silent says that the result holds no link.
func (Visits) Silent() {}

func (c Visits) toWire(op *commandpb.Operation) {
	op.Command = &commandpb.Operation_Visits{Visits: &commandpb.Visits{
		Node: []byte(c.Node), Boot: c.Boot, Sequence: c.Sequence, Tallies: []byte(c.Tallies),
	}}
}

func (c Visits) size() int { return len(c.Node) + len(c.Tallies) }

func visitsFromWire(pb *commandpb.Visits) (Visits, error) {
	if err := known(pb); err != nil {
		return Visits{}, err
	}
	c := Visits{Node: string(pb.Node), Boot: pb.Boot, Sequence: pb.Sequence, Tallies: string(pb.Tallies)}
	return c, c.check()
}

func (c Visits) check() error {
	if c.Node == "" || len(c.Node) > MaxNode || len(c.Tallies) > MaxVisits {
		return fmt.Errorf("%w: %d bytes of visits from %q", ErrMalformed, len(c.Tallies), c.Node)
	}
	_, err := c.Parse()
	return err
}

// Parse gives the tallies. ErrMalformed: they are none.
func (c Visits) Parse() ([]visit.Tally, error) {
	tallies, err := visit.ParseTallies([]byte(c.Tallies))
	if err == nil && len(tallies) == 0 {
		err = visit.ErrMalformed
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return tallies, nil
}
