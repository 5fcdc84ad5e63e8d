package gossip

import (
	"context"
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// bindTries bounds the search for a port that is free for TCP and UDP both.
const bindTries = 10

// sockets is memberlist's own transport, with limits: outgoing connections end
// with ctx, else Close would wait for dead machines, and inbound ones come
// through the gate.
type sockets struct {
	*memberlist.NetTransport
	ctx     context.Context
	gate    *gate
	streams chan net.Conn // through the gate, to memberlist

	closing chan struct{} // closed: nobody takes streams any more
	down    chan struct{} // closed: none come any more
	once    sync.Once     // of Shutdown
	work    sync.WaitGroup
}

var _ memberlist.NodeAwareTransport = (*sockets)(nil)

func openSockets(ctx context.Context, host string, port int, logger *log.Logger, g *gate) (*sockets, error) {
	tries := 1
	if port == 0 {
		tries = bindTries // the kernel picks a free TCP port, which UDP may not have
	}
	var err error
	for range tries {
		var t *memberlist.NetTransport
		t, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{host}, BindPort: port, Logger: logger,
		})
		if err == nil {
			s := &sockets{
				NetTransport: t, ctx: ctx, gate: g, streams: make(chan net.Conn),
				closing: make(chan struct{}), down: make(chan struct{}),
			}
			s.work.Go(s.pass)
			return s, nil
		}
	}
	return nil, fmt.Errorf("listen for gossip: %w", err)
}

// pass takes streams through the gate until none come any more: the listener
// waits for each to be taken, even when it is to shut down.
func (s *sockets) pass() {
	for {
		select {
		case conn := <-s.NetTransport.StreamCh():
			admitted := s.gate.admit(conn)
			if admitted == nil {
				continue
			}
			select {
			case s.streams <- admitted:
			case <-s.closing:
				_ = admitted.Close()
			}
		case <-s.down:
			return
		}
	}
}

// StreamCh implements memberlist.Transport.
func (s *sockets) StreamCh() <-chan net.Conn { return s.streams }

// Shutdown implements memberlist.Transport. It ends the inbound streams.
func (s *sockets) Shutdown() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		s.gate.close()
		err = s.NetTransport.Shutdown()
		close(s.down)
		s.work.Wait()
	})
	return err
}

// DialTimeout implements memberlist.Transport.
func (s *sockets) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(s.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &endingConn{conn, context.AfterFunc(s.ctx, func() { _ = conn.Close() })}, nil
}

// DialAddressTimeout implements memberlist.NodeAwareTransport.
func (s *sockets) DialAddressTimeout(addr memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return s.DialTimeout(addr.Addr, timeout)
}

// endingConn is closed when its context ends.
type endingConn struct {
	net.Conn
	stop func() bool
}

// Close closes the connection.
func (c *endingConn) Close() error {
	c.stop()
	return c.Conn.Close()
}
