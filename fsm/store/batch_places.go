package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// placeChanges are the places in indexes that a batch adds and removes. They count in the state's sums at once, but get to
// the engine late and in order: neighbours are taken in several times as fast as places from all over, and all but a few
// are of no interest to the batch itself.
type placeChanges struct {
	keys []byte // of all changes, one behind the other
	all  [spaceDue - spaceTargets + 1][]placeChange
}

// maxUsedPlaces is how much room for keys is worth keeping, in bytes.
const maxUsedPlaces = 1 << 20

// placeChange is a change of the place whose key lies in keys from an offset up to another one.
type placeChange struct {
	order    uint64 // the first bytes of the key behind its prefix
	from, to uint32
	added    bool
}

// usedPlaces are placeChanges that are empty, with the room they once needed.
var usedPlaces = sync.Pool{New: func() any { return new(placeChanges) }}

func takePlaces() *placeChanges { return usedPlaces.Get().(*placeChanges) }

// release gives p back. It is not used any more.
func (p *placeChanges) release() {
	for i := range p.all {
		p.all[i] = p.all[i][:0]
	}
	if p.keys = p.keys[:0]; cap(p.keys) <= maxUsedPlaces {
		usedPlaces.Put(p)
	}
}

// size is about what the changes take in a batch of the engine's, in bytes.
func (p *placeChanges) size() int {
	size := len(p.keys)
	for _, changes := range p.all {
		size += 4 * len(changes)
	}
	return size
}

// note keeps a change. key is copied.
func (p *placeChanges) note(key []byte, added bool) {
	c := placeChange{order: binary.BigEndian.Uint64(key[prefixSize:]), from: uint32(len(p.keys)), added: added}
	p.keys = append(p.keys, key...)
	c.to = uint32(len(p.keys))
	of := &p.all[key[prefixSize-1]-spaceTargets]
	*of = append(*of, c)
}

// flush hands all changes to rows, those of one place in the order they were made in.
func (p *placeChanges) flush(rows *pebble.Batch) error {
	for i, changes := range p.all {
		slices.SortFunc(changes, p.compare)
		for _, c := range changes {
			var err error
			if c.added {
				err = rows.Set(p.key(c), nil, nil)
			} else {
				err = rows.Delete(p.key(c), nil)
			}
			if err != nil {
				return err
			}
		}
		p.all[i] = changes[:0]
	}
	p.keys = p.keys[:0]
	return nil
}

// compare puts changes in the order of their keys, and those of one key in that of time.
func (p *placeChanges) compare(a, b placeChange) int {
	if a.order != b.order { // as nearly always
		return cmp.Compare(a.order, b.order)
	}
	return cmp.Or(bytes.Compare(p.key(a), p.key(b)), cmp.Compare(a.from, b.from))
}

func (p *placeChanges) key(c placeChange) []byte { return p.keys[c.from:c.to] }

// flushPlaces makes the batch's changes of places readable through it.
func (b *Batch) flushPlaces() error {
	if err := b.places.flush(b.rows); err != nil {
		return b.fail(err)
	}
	return nil
}
