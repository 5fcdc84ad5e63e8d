package transport

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// Why the door lets a connection not in, in the words of the log.
var (
	errManyShake = errors.New("too many handshakes at once")
	errManyOpen  = errors.New("too many connections")
	errDisplaced = errors.New("too many handshakes at once, and this was the oldest")
)

// door keeps count of a listener's connections. Strangers and members of the cluster have places of their own: whoever has
// not shown a certificate can take places only from those who have not shown one either, and holds his for a moment alone.
// A handshake takes milliseconds, so where places are short the oldest goes, not the newcomer: else as many silent
// connections as there are places would keep everyone out.
type door struct {
	maxShaking   int // handshakes that run
	maxPerSource int // of them from one address that is not loopback
	maxInside    int // connections that shook hands

	mu      sync.Mutex // guards what follows
	shaking []*rawConn // handshakes that run, the oldest first
	inside  map[*rawConn]struct{}
	working int // handshakes that have not ended, displaced ones included
	shut    bool
}

// enter takes a place to shake hands in. Where there is none left, displaced is whose place it was, to be closed by the caller.
// It fails with net.ErrClosed, or errManyShake when displaced connections are not gone yet. After success end follows.
func (d *door) enter(c *rawConn) (displaced *rawConn, err error) {
	source, local := sourceOf(c.RemoteAddr())
	c.source = source
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return nil, net.ErrClosed
	}
	// The displaced end at once, but for a processor that is too busy to run them: their goroutines must not pile up.
	if d.working >= 2*d.maxShaking {
		return nil, errManyShake
	}
	if oldest := d.crowded(source, local); oldest >= 0 {
		displaced = d.shaking[oldest]
		d.shaking = slices.Delete(d.shaking, oldest, oldest+1)
	}
	d.shaking = append(d.shaking, c)
	d.working++
	return displaced, nil
}

// crowded is the index of the handshake that must end before another from source begins, -1 for none: the oldest of that
// source when it has its share, else the oldest of all when no place is left. The caller holds the lock.
func (d *door) crowded(source string, local bool) int {
	sameSource := func(c *rawConn) bool { return c.source == source }
	if !local {
		n := 0
		for _, c := range d.shaking {
			if sameSource(c) {
				n++
			}
		}
		if n >= d.maxPerSource {
			return slices.IndexFunc(d.shaking, sameSource)
		}
	}
	if len(d.shaking) >= d.maxShaking {
		return 0
	}
	return -1
}

// end is the end of a handshake. It fails with errDisplaced when the place was another's by then, with net.ErrClosed when the
// door is shut, and with errManyOpen when the handshake was good and nobody else may come in.
func (d *door) end(c *rawConn, good bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.working--
	if d.shut {
		return net.ErrClosed
	}
	at := slices.Index(d.shaking, c)
	if at < 0 {
		return errDisplaced
	}
	d.shaking = slices.Delete(d.shaking, at, at+1)
	if !good {
		return nil
	}
	if len(d.inside) >= d.maxInside {
		return errManyOpen
	}
	d.inside[c] = struct{}{}
	return nil
}

// leave gives the place of a connection that shook hands back.
func (d *door) leave(c *rawConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.inside, c)
}

// close lets nobody in from now on; all are those who must be closed by the caller.
func (d *door) close() (all []*rawConn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
	all = slices.Clone(d.shaking)
	for c := range d.inside {
		all = append(all, c)
	}
	return all
}

// sourceOf is the host of an address, and whether that is this machine. IPv6 addresses are told apart in full, though one
// stranger may have very many: the nodes of a cluster may share a prefix, and against many sources the oldest still goes.
func sourceOf(addr net.Addr) (host string, local bool) {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		host = addr.String()
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host, false
	}
	ip = ip.Unmap()
	return ip.String(), ip.IsLoopback()
}
