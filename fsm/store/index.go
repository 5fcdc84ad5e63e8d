package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"tinyurl/fsm/link"
)

// An index leads to living links in the order of a stamp. Its keys begin with what it is asked for, and end with the stamp
// and what the key of the link's row ends with; see schema.go. So links with generated codes that were made in one moment stand in
// the order in which they were made, as their rows do, and are read together. Every key of an index comes and goes with the link's
// row, in one batch.

// targetHash is how much of a hash of owner and target stands in a key, in bytes. Links that share it by chance are told
// apart by their rows.
const targetHash = 8

// targets appends what the keys of an owner's links with one target begin with.
func (s schema) targets(buf []byte, owner string, target link.Target) []byte {
	buf = s.prefix(buf, spaceTargets)
	at := len(buf)
	buf = append(appendShort(buf, owner), target...) // only until it is hashed: so no other room is needed
	hash := sha256.Sum256(buf[at:])
	return append(buf[:at], hash[:targetHash]...)
}

func (s schema) times(buf []byte) []byte { return s.prefix(buf, spaceTimes) }

// owned appends what the keys of an owner's links begin with.
func (s schema) owned(buf []byte, owner string) []byte {
	return appendShort(s.prefix(buf, spaceOwned), owner)
}

// tagged appends what the keys of a tag's links begin with. No tag holds a zero byte, so tags stand in their own order.
func (s schema) tagged(buf []byte, tag string) []byte {
	return append(append(s.prefix(buf, spaceTags), tag...), 0)
}

func (s schema) due(buf []byte) []byte { return s.prefix(buf, spaceDue) }

// stampSize is the length of a stamp in a key.
const stampSize = 8

// spot is how the key of an index ends: a stamp, and what the key of a link's row ends with. Spots compare as their keys do.
type spot string

func (p spot) stamp() uint64 { return binary.BigEndian.Uint64([]byte(p[:stampSize])) }

// row appends the key of the link's row.
func (p spot) row(s schema, buf []byte) []byte {
	space := spaceSlugs
	if _, generated := p.id(); generated {
		space = spaceLinks
	}
	return append(s.prefix(buf, space), p[stampSize:]...)
}

// code gives the link's code.
func (p spot) code(codec *link.Codec) link.Code {
	if id, generated := p.id(); generated {
		return codec.Encode(id)
	}
	return link.Code(p[stampSize:])
}

// place gives the place that the spot stands for; the zero Place for "".
func (p spot) place(codec *link.Codec) Place {
	if p == "" {
		return Place{}
	}
	return Place{Created: p.stamp(), Code: p.code(codec)}
}

// id gives the id of a link that lies among the links. No slug begins with a zero byte, and every id does.
func (p spot) id() (id link.ID, generated bool) {
	rest := p[stampSize:]
	if len(rest) != 8 || rest[0] != 0 {
		return 0, false
	}
	return link.ID(binary.BigEndian.Uint64([]byte(rest))), true
}

// appendSpot appends the spot of a link whose row's key ends with row.
func appendSpot(buf []byte, stamp uint64, row []byte) []byte {
	return append(binary.BigEndian.AppendUint64(buf, stamp), row...)
}

// cutIndex takes the spot off an index key; ok is false for what is no such key.
func cutIndex(key []byte) (p []byte, ok bool) {
	rest := key[prefixSize:]
	switch space := key[prefixSize-1]; space {
	case spaceTargets:
		if len(rest) < targetHash {
			return nil, false
		}
		rest = rest[targetHash:]
	case spaceOwned:
		owner, behind, cut := cutShort(rest)
		if !cut || owner == "" {
			return nil, false
		}
		rest = behind
	case spaceTags:
		tag, behind, cut := bytes.Cut(rest, []byte{0})
		if !cut || len(tag) == 0 || len(tag) > link.MaxTag {
			return nil, false
		}
		rest = behind
	}
	if len(rest) <= stampSize || len(rest) > stampSize+link.MaxSlug {
		return nil, false
	}
	if rest[stampSize] == 0 && (len(rest) != stampSize+8 || binary.BigEndian.Uint64(rest[stampSize:]) > uint64(link.MaxID)) {
		return nil, false
	}
	return rest, true
}

// ownerSum appends the key of the number of an owner's links.
func (s schema) ownerSum(buf []byte, owner string) []byte {
	return appendShort(s.prefix(buf, spaceOwnerSums), owner)
}

// ownerTagSum appends the key of the number of an owner's links with a tag.
func (s schema) ownerTagSum(buf []byte, owner, tag string) []byte {
	return append(s.ownerSum(buf, owner), tag...)
}

// tagSum appends the key of the number of all links with a tag.
func (s schema) tagSum(buf []byte, tag string) []byte {
	return append(s.prefix(buf, spaceTagSums), tag...)
}

func checkSumKey(space byte, rest []byte) bool {
	if space == spaceOwnerSums {
		owner, tag, cut := cutShort(rest)
		return cut && owner != "" && len(owner) <= link.MaxOwner && len(tag) <= link.MaxTag
	}
	return len(rest) > 0 && len(rest) <= link.MaxTag
}

func encodeSum(buf []byte, n uint64) []byte {
	return binary.AppendUvarint(append(buf, valueVersion, 0), n)
}

func decodeSum(value []byte) (uint64, error) {
	d := reader{rest: value}
	d.head(0)
	n := d.some(1<<64 - 1)
	return n, d.end("number of links")
}

// after is the first key behind all that begin with prefix, which does not consist of 0xff alone.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}
