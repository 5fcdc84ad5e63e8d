//go:build linux

package partition

import (
	"maps"
	"sync"

	"tinyurl/test/partition/fabric"
)

// wire is one direction between two nodes; with a port only what goes from or to it.
type wire struct {
	from, to string
	port     int
}

// spoilt is what a fault does to wires.
type spoilt map[wire]fabric.Quality

// wires are the network between the nodes under any number of faults at once.
type wires struct {
	fabric *fabric.Fabric

	mu     sync.Mutex
	next   int
	faults map[int]spoilt
}

// spoil adds a fault. The function it returns takes it away again.
func (w *wires) spoil(s spoilt) (mend func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	number := w.next
	if w.faults == nil {
		w.faults = make(map[int]spoilt)
	}
	w.faults[number] = maps.Clone(s)
	w.apply()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.faults, number)
		w.apply()
	}
}

// apply makes the fabric what the faults together say. A rule of a port hides that of its whole wire, so it gets both.
func (w *wires) apply() {
	all := make(spoilt)
	for _, s := range w.faults {
		for at, q := range s {
			all[at] = worse(all[at], q)
		}
	}
	w.fabric.Heal()
	for at, q := range all {
		if at.port == 0 {
			w.fabric.Set(at.from, at.to, q)
		} else {
			w.fabric.SetPort(at.from, at.to, at.port, worse(q, all[wire{at.from, at.to, 0}]))
		}
	}
}

// worse is a wire that has both faults.
func worse(a, b fabric.Quality) fabric.Quality {
	either := func(p, q float64) float64 { return 1 - (1-p)*(1-q) }
	return fabric.Quality{
		Cut: a.Cut || b.Cut, Delay: a.Delay + b.Delay, Jitter: a.Jitter + b.Jitter,
		Loss: either(a.Loss, b.Loss), Duplicate: either(a.Duplicate, b.Duplicate), Reorder: either(a.Reorder, b.Reorder),
	}
}

// cut is all that goes from one to the others.
func cut(from string, to ...string) spoilt {
	s := make(spoilt)
	for _, other := range to {
		if other != from {
			s[wire{from, other, 0}] = fabric.Quality{Cut: true}
		}
	}
	return s
}

// apart cuts both ways between two sets of nodes.
func apart(some, others []string) spoilt {
	s := make(spoilt)
	for _, a := range some {
		maps.Copy(s, cut(a, others...))
	}
	for _, b := range others {
		maps.Copy(s, cut(b, some...))
	}
	return s
}

// between gives every direction between nodes what quality says.
func between(nodes []string, port int, quality func() fabric.Quality) spoilt {
	s := make(spoilt)
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b {
				s[wire{a, b, port}] = quality()
			}
		}
	}
	return s
}
