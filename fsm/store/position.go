package store

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// storeFormat is the version of everything on disk: the schema, the values, CURRENT and the engine's format. A binary opens
// its own format and no other. Formats 1 and 2 were never released: they have other indexes, or none.
const storeFormat = 3

// metaSize is the length of the position row's value.
const metaSize = 4 + 8 + 8 + 32 + 8 + 32 + 8 + 8

// encodeMeta appends the position row.
func encodeMeta(buf []byte, m meta) []byte {
	digest := m.digest.digest()
	buf = binary.BigEndian.AppendUint32(buf, storeFormat)
	buf = binary.BigEndian.AppendUint64(buf, m.position.Index)
	buf = binary.BigEndian.AppendUint64(buf, m.position.Term)
	buf = append(buf, digest[:]...)
	buf = binary.BigEndian.AppendUint64(buf, m.boundary)
	buf = append(buf, m.boundaryValue[:]...)
	buf = binary.BigEndian.AppendUint64(buf, m.count)
	return binary.BigEndian.AppendUint64(buf, m.size)
}

func decodeMeta(value []byte) (m meta, err error) {
	if len(value) < 4 {
		return m, fmt.Errorf("%w: the position row is too short", ErrDamaged)
	}
	if format := binary.BigEndian.Uint32(value); format != storeFormat {
		return m, fmt.Errorf("%w: format %d, known is %d", ErrFormat, format, storeFormat)
	}
	if len(value) != metaSize {
		return m, fmt.Errorf("%w: the position row has %d bytes", ErrDamaged, len(value))
	}
	rest := value[4:]
	number := func() uint64 {
		v := binary.BigEndian.Uint64(rest)
		rest = rest[8:]
		return v
	}
	digest := func() Digest {
		d := Digest(rest[:32])
		rest = rest[32:]
		return d
	}
	m.position = Position{Index: number(), Term: number()}
	m.digest = digest().lanes()
	m.boundary = number()
	m.boundaryValue = digest()
	m.count = number()
	m.size = number()
	return m, nil
}

// loadState reads what readers see of a committed state. A state without a position row was never published.
func loadState(r pebble.Reader, s schema) (*published, error) {
	value, err := readEngine(r, s.position(nil))
	if err != nil {
		return nil, fmt.Errorf("read the position: %w", err)
	}
	if value == nil {
		return nil, fmt.Errorf("%w: there is no position for group %d", ErrDamaged, s.group)
	}
	p := &published{}
	if p.meta, err = decodeMeta(value); err != nil {
		return nil, err
	}
	if p.stateRow, err = readEngine(r, s.scalars(nil)); err != nil {
		return nil, fmt.Errorf("read the state row: %w", err)
	}
	if p.stateRow == nil { // nothing in it has been set yet
		return p, nil
	}
	if p.scalars, err = decodeScalars(p.stateRow); err != nil {
		return nil, err
	}
	if p.hasKey {
		p.codec = link.NewCodec(p.codeKey)
	}
	return p, nil
}
