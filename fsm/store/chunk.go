package store

import (
	"encoding/binary"
	"math/bits"
)

// chunkSize is how many operations of a node share one row: those whose sequences differ in the last six bits only. Operations come in
// the order of their sequences and many at a time, so a row for each would be most of what is written for a link.
const chunkSize = 64

// maxChunk is the number of the last chunk there can be.
const maxChunk = (1<<64 - 1) / chunkSize

// chunk is the results of a node's operations with neighbouring sequences.
type chunk struct {
	node    string
	number  uint64 // the sequences, divided by chunkSize
	has     uint64 // a bit for every result there is, the lowest for the first sequence
	results [chunkSize]Result

	row   []byte // the value as it stands among the rows; nil if there is none
	dirty bool   // row is behind
	owned bool   // by the open batch, which may change it
}

// place is where a sequence's result is.
func place(seq uint64) (number uint64, bit int) { return seq / chunkSize, int(seq % chunkSize) }

// get gives the result at a place.
func (c *chunk) get(bit int) (Result, bool) {
	if c.has&(1<<bit) == 0 {
		return Result{}, false
	}
	return c.results[bit], true
}

// put sets the result at a place.
func (c *chunk) put(bit int, r Result) {
	c.has |= 1 << bit
	c.results[bit] = r
	c.dirty = true
}

// forget drops the results before a place.
func (c *chunk) forget(before int) {
	if below := c.has & (1<<before - 1); below != 0 {
		c.has &^= below
		c.dirty = true
	}
}

// encodeChunk appends the results of a chunk that has some.
func encodeChunk(buf []byte, c *chunk) []byte {
	buf = binary.BigEndian.AppendUint64(append(buf, valueVersion, 0), c.has)
	for left := c.has; left != 0; left &= left - 1 {
		buf = appendResult(buf, c.results[bits.TrailingZeros64(left)])
	}
	return buf
}

// decodeChunk reads the results of a chunk into c.
func decodeChunk(value []byte, c *chunk) error {
	d := reader{rest: value}
	d.head(0)
	if has := d.take(8); has != nil {
		c.has = binary.BigEndian.Uint64(has)
	}
	d.require(c.has != 0)
	for left := c.has; left != 0 && !d.bad; left &= left - 1 {
		c.results[bits.TrailingZeros64(left)] = d.result()
	}
	return d.end("row of results")
}

func checkChunk(value []byte) error { return decodeChunk(value, new(chunk)) }
