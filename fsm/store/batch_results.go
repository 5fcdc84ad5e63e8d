package store

import (
	"slices"
	"strings"
)

// maxChunks is how many chunks are held open at a time; more only cost look-ups. Nearly all operations are new ones, of a few nodes, in
// the order of their sequences: the chunks touched last are those to be touched next.
const maxChunks = 32

// Result reads the result of a node's operation. It is kept from PutResult until PutOrigin raises the floor above it.
func (b *Batch) Result(node string, seq uint64) (r Result, found bool, err error) {
	if err := b.usable(); err != nil {
		return r, false, err
	}
	if err := b.checkNode(node); err != nil {
		return r, false, err
	}
	number, bit := place(seq)
	c, err := b.chunk(node, number)
	if err != nil {
		return r, false, err
	}
	r, found = c.get(bit)
	return r, found, nil
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
	r, err := keepable(r)
	if err != nil {
		return b.fail(err)
	}
	number, bit := place(seq)
	c, err := b.editChunk(node, number)
	if err != nil {
		return err
	}
	c.put(bit, r)
	return nil
}

// forgetResults removes a node's results with sequences from one up to another, which is not among them.
func (b *Batch) forgetResults(node string, from, to uint64) error {
	first, _ := place(from)
	last, rest := place(to)
	if first < last {
		if err := b.dropChunks(node, first, &last); err != nil {
			return err
		}
	}
	if rest == 0 {
		return nil
	}
	c, err := b.chunk(node, last)
	if err != nil || c.has&(1<<rest-1) == 0 {
		return err
	}
	if c, err = b.editChunk(node, last); err != nil {
		return err
	}
	c.forget(rest)
	return nil
}

// forgetNode removes all of a node's results.
func (b *Batch) forgetNode(node string) error { return b.dropChunks(node, 0, nil) }

// dropChunks removes a node's chunks from a number up to another, which is not among them; nil is behind the last one.
func (b *Batch) dropChunks(node string, from uint64, to *uint64) error {
	b.ownChunks()
	open := b.next.chunks
	b.next.chunks = open[:0]
	for _, c := range open {
		if c.node != node || c.number < from || to != nil && c.number >= *to {
			b.next.chunks = append(b.next.chunks, c)
		} else if err := b.dropChunk(c); err != nil {
			return err
		}
	}
	dropped := open[len(b.next.chunks):]
	known := uint64(len(dropped))
	clear(dropped)
	if to != nil && known == *to-from { // as nearly always: what is forgotten are the results of the entries before
		return nil
	}
	s := b.store.schema
	upper := append(s.chunk(nil, node, 1<<64-1), 0) // behind the last one there can be
	if to != nil {
		upper = s.chunk(nil, node, *to)
	}
	return b.dropRange(s.chunk(nil, node, from), upper)
}

// dropChunk removes the row of a chunk, whatever of it was not written yet.
func (b *Batch) dropChunk(c *chunk) error {
	if c.row == nil {
		return nil
	}
	b.key = b.store.schema.chunk(b.key[:0], c.node, c.number)
	return b.drop(b.key, c.row)
}

// chunk gives a node's chunk, for reading.
func (b *Batch) chunk(node string, number uint64) (*chunk, error) {
	if i := b.findChunk(node, number); i >= 0 {
		return b.next.chunks[i], nil
	}
	b.key = b.store.schema.chunk(b.key[:0], node, number)
	row, err := b.get(b.key)
	if err != nil {
		return nil, err
	}
	c := &chunk{number: number, owned: true}
	if row != nil {
		if err := decodeChunk(row, c); err != nil {
			return nil, b.fail(err)
		}
		c.row = slices.Clone(row)
	}
	return c, b.holdChunk(node, c)
}

// editChunk gives a node's chunk, which may then be changed.
func (b *Batch) editChunk(node string, number uint64) (*chunk, error) {
	c, err := b.chunk(node, number)
	if err != nil || c.owned {
		return c, err
	}
	own := *c // until now it is that of the state that readers see
	own.owned = true
	b.ownChunks()
	b.next.chunks[b.findChunk(node, number)] = &own
	return &own, nil
}

// findChunk gives the place of a chunk among the open ones; -1 if it is not there. The latest are the last.
func (b *Batch) findChunk(node string, number uint64) int {
	for i, c := range slices.Backward(b.next.chunks) {
		if c.number == number && c.node == node {
			return i
		}
	}
	return -1
}

// holdChunk adds a chunk to the open ones, in place of the one that was opened first if there are too many.
func (b *Batch) holdChunk(node string, c *chunk) error {
	b.ownChunks()
	if len(b.next.chunks) == maxChunks {
		if err := b.flushChunk(b.next.chunks[0]); err != nil {
			return err
		}
		b.next.chunks = slices.Delete(b.next.chunks, 0, 1)
	}
	// A name is a part of a whole entry, which must not be kept for its sake.
	c.node = strings.Clone(node)
	b.next.chunks = append(b.next.chunks, c)
	return nil
}

// ownChunks makes the list of chunks the batch's own: until now it is that of the state that readers see.
func (b *Batch) ownChunks() {
	if !b.chunksOwned {
		b.next.chunks, b.chunksOwned = slices.Clone(b.next.chunks), true
	}
}

// flushChunks brings the rows up to the open chunks.
func (b *Batch) flushChunks() error {
	for _, c := range b.next.chunks {
		if err := b.flushChunk(c); err != nil {
			return err
		}
	}
	return nil
}

// flushChunk brings the row of a chunk up to it. One that is dirty is the batch's own.
func (b *Batch) flushChunk(c *chunk) error {
	if !c.dirty {
		return nil
	}
	c.dirty = false
	if c.has == 0 {
		err := b.dropChunk(c)
		c.row = nil
		return err
	}
	b.key = b.store.schema.chunk(b.key[:0], c.node, c.number)
	b.value = encodeChunk(b.value[:0], c)
	if err := b.replace(b.key, c.row, b.value); err != nil {
		return err
	}
	c.row = append(c.row[:0:0], b.value...)
	return nil
}

// releaseChunks ends the batch's right to change the chunks, which become the published state's.
func (b *Batch) releaseChunks() {
	for _, c := range b.next.chunks {
		if c.owned { // the others are read elsewhere
			c.owned = false
		}
	}
}
