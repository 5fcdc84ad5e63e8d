package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// Every key begins with the group (four bytes, big-endian), so that a group's rows are one range, and a byte that names the
// key space. What follows, with the value it leads to (see values.go):
//
//	position  -                                       → the position row; in no digest and in no stream
//	scalars   -                                       → counter, stamp, code key, cluster version, living links
//	links     id (8 bytes, big-endian)                → link or tombstone
//	slugs     slug                                    → link or tombstone
//	onces     scope length (1), scope, key            → body hash, expiry
//	onceRows  scope length (1), scope,
//	          key length (1), key, row (4)            → result
//	onceDue   expiry (8), scope length (1), scope, key → nothing
//	origins   node                                    → boot, floor
//	results   node length (1), node, chunk (8)        → results of 64 sequences
//	targets   hash of owner and target (8),
//	          created (8), row                        → nothing; of every living link, as are the next two
//	times     created (8), row                        → nothing
//	owned     owner length (1), owner,
//	          created (8), row                        → nothing; of links with an owner
//	tags      tag, zero, created (8), row             → nothing
//	due       valid until (8), row                    → nothing; of links that end
//	ownerSums owner length (1), owner, tag or nothing → number of the owner's links, with the tag or in all
//	tagSums   tag                                     → number of links
//	keys      id                                      → API key
//	keyHashes hash of an API key's secret (32)        → its id; of every key
//	users     id                                      → user
//	denied    host                                    → when and why links to it are refused
//	reports   code                                    → what visitors said of its link
//	ownedKeys owner length (1), owner, id             → nothing; of API keys with an owner
//	hours     hour (4), subject                       → visits; as are the next two
//	days      day (4), subject                        → visits of the hours that were added
//	months    month (4), subject                      → likewise
//	totals    subject                                 → numbers of visits in the hours that were added
//	marks     node                                    → boot and sequence of the visits that were counted last
//	rolled    -                                       → how far hours were added to days, months and totals
//
// row is what the key of a link's row ends with: its id or its slug.
//
// A code that decodes to an id lives among the links, also if somebody chose it as a slug: whether an id is in use is one
// look-up, and the counter passes over an id that has a row. All other slugs live among the slugs.
//
// The numbers are on disk and in every digest: they never change meaning.
const (
	spacePosition byte = 0
	spaceScalars  byte = 1
	spaceLinks    byte = 2
	spaceSlugs    byte = 3
	spaceOnces    byte = 4
	spaceOnceRows byte = 5
	spaceOnceDue  byte = 6
	spaceOrigins  byte = 7
	spaceResults  byte = 8

	spaceTargets   byte = 10
	spaceTimes     byte = 11
	spaceOwned     byte = 12
	spaceTags      byte = 13
	spaceDue       byte = 14
	spaceOwnerSums byte = 15
	spaceTagSums   byte = 16

	spaceKeys      byte = 17
	spaceKeyHashes byte = 18
	spaceUsers     byte = 19
	spaceDenied    byte = 20
	spaceReports   byte = 21
	spaceOwnedKeys byte = 22

	spaceVisitHours  byte = 23
	spaceVisitDays   byte = 24
	spaceVisitMonths byte = 25
	spaceVisitTotals byte = 26
	spaceVisitMarks  byte = 27
	spaceVisitRolled byte = 28
)

// prefixSize is the length of what every key begins with.
const prefixSize = 5

// Limits of what goes into keys and values, in bytes. Streams are refused above them before anything is allocated.
const (
	maxScope   = 255
	maxNode    = 255
	maxKeySize = prefixSize + 8 + 2 + maxScope + link.MaxKey + 4
	maxValue   = 64 << 10
)

// errLong: a part of a key is longer than the schema has room for.
var errLong = errors.New("too long for its key")

// schema makes the keys of one group.
type schema struct {
	group uint32
}

// prefix appends what every key of a space begins with.
func (s schema) prefix(buf []byte, space byte) []byte {
	return append(binary.BigEndian.AppendUint32(buf, s.group), space)
}

// bounds gives the range of all keys of the group: lower is in it, upper is not; a nil upper is the end of everything.
func (s schema) bounds() (lower, upper []byte) {
	lower = binary.BigEndian.AppendUint32(nil, s.group)
	if s.group != 1<<32-1 {
		upper = binary.BigEndian.AppendUint32(nil, s.group+1)
	}
	return lower, upper
}

// spaceBounds gives the range of all keys of one space.
func (s schema) spaceBounds(space byte) (lower, upper []byte) {
	return s.prefix(nil, space), s.prefix(nil, space+1)
}

func (s schema) position(buf []byte) []byte { return s.prefix(buf, spacePosition) }
func (s schema) scalars(buf []byte) []byte  { return s.prefix(buf, spaceScalars) }

// link appends the key of a code. Without a codec no code can have been generated, and the slugs are where to look.
func (s schema) link(buf []byte, codec *link.Codec, c link.Code) []byte {
	if codec != nil {
		if id, ok := codec.Decode(c); ok {
			return s.linkID(buf, id)
		}
	}
	return append(s.prefix(buf, spaceSlugs), c...)
}

