package store

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// rows reads many links. In the order of their keys, by one iterator that only goes forward, they cost a fraction of as many
// look-ups.
type rows struct {
	it     *pebble.Iterator
	schema schema
	codec  *link.Codec
	keys   []byte // of wanted, one behind the other
	wanted []wantedRow
	links  []link.Link
}

// wantedRow is a link that is read: the one of spots[number], with its key in keys.
type wantedRow struct{ number, from, to int }

// newRows is for the links there are in at. It must be closed.
func newRows(at pebble.Reader, s schema, codec *link.Codec) (*rows, error) {
	lower, _ := s.spaceBounds(spaceLinks)
	_, upper := s.spaceBounds(spaceSlugs)
	it, err := at.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, explain(err)
	}
	return &rows{it: it, schema: s, codec: codec}, nil
}

func (r *rows) close() error { return r.it.Close() }

// read gives the living links at spots, in their order. They are good until it is called again. That one is not there is
// damage.
func (r *rows) read(spots []spot) ([]link.Link, error) {
	r.keys, r.wanted, r.links = r.keys[:0], r.wanted[:0], slices.Grow(r.links[:0], len(spots))[:len(spots)]
	for i, p := range spots {
		from := len(r.keys)
		r.keys = p.row(r.schema, r.keys)
		r.wanted = append(r.wanted, wantedRow{number: i, from: from, to: len(r.keys)})
	}
	slices.SortFunc(r.wanted, func(a, b wantedRow) int { return bytes.Compare(r.keys[a.from:a.to], r.keys[b.from:b.to]) })
	for _, w := range r.wanted {
		c := spots[w.number].code(r.codec)
		found, err := r.at(r.keys[w.from:w.to], c)
		if err != nil {
			return nil, astray(c, err)
		}
		r.links[w.number] = found
	}
	return r.links, nil
}

// at reads the row with a key.
func (r *rows) at(key []byte, c link.Code) (link.Link, error) {
	if !r.it.SeekGE(key) || !bytes.Equal(r.it.Key(), key) {
		if err := r.it.Error(); err != nil {
			return link.Link{}, explain(err)
		}
		return link.Link{}, link.ErrNotFound
	}
	value, err := r.it.ValueAndErr()
	if err != nil {
		return link.Link{}, explain(err)
	}
	return linkOf(value, c)
}
