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
	s := b.store.schema
	// Results below the old floor are gone already: going over their graves would cost more with every entry.
	from, to := s.result(nil, node, old.Floor), s.result(nil, node, o.Floor)
	if found && o.Boot > old.Boot {
		to = append(s.result(nil, node, 1<<64-1), 0) // behind the last one there can be
	}
	if err := b.forgetResults(from, to); err != nil {
		return err
	}
	b.key = s.origin(b.key[:0], node)
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

// forgetResults removes the results with keys from lower up to upper, which is not among them.
func (b *Batch) forgetResults(lower, upper []byte) error {
	it, err := b.rows.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return b.fail(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := b.dropAt(it); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return b.fail(err)
	}
	return nil
}

// Result reads the result of a node's operation. It is kept from PutResult until PutOrigin raises the floor above it.
func (b *Batch) Result(node string, seq uint64) (r Result, found bool, err error) {
	if err := b.usable(); err != nil {
		return r, false, err
	}
	if err := b.checkNode(node); err != nil {
		return r, false, err
	}
	p := b.next.proposer(node)
	if p != nil && p.free.has(seq) {
		return r, false, nil
	}
	b.key = b.store.schema.result(b.key[:0], node, seq)
	if r, found, err = b.result(b.key); err != nil || found || p == nil {
		return r, found, err
	}
	// A new operation, and the first one where nothing is known: the ones to come are likely to be those behind it.
	free, err := b.gapAt(b.store.schema.results(nil, node), seq, resultsAhead)
	if err != nil {
		return r, false, err
	}
	b.editProposer(node).free = free
	return r, false, nil
}

// PutResult remembers the result of a node's operation. seq is at or above the node's floor, else it would stay for ever.
// A result whose Err is none of package link's sentinels is ErrMisuse.
func (b *Batch) PutResult(node string, seq uint64, r Result) error {
	if err := b.changeable(); err != nil {
		return err
	}
	if err := b.checkNode(node); err != nil {
		return err
	}
	b.key = b.store.schema.result(b.key[:0], node, seq)
	if p := b.next.proposer(node); p == nil || !p.free.has(seq) {
		return b.putResult(b.key, r)
	}
	b.editProposer(node).free.above(seq)
	return b.addResult(b.key, r)
}

// result reads a result's row.
func (b *Batch) result(key []byte) (r Result, found bool, err error) {
	row, err := b.get(key)
	if err != nil || row == nil {
		return r, false, err
	}
	if r, err = decodeResult(row); err != nil {
		return r, false, b.fail(err)
	}
	return r, true, nil
}

// addResult writes a result's row, which is known not to be there.
func (b *Batch) addResult(key []byte, r Result) (err error) {
	if b.value, err = encodeResult(b.value[:0], r); err != nil {
		return b.fail(err)
	}
	return b.replace(key, nil, b.value)
}

// putResult writes a result's row, whatever was there.
func (b *Batch) putResult(key []byte, r Result) (err error) {
	if b.value, err = encodeResult(b.value[:0], r); err != nil {
		return b.fail(err)
	}
	return b.set(key, b.value)
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
