package country

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"testing"
)

// fields is a map of a database. The values are strings, fields, uint16 and uint32.
type fields map[string]any

// in is a record of an address that is in a country.
func in(code string) fields {
	return fields{"continent": fields{"code": "XX"}, "country": fields{"geoname_id": uint32(1), "iso_code": code}}
}

// tree is the search tree of a database in the making: per node what bit 0 and bit 1 of an address lead to, which is a node, a
// record (as leaf - its offset) or nothing.
type tree [][2]int

const (
	nothing = -1
	leaf    = -2
)

// insert makes network lead to the record at offset.
func (t *tree) insert(network netip.Prefix, offset int) {
	address, bits := network.Addr().AsSlice(), network.Bits()
	if network.Addr().Is4() { // IPv4 is in the 96 zeros of IPv6
		address, bits = append(make([]byte, 12), address...), bits+96
	}
	node := 0
	for i := range bits {
		bit := address[i/8] >> (7 - i%8) & 1
		if i == bits-1 {
			(*t)[node][bit] = leaf - offset
			return
		}
		if (*t)[node][bit] == nothing {
			*t = append(*t, [2]int{nothing, nothing})
			(*t)[node][bit] = len(*t) - 1
		}
		node = (*t)[node][bit]
	}
}

// database is a file in the MaxMind DB format, of the networks given, none of which is inside another.
func database(t testing.TB, networks map[string]fields) []byte {
	t.Helper()
	var data []byte
	nodes := tree{{nothing, nothing}}
	for _, network := range slices.Sorted(maps.Keys(networks)) {
		nodes.insert(netip.MustParsePrefix(network), len(data))
		data = appendValue(data, networks[network])
	}
	const separator = 16
	var file []byte
	for _, node := range nodes {
		for _, next := range node {
			switch {
			case next == nothing:
				next = len(nodes)
			case next <= leaf:
				next = len(nodes) + separator + leaf - next
			}
			file = append(file, byte(next>>16), byte(next>>8), byte(next))
		}
	}
	file = append(append(file, make([]byte, separator)...), data...)
	return appendValue(append(file, "\xab\xcd\xefMaxMind.com"...), fields{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
		"build_epoch": uint32(1_700_000_000), "database_type": "Test-Country", "description": fields{"en": "for tests"},
		"ip_version": uint16(6), "node_count": uint32(len(nodes)), "record_size": uint16(24),
	})
}

// appendValue appends a value: its type and size in a byte, or two if the size is 29 or more, and what it is.
func appendValue(b []byte, value any) []byte {
	const (
		ofString, ofUint16, ofUint32, ofMap = 2, 5, 6, 7
		inPlace                             = 29 // the sizes below stand with the type
	)
	switch v := value.(type) {
	case string:
		if len(v) < inPlace {
			return append(append(b, ofString<<5|byte(len(v))), v...)
		}
		return append(append(b, ofString<<5|inPlace, byte(len(v)-inPlace)), v...)
	case uint16:
		return binary.BigEndian.AppendUint16(append(b, ofUint16<<5|2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(append(b, ofUint32<<5|4), v)
	case fields:
		b = append(b, ofMap<<5|byte(len(v)))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = appendValue(appendValue(b, key), v[key])
		}
		return b
	default:
		panic("no value of a test's database")
	}
}
