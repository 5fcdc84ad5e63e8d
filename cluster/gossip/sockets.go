package gossip

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/hashicorp/memberlist"
)

// bindTries bounds the search for a port that is free for TCP and UDP both.
const bindTries = 10

// sockets is memberlist's own transport, whose outgoing connections end with
// ctx: else Close would wait for dead machines.
type sockets struct {
	*memberlist.NetTransport
	ctx context.Context
}

var _ memberlist.NodeAwareTransport = (*sockets)(nil)

func openSockets(ctx context.Context, host string, port int, logger *log.Logger) (*sockets, error) {
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
			return &sockets{t, ctx}, nil
		}
	}
	return nil, fmt.Errorf("listen for gossip: %w", err)
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
