package live

// leastRoom is how many items a ring makes room for at first.
const leastRoom = 16

// ring holds the newest items, in the order they came. It grows as it is filled.
type ring[T any] struct {
	most  int // of items, 1 or more; immutable
	items []T // all of it is room
	first int // where the oldest item is
	count int // how many there are
}

// put adds items, and tells how many were lost of those that were there and of those that came.
func (r *ring[T]) put(items []T) (lost int) {
	if len(items) == 0 {
		return 0 // there may be no room at all yet
	}
	if over := len(items) - r.most; over > 0 {
		items, lost = items[over:], over
	}
	if over := r.count + len(items) - r.most; over > 0 {
		r.drop(over)
		lost += over
	}
	r.makeRoom(r.count + len(items))
	end := (r.first + r.count) % len(r.items)
	n := copy(r.items[end:], items)
	copy(r.items, items[n:])
	r.count += len(items)
	return lost
}

// drop forgets the n oldest items.
func (r *ring[T]) drop(n int) {
	// Cleared, so that what they point to does not stay.
	tail := min(n, len(r.items)-r.first)
	clear(r.items[r.first : r.first+tail])
	clear(r.items[:n-tail])
	r.first = (r.first + n) % len(r.items)
	r.count -= n
}

// makeRoom makes room for n items, most or less.
func (r *ring[T]) makeRoom(n int) {
	if n <= len(r.items) {
		return
	}
	grown := make([]T, min(max(n, 2*len(r.items), leastRoom), r.most))
	r.copyTo(grown)
	r.items, r.first = grown, 0
}

// copyTo copies all items, oldest first, to where there is room for them.
func (r *ring[T]) copyTo(to []T) {
	tail := min(r.count, len(r.items)-r.first)
	copy(to, r.items[r.first:r.first+tail])
	copy(to[tail:], r.items[:r.count-tail])
}

// take takes all items out, oldest first; nil if there is none.
func (r *ring[T]) take() []T {
	if r.count == 0 {
		return nil
	}
	taken := make([]T, r.count)
	r.copyTo(taken)
	r.drop(r.count)
	return taken
}