func (s schema) linkID(buf []byte, id link.ID) []byte {
	return binary.BigEndian.AppendUint64(s.prefix(buf, spaceLinks), uint64(id))
}

// once appends the key of a request's head.
func (s schema) once(buf []byte, scope, key string) []byte {
	return append(appendShort(s.prefix(buf, spaceOnces), scope), key...)
}

// onceRows appends what the keys of all of a request's rows begin with.
func (s schema) onceRows(buf []byte, scope, key string) []byte {
	return appendShort(appendShort(s.prefix(buf, spaceOnceRows), scope), key)
}

func (s schema) onceRow(buf []byte, scope, key string, row uint32) []byte {
	return binary.BigEndian.AppendUint32(s.onceRows(buf, scope, key), row)
}

// onceDue appends the key of a request's place in the order of expiry, at a stamp in milliseconds.
func (s schema) onceDue(buf []byte, expires uint64, scope, key string) []byte {
	return append(appendShort(binary.BigEndian.AppendUint64(s.prefix(buf, spaceOnceDue), expires), scope), key...)
}

func (s schema) origin(buf []byte, node string) []byte {
	return append(s.prefix(buf, spaceOrigins), node...)
}

// chunk appends the key of a node's results with neighbouring sequences, see chunkSize.
func (s schema) chunk(buf []byte, node string, number uint64) []byte {
	return binary.BigEndian.AppendUint64(appendShort(s.prefix(buf, spaceResults), node), number)
}

// appendShort appends a string of at most 255 bytes after its length.
func appendShort(buf []byte, s string) []byte {
	return append(append(buf, byte(len(s))), s...)
}

// cutShort undoes appendShort.
func cutShort(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}

// cutDue takes an expiry key apart.
func (s schema) cutDue(key []byte) (expires uint64, scope, word string, err error) {
	rest := key[prefixSize:]
	if len(rest) < 8 {
		return 0, "", "", fmt.Errorf("%w: an expiry key of %d bytes", ErrDamaged, len(key))
	}
	scope, word2, ok := cutShort(rest[8:])
	if !ok || len(word2) == 0 || len(word2) > link.MaxKey {
		return 0, "", "", fmt.Errorf("%w: an expiry key without a scope and a word", ErrDamaged)
	}
	return binary.BigEndian.Uint64(rest), scope, string(word2), nil
}

// checkRow says whether a replicated row could have been written by this package: its key is well-formed and belongs to
// the group, and its value decodes strictly. The values of links are left to whoever has to decode them anyway.
func (s schema) checkRow(key, value []byte) error {
	if len(key) < prefixSize || binary.BigEndian.Uint32(key) != s.group {
		return fmt.Errorf("%w: a key outside group %d", ErrDamaged, s.group)
	}
	rest := key[prefixSize:]
	var ok bool
	var err error
	switch space := key[4]; space {
	case spaceScalars:
		ok = len(rest) == 0
		_, err = decodeScalars(value)
	case spaceLinks:
		ok = len(rest) == 8 && binary.BigEndian.Uint64(rest) <= uint64(link.MaxID)
	case spaceSlugs:
		ok = len(rest) > 0 && len(rest) <= link.MaxSlug && rest[0] != 0 // or it could be taken for an id
	case spaceOnces:
		_, word, cut := cutShort(rest)
		ok = cut && len(word) > 0 && len(word) <= link.MaxKey
		_, err = decodeOnce(value)
	case spaceOnceRows:
		_, rest, cut := cutShort(rest)
		word, rest, cut2 := cutShort(rest)
		ok = cut && cut2 && word != "" && len(rest) == 4
		_, err = decodeResult(value)
	case spaceOnceDue:
		_, _, _, err = s.cutDue(key)
		ok = len(value) == 0
	case spaceOrigins:
		ok = len(rest) > 0 && len(rest) <= maxNode
		_, err = decodeOrigin(value)
	case spaceResults:
		node, rest, cut := cutShort(rest)
		ok = cut && node != "" && len(rest) == 8 && binary.BigEndian.Uint64(rest) <= maxChunk
		err = checkChunk(value)
	case spaceTargets, spaceTimes, spaceOwned, spaceTags, spaceDue:
		_, ok = cutIndex(key)
		ok = ok && len(value) == 0
	case spaceOwnerSums, spaceTagSums:
		ok = checkSumKey(space, rest)
		_, err = decodeSum(value)
	case spaceKeyHashes:
		ok = len(rest) == len(access.Hash{}) && keyShelf.takes(string(value))
	case spaceOwnedKeys:
		owner, id, cut := cutShort(rest)
		ok = cut && owner != "" && len(owner) <= access.MaxID && keyShelf.takes(string(id)) && len(value) == 0
	case spaceKeys, spaceUsers, spaceDenied, spaceReports:
		ok, err = checkShelf(space, string(rest), value)
	case spaceVisitHours, spaceVisitDays, spaceVisitMonths, spaceVisitTotals, spaceVisitMarks, spaceVisitRolled:
		ok, err = true, checkVisits(key, value)
	default:
		return fmt.Errorf("%w: a row in key space %d", ErrFormat, space)
	}
	if !ok && err == nil {
		err = fmt.Errorf("%w: a malformed key or value in key space %d", ErrDamaged, key[4])
	}
	return err
}
