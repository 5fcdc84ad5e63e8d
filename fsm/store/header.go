package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A stream is a whole state on its way to another replica or into a backup:
//
//	header   magic (8), format (4), group (4), cluster id (16), index (8), term (8), digest (32), boundary (8), boundary
//	         digest (32), count (8), size of the stream (8), CRC32C of all that (4)
//	records  in key order: uvarint length, key, uvarint length, value; the position row is not among them
//	trailer  magic (4), count (8), CRC32C of everything before it (4)
//
// Numbers are big-endian. The length is known exactly before the first byte is written.

// Header is what a stream says about itself before its records.
type Header struct {
	// Group is the raft group whose state it is.
	Group uint32
	// ClusterID is the cluster it comes from.
	ClusterID [16]byte
	// Summary is the state's.
	Summary
}

const (
	streamFormat = 3
	headerSize   = 8 + 4 + 4 + 16 + 8 + 8 + 32 + 8 + 32 + 8 + 8 + 4
	trailerSize  = 4 + 8 + 4
)

var (
	streamMagic  = []byte("tinyurl\x01")
	trailerMagic = []byte("end\x01")
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
)

// appendHeader appends a header of headerSize bytes.
func appendHeader(buf []byte, h Header) []byte {
	start := len(buf)
	buf = append(buf, streamMagic...)
	buf = binary.BigEndian.AppendUint32(buf, streamFormat)
	buf = binary.BigEndian.AppendUint32(buf, h.Group)
	buf = append(buf, h.ClusterID[:]...)
	buf = binary.BigEndian.AppendUint64(buf, h.Position.Index)
	buf = binary.BigEndian.AppendUint64(buf, h.Position.Term)
	buf = append(buf, h.Digest[:]...)
	buf = binary.BigEndian.AppendUint64(buf, h.Boundary)
	buf = append(buf, h.BoundaryDigest[:]...)
	buf = binary.BigEndian.AppendUint64(buf, h.Count)
	buf = binary.BigEndian.AppendUint64(buf, h.StreamSize)
	return binary.BigEndian.AppendUint32(buf, crc32.Checksum(buf[start:], castagnoli))
}

// ReadHeader reads the header of a stream and nothing behind it. ErrFormat if the stream is of another format, ErrDamaged if
// it is none, or cut off.
func ReadHeader(r io.Reader) (Header, error) {
	var buf [headerSize]byte
	if _, err := io.ReadFull(r, buf[:]); err != nil {
		return Header{}, cutOff(err)
	}
	return parseHeader(buf[:])
}

// parseHeader undoes appendHeader.
func parseHeader(buf []byte) (h Header, err error) {
	if !bytes.Equal(buf[:8], streamMagic) {
		return h, fmt.Errorf("%w: this is not a stream of a state", ErrDamaged)
	}
	if format := binary.BigEndian.Uint32(buf[8:]); format != streamFormat {
		return h, fmt.Errorf("%w: stream format %d, known is %d", ErrFormat, format, streamFormat)
	}
	sum := binary.BigEndian.Uint32(buf[headerSize-4:])
	if sum != crc32.Checksum(buf[:headerSize-4], castagnoli) {
		return h, fmt.Errorf("%w: the stream's header does not match its checksum", ErrDamaged)
	}
	at := buf[12:]
	number := func() uint64 {
		v := binary.BigEndian.Uint64(at)
		at = at[8:]
		return v
	}
	bytesOf := func(dst []byte) {
		at = at[copy(dst, at):]
	}
	h.Group = binary.BigEndian.Uint32(at)
	at = at[4:]
	bytesOf(h.ClusterID[:])
	h.Position = Position{Index: number(), Term: number()}
	bytesOf(h.Digest[:])
	h.Boundary = number()
	bytesOf(h.BoundaryDigest[:])
	h.Count, h.StreamSize = number(), number()
	// A record takes at least its two lengths and a key's prefix.
	room := h.StreamSize - headerSize - trailerSize
	if h.StreamSize < headerSize+trailerSize || h.Count > room/(prefixSize+2) {
		return h, fmt.Errorf("%w: a stream of %d bytes cannot hold %d rows", ErrDamaged, h.StreamSize, h.Count)
	}
	return h, nil
}

// cutOff turns the end of a stream that was expected to go on into damage.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the stream is cut off", ErrDamaged)
	}
	return fmt.Errorf("read the stream: %w", err)
}

// recordSize is what a row takes in a stream, in bytes.
func recordSize(key, value []byte) uint64 {
	return uint64(uvarintSize(len(key)) + len(key) + uvarintSize(len(value)) + len(value))
}

func uvarintSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
