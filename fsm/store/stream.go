package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// streamBuffer is how much of a stream is read or written at once, in bytes.
const streamBuffer = 256 << 10

// crcWriter writes through to w and keeps the checksum of what went by.
type crcWriter struct {
	w   io.Writer
	sum uint32
	n   uint64
}

func (c *crcWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum = crc32.Update(c.sum, castagnoli, p[:n])
	c.n += uint64(n)
	return n, err
}

// writeStream writes the state in r as a stream. What is written is counted against the header: a state that is not what
// its position row says is ErrDamaged, and the stream lacks its trailer then.
func writeStream(w io.Writer, r pebble.Reader, s schema, h Header) error {
	out := &crcWriter{w: w}
	buffered := bufio.NewWriterSize(out, streamBuffer)
	if _, err := buffered.Write(appendHeader(nil, h)); err != nil {
		return err
	}
	var count uint64
	var record []byte
	err := eachRow(r, s, func(key, value []byte) error {
		count++
		record = appendRecord(record[:0], key, value)
		_, err := buffered.Write(record)
		return err
	})
	if err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if count != h.Count || out.n != h.StreamSize-trailerSize {
		return fmt.Errorf("%w: %d rows in %d bytes where %d in %d were promised", ErrDamaged, count, out.n, h.Count,
			h.StreamSize-trailerSize)
	}
	trailer := binary.BigEndian.AppendUint64(append([]byte{}, trailerMagic...), count)
	if _, err := out.Write(trailer); err != nil {
		return err
	}
	_, err = out.Write(binary.BigEndian.AppendUint32(nil, out.sum))
	return err
}

// eachRow calls visit for every replicated row, in key order. Key and value are only good during the call.
func eachRow(r pebble.Reader, s schema, visit func(key, value []byte) error) error {
	lower, upper := s.bounds()
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return explain(err)
	}
	position := s.position(nil)
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if bytes.Equal(it.Key(), position) {
			continue
		}
		var value []byte
		if value, err = it.ValueAndErr(); err == nil {
			err = visit(it.Key(), value)
		}
	}
	// A visit's own error comes first; the iterator tells its errors again when it is closed.
	return errors.Join(err, explain(it.Close()))
}

func appendRecord(buf, key, value []byte) []byte {
	buf = append(binary.AppendUvarint(buf, uint64(len(key))), key...)
	return append(binary.AppendUvarint(buf, uint64(len(value))), value...)
}

// streamReader takes a stream apart and believes nothing in it.
type streamReader struct {
	in     *bufio.Reader
	header Header
	schema schema
	sum    uint32
	record []byte // the current record as it stands in the stream
	last   []byte // the key before
	census *census
}

// readStream checks the stream in r and shows every row to visit, in key order: well-formed rows of the header's group,
// as many as promised, with the promised digest and length, and nothing behind them. Before the first row, accept may
// refuse the header. The rows are good only if the whole stream is: the caller throws them away on any error.
func readStream(r io.Reader, accept func(Header) error, visit func(key, value []byte) error) (Header, error) {
	s := &streamReader{in: bufio.NewReaderSize(r, streamBuffer), census: newCensus()}
	var head [headerSize]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return Header{}, cutOff(err)
	}
	h, err := parseHeader(head[:])
	if err != nil {
		return Header{}, err
	}
	if accept != nil {
		if err := accept(h); err != nil {
			return h, err
		}
	}
	s.header, s.schema = h, schema{group: h.Group}
	s.sum = crc32.Update(0, castagnoli, head[:])
	for range h.Count {
		key, value, err := s.next()
		if err != nil {
			return h, err
		}
		if err := visit(key, value); err != nil {
			return h, err
		}
	}
	return h, s.end()
}

// next reads one record and checks it. Key and value are good until the next call.
func (s *streamReader) next() (key, value []byte, err error) {
	s.record = s.record[:0]
	keySize, err := s.part(maxKeySize)
	if err != nil {
		return nil, nil, err
	}
	keyEnd := len(s.record)
	valueSize, err := s.part(maxValue)
	if err != nil {
		return nil, nil, err
	}
	key, value = s.record[keyEnd-keySize:keyEnd], s.record[len(s.record)-valueSize:]
	s.sum = crc32.Update(s.sum, castagnoli, s.record)
	if bytes.Compare(key, s.last) <= 0 {
		return nil, nil, fmt.Errorf("%w: the stream's keys are out of order", ErrDamaged)
	}
	s.last = append(s.last[:0], key...)
	if err := s.census.visit(s.schema, key, value); err != nil {
		return nil, nil, err
	}
	if s.census.size > s.header.StreamSize-headerSize-trailerSize {
		return nil, nil, fmt.Errorf("%w: the stream is longer than it says", ErrDamaged)
	}
	return key, value, nil
}

// part reads a length and as many bytes, at most limit, onto the end of the record.
func (s *streamReader) part(limit uint64) (int, error) {
	head, err := s.in.Peek(binary.MaxVarintLen64)
	size, n := binary.Uvarint(head)
	if n == 0 && err != nil {
		return 0, cutOff(err)
	}
	if n <= 0 || size > limit {
		return 0, fmt.Errorf("%w: a part of a row takes %d bytes", ErrDamaged, size)
	}
	if _, err := s.in.Discard(n); err != nil {
		return 0, cutOff(err)
	}
	s.record = binary.AppendUvarint(s.record, size)
	at := len(s.record)
	s.record = append(s.record, make([]byte, size)...)
	if _, err := io.ReadFull(s.in, s.record[at:]); err != nil {
		return 0, cutOff(err)
	}
	return int(size), nil
}

// end reads the trailer and compares what came with what was promised.
func (s *streamReader) end() error {
	var trailer [trailerSize]byte
	if _, err := io.ReadFull(s.in, trailer[:]); err != nil {
		return cutOff(err)
	}
	s.sum = crc32.Update(s.sum, castagnoli, trailer[:trailerSize-4])
	switch {
	case !bytes.Equal(trailer[:4], trailerMagic), binary.BigEndian.Uint64(trailer[4:]) != s.header.Count:
		return fmt.Errorf("%w: the stream has more rows than it says", ErrDamaged)
	case binary.BigEndian.Uint32(trailer[trailerSize-4:]) != s.sum:
		return fmt.Errorf("%w: the stream does not match its checksum", ErrDamaged)
	}
	if err := s.census.compare(s.header.meta().tally); err != nil {
		return err
	}
	if _, err := s.in.ReadByte(); err == nil {
		return fmt.Errorf("%w: something follows the stream", ErrDamaged)
	} else if !errors.Is(err, io.EOF) {
		return cutOff(err)
	}
	return nil
}

// CheckStream reads a whole stream and says whether it is a state as some replica committed it, as Replace would. ErrFormat,
// ErrDamaged, or the reader's error.
func CheckStream(r io.Reader) (Header, error) {
	return readStream(r, nil, func(key, value []byte) error { return nil })
}
