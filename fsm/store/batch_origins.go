package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// errNode: a node's name does not fit into a key.
var errNode = errors.New("a node's name has 1 to 255 bytes")

// Origin reads what is remembered of a node that proposes.
func (b *Batch) Origin(node string) (o Origin, found bool, err error) {
	if err := b.usable(); err != nil {
		return o, false, err
	}
	if err := b.checkNode(node); err != nil {
		return o, false, err
	}
	if p := b.next.proposer(node); p != nil {
		return p.origin, true, nil
	}
	b.key = b.store.schema.origin(b.key[:0], node)
	row, err := b.get(b.key)
	if err != nil || row == nil {
		return o, false, err
	}
	if o, err = decodeOrigin(row); err != nil {
		return o, false, b.fail(err)
	}
	b.editProposer(node).origin = o
	return o, true, nil
}

// PutOrigin moves a node's boot and floor on, and forgets every result below the floor, or every result if the boot is a
// new one. Entries may overtake each other on their way to the leader, so a lower floor of the same boot changes nothing;
// an older boot is ErrMisuse.
func (b *Batch) PutOrigin(node string, o Origin) error {
	if err := b.changeable(); err != nil {
		return err
	}
	old, found, err := b.Origin(node)
	if err != nil {
		return err
	}
	if found && o.Boot < old.Boot {
		return b.fail(fmt.Errorf("%w: boot %d of node %s after boot %d", ErrMisuse, o.Boot, node, old.Boot))
	}
	if found && o.Boot == old.Boot && o.Floor <= old.Floor {
		return nil
	}
	if found && o.Boot > old.Boot {
		err = b.forgetNode(node)
	} else {
		// Results below the old floor are gone already: going over their graves would cost more with every entry.
		err = b.forgetResults(node, old.Floor, o.Floor)
	}
	if err != nil {
		return err
	}
	b.key = b.store.schema.origin(b.key[:0], node)
	b.value = encodeOrigin(b.value[:0], o)
	var row []byte
	if found { // one origin has one encoding: this is the row as it stands
		row = encodeOrigin(nil, old)
	}
	if err := b.replace(b.key, row, b.value); err != nil {
		return err
	}
	b.editProposer(node).origin = o
	return nil
}

func (b *Batch) checkNode(node string) error {
	if node == "" || len(node) > maxNode {
		return b.fail(fmt.Errorf("%w: %w", ErrMisuse, errNode))
	}
	return nil
}

// Boot is the highest boot of a node that the state has seen an operation of, 0 if none: operations of a lower one are refused.
// Errors: ErrClosed; anything else is a failing disk or damage, and Options.Fatal knows of it.
func (s *Store) Boot(node string) (uint64, error) {
	g, err := s.acquire()
	if err != nil {
		return 0, err
	}
	defer g.release()
	value, closer, err := g.db.Get(s.schema.origin(nil, node))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		s.failed.report(fmt.Errorf("look up a node's boot: %w", err))
		return 0, explain(err)
	}
	o, err := decodeOrigin(value)
	if err = errors.Join(err, closer.Close()); err != nil {
		s.failed.report(fmt.Errorf("look up a node's boot: %w", err))
		return 0, explain(err)
	}
	return o.Boot, nil
}
