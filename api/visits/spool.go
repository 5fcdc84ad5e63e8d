package visits

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Spool keeps bytes from one run of a node to the next.
type Spool interface {
	// Load gives what was kept; nothing if that is nothing.
	Load() ([]byte, error)
	// Keep puts bytes in the place of what was kept; none at all for no bytes.
	Keep([]byte) error
}

// errSpool: what was kept is not what a recorder keeps.
var errSpool = errors.New("the kept visits are damaged")

const (
	spoolHead = "tinyurl visits 1\n"
	// maxParcels is the most parcels that are kept, a quarter of a gigabyte.
	maxParcels = 2048
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeSpool writes parcels: a head, each one's boot, sequence and length before its bytes, and a checksum of it all.
func encodeSpool(parcels []parcel) []byte {
	if len(parcels) == 0 {
		return nil
	}
	b := []byte(spoolHead)
	for _, p := range parcels {
		b = binary.BigEndian.AppendUint64(b, p.mark.Boot)
		b = binary.BigEndian.AppendUint64(b, p.mark.Sequence)
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p.tallies))), p.tallies...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeSpool undoes encodeSpool.
func decodeSpool(b []byte) ([]parcel, error) {
	if len(b) == 0 {
		return nil, nil
	}
	end := len(b) - 4
	if end < len(spoolHead) || string(b[:len(spoolHead)]) != spoolHead || crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return nil, errSpool
	}
	var parcels []parcel
	const frame = 8 + 8 + 4
	for rest := b[len(spoolHead):end]; len(rest) > 0; {
		if len(rest) < frame || len(parcels) == maxParcels {
			return nil, errSpool
		}
		size := int(binary.BigEndian.Uint32(rest[16:]))
		if size > Longest || size > len(rest)-frame {
			return nil, fmt.Errorf("%w: a part of %d bytes", errSpool, size)
		}
		parcels = append(parcels, parcel{
			mark:    Mark{Boot: binary.BigEndian.Uint64(rest), Sequence: binary.BigEndian.Uint64(rest[8:])},
			tallies: rest[frame : frame+size],
		})
		rest = rest[frame+size:]
	}
	return parcels, nil
}
