package store

import (
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

const (
	// maxFound bounds the links with one target that Find looks at: a bulk of creates has Apply do this a thousand times.
	maxFound = 256
	// maxWalks is how many walks a batch remembers.
	maxWalks = 4096
)

// walk is what a batch has seen of the spots of an owner's links with one target. The engine keeps graves of those that were
// deleted, and goes over them one by one: they are passed once a batch, not once for everybody who looks for such a link.
type walk struct {
	spots []spot // all there are up to last, in order
	last  spot   // the last one that was seen; "" if none was
	whole bool   // there are no others
}

// change keeps a walk true when a spot is taken or left.
func (w *walk) change(p spot, added bool) {
	if !w.whole && p > w.last {
		return // it is still to be seen
	}
	i, there := slices.BinarySearch(w.spots, p)
	switch {
	case added && !there:
		w.spots = slices.Insert(w.spots, i, p)
	case !added && there:
		w.spots = slices.Delete(w.spots, i, i+1)
	}
	if len(w.spots) > maxFound {
		w.spots, w.last, w.whole = w.spots[:maxFound], w.spots[maxFound-1], false
	}
}

// retrace tells the walk that a spot belongs to that it comes or goes. key is that of any index.
func (b *Batch) retrace(key []byte, added bool) {
	if len(b.walks) == 0 || key[prefixSize-1] != spaceTargets {
		return
	}
	if w := b.walks[string(key[:prefixSize+targetHash])]; w != nil {
		at, _ := cutIndex(key)
		w.change(spot(at), added)
	}
}

// walkOf gives the walk over the spots whose keys begin with prefix.
func (b *Batch) walkOf(prefix []byte) *walk {
	if w := b.walks[string(prefix)]; w != nil {
		return w
	}
	if b.walks == nil || len(b.walks) >= maxWalks {
		b.walks = make(map[string]*walk)
	}
	w := new(walk)
	b.walks[string(prefix)] = w
	return w
}

// Find gives the oldest living link of an owner's with a target for which same holds. At most 256 links with the target are
// looked at, the oldest ones; found is false if none of these is the same. The batch must not be changed by same.
func (b *Batch) Find(owner string, target link.Target, same func(link.Link) bool) (l link.Link, found bool, err error) {
	if err := b.usable(); err != nil {
		return link.Link{}, false, err
	}
	prefix := b.store.schema.targets(nil, owner, target)
	w := b.walkOf(prefix)
	var it *pebble.Iterator
	defer func() {
		if it != nil {
			if closeErr := it.Close(); err == nil && closeErr != nil {
				l, found, err = link.Link{}, false, b.fail(closeErr)
			}
		}
	}()
	for i := range maxFound {
		if i == len(w.spots) && !w.whole {
			if it, err = b.step(w, it, prefix); err != nil {
				return link.Link{}, false, err
			}
		}
		if i == len(w.spots) {
			break
		}
		c := w.spots[i].code(b.next.codec)
		l, err := b.Link(c)
		if err != nil {
			return link.Link{}, false, b.fail(astray(c, err))
		}
		if l.Owner == owner && l.Target == target && same(l) {
			return l, true, nil
		}
	}
	return link.Link{}, false, nil
}

// step has a walk see one more spot, if there is one. it is the iterator of the step before, or nil.
func (b *Batch) step(w *walk, it *pebble.Iterator, prefix []byte) (*pebble.Iterator, error) {
	var ok bool
	if it != nil {
		ok = it.Next()
	} else {
		if err := b.flushPlaces(); err != nil {
			return nil, err
		}
		lower := prefix
		if w.last != "" {
			lower = append(append(prefix[:len(prefix):len(prefix)], w.last...), 0) // the first key behind it
		}
		var err error
		if it, err = b.rows.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(prefix)}); err != nil {
			return nil, b.fail(err)
		}
		ok = it.First()
	}
	if !ok {
		if err := it.Error(); err != nil {
			return it, b.fail(err)
		}
		w.whole = true
		return it, nil
	}
	at, err := spotAt(it)
	if err != nil {
		return it, b.fail(err)
	}
	w.last = spot(at)
	w.spots = append(w.spots, w.last)
	return it, nil
}
