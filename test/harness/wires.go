package harness

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// wires are the connections of in-process nodes to each other's cluster listeners. They can be cut and mended; gossip goes
// on its own way.
type wires struct {
	mu    sync.Mutex
	names map[string]string // node by the address of its cluster listener
	cut   map[string]bool   // nodes that nobody reaches and that reach nobody
	open  map[*wire]struct{}
}

// wire is one connection.
type wire struct {
	net.Conn
	from, to string
	all      *wires
}

func newWires() *wires {
	return &wires{names: make(map[string]string), cut: make(map[string]bool), open: make(map[*wire]struct{})}
}

// know tells whose an address is.
func (w *wires) know(address, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names[address] = name
}

// dialer is what a node dials others with.
func (w *wires) dialer(from string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		to := w.names[address]
		if w.cut[from] || w.cut[to] {
			_ = conn.Close()
			return nil, fmt.Errorf("the wire between %s and %s is cut", from, to)
		}
		one := &wire{Conn: conn, from: from, to: to, all: w}
		w.open[one] = struct{}{}
		return one, nil
	}
}

// Close closes the connection and forgets it.
func (c *wire) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// set cuts a node off, or mends its wires.
func (w *wires) set(name string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[name] = cut
	for one := range w.open {
		if cut && (one.from == name || one.to == name) {
			_ = one.Conn.Close()
		}
	}
}

// Cut separates an in-process node from all others on the cluster plane. Its HTTP listener and its gossip go on.
func (c *Cluster) Cut(n *Node) {
	c.tb.Helper()
	if !c.options.InProcess {
		c.tb.Fatal("only the wires of in-process nodes can be cut")
	}
	n.change(starting)
	c.wires.set(n.name, true)
}

// Mend ends what Cut began. The node counts as starting until WaitCurrent.
func (c *Cluster) Mend(n *Node) { c.wires.set(n.name, false) }
