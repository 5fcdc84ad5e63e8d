package store

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"tinyurl/fsm/link"
)

// hotLinks keeps the routes of living links that were looked up lately, so that looking them up again needs neither the
// engine nor a lock nor memory. Tombstones and absence are not kept, nor links that no visit follows by what is known here. A
// nil *hotLinks holds nothing and takes nothing in.
//
// It never holds a row that the engine does not hold at that moment:
//
//   - A commit that changes living links makes epoch odd, removes those links, hands its rows to the engine and makes
//     epoch even again, in this order; then it publishes its position.
//   - A look-up reads epoch before it reads the engine. What it found is taken in only if epoch was even and is still
//     the same: no row has changed since. This is decided under the lock of the set that the link goes to.
//   - A set's lock is taken for a removal too. So a link that was taken in by a reader who saw epoch as it was before
//     the commit is there when the commit comes to remove it; and once it has been, epoch is seen to have moved under
//     that lock, and nothing read before the commit is taken in any more.
//
// Hence nothing stale can stay, and the order of what a reader sees is the engine's own: who has seen a link's new row,
// or knows that a position was published, finds the new row here or goes to the engine for it. A new link needs nothing
// of this, for no row of it was there to be kept.
type hotLinks struct {
	seed  maphash.Seed
	sets  []hotSet      // a link has its place in one of them
	epoch atomic.Uint64 // odd while living links are being changed; only the writer moves it
}

// newHotLinks makes room for links in at most so many bytes, but for one set at least.
func newHotLinks(bytes int64) *hotLinks {
	return &hotLinks{seed: maphash.MakeSeed(), sets: make([]hotSet, max(1, bytes/(hotSetSize+hotRoom*hotUnit)))}
}

// find gives the route of a code, if it is kept.
func (h *hotLinks) find(c link.Code) (link.Route, bool) {
	if h == nil {
		return link.Route{}, false
	}
	set, tag := h.place(c)
	_, found := set.find(c, tag)
	if found == nil {
		return link.Route{}, false
	}
	if !found.used.Load() { // all readers of a link would wait for each other if they wrote every time
		found.used.Store(true)
	}
	return found.route(), true
}

// moment is what keep has to be told. It is asked for before the link is looked for in the engine.
func (h *hotLinks) moment() (epoch uint64) {
	if h == nil {
		return 0
	}
	return h.epoch.Load()
}

// keep takes the route of a living link in that was read from the engine after the moment since, unless a row may have changed
// meanwhile.
func (h *hotLinks) keep(c link.Code, r link.Route, since uint64) {
	if h == nil || since%2 != 0 || r.Limited || r.Disabled || hotUnits(len(c)+len(r.Target)) > hotRoom {
		return
	}
	fresh, err := newHotLink(c, r)
	if err != nil {
		return
	}
	set, tag := h.place(c)
	set.lock.Lock()
	defer set.lock.Unlock()
	if h.epoch.Load() != since {
		return
	}
	if _, found := set.find(c, tag); found == nil {
		set.add(fresh, tag)
	}
}

// beginChange removes the links that are about to change. Nothing is taken in until endChange.
func (h *hotLinks) beginChange(codes []link.Code) {
	if h == nil {
		return
	}
	h.epoch.Add(1)
	for _, c := range codes {
		set, tag := h.place(c)
		set.lock.Lock()
		if way, found := set.find(c, tag); found != nil {
			set.remove(way)
		}
		set.lock.Unlock()
	}
}

// endChange says that the engine has the new rows.
func (h *hotLinks) endChange() {
	if h != nil {
		h.epoch.Add(1)
	}
}

// place says in which set a code belongs, and by which tag, never 0, it is found there.
func (h *hotLinks) place(c link.Code) (set *hotSet, tag byte) {
	hash := maphash.String(h.seed, string(c))
	index, _ := bits.Mul64(hash, uint64(len(h.sets)))
	return &h.sets[index], max(1, byte(hash))
}
