package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
)

// What a connection of the cluster plane speaks, by ALPN.
const (
	// ProtocolRaft: a group header, then raft's own frames.
	ProtocolRaft = "tinyurl-raft/1"
	// ProtocolRPC: HTTP/2, package peer.
	ProtocolRPC = "h2"
)

// ConnectTimeout is the default for dialling and handshaking together.
const ConnectTimeout = 3 * time.Second

// Resolver knows where nodes are at this moment; gossip does.
type Resolver interface {
	// Resolve is the host:port to dial for a node, or an error when nothing is known of it.
	Resolve(id member.ID) (hostport string, err error)
}

// Dialer opens connections to nodes by id. All fields are set before first use and then left alone.
type Dialer struct {
	Authority *identity.Authority
	Resolver  Resolver
	// Changed is closed at the next change of what Resolver knows; nil is never told of any.
	Changed func() <-chan struct{}
	// Missed hears of every node that was not reached, unless the caller gave up; it must not wait. Nil is silence.
	Missed func(id member.ID)
	// DialContext opens the connection below TLS; nil is a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Timeout bounds dial and handshake together; 0 is ConnectTimeout.
	Timeout time.Duration
	// Logger hears why nodes refuse each other, each reason now and then; nil is silence.
	Logger *slog.Logger

	refusals complaints
}

// Conn is a connection whose other side has spoken: both sides have checked both certificates, which in TLS 1.3 the
// handshake alone does not tell the dialler. The first byte waits to be read.
type Conn struct {
	*tls.Conn
	to     member.ID // that was dialled, and where; empty for a connection that was accepted
	place  string
	first  [1]byte
	unread bool // owned by the reader
}

// Read is that of the connection, the byte that was waited for included.
func (c *Conn) Read(b []byte) (int, error) {
	if c.unread && len(b) > 0 {
		c.unread = false
		b[0] = c.first[0]
		return 1, nil
	}
	return c.Conn.Read(b)
}

// goodbyeTimeout is how long Close may take to say goodbye to a side that does not read; TLS alone would give it 5 s.
const goodbyeTimeout = 250 * time.Millisecond

// Close says goodbye, if the other side listens, and closes the connection.
func (c *Conn) Close() error {
	impatient := time.AfterFunc(goodbyeTimeout, func() { _ = c.NetConn().Close() })
	defer impatient.Stop()
	return c.Conn.Close()
}

// DialRPC is Dial for package peer.
func (d *Dialer) DialRPC(ctx context.Context, to member.ID) (net.Conn, error) {
	conn, err := d.Dial(ctx, to, ProtocolRPC)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Dial connects to a node and to no other, speaking protocol. A node that cannot be found fails with ErrUnresolved, one that
// refuses or is refused with the identity package's sentinels, and nothing was processed in any of these cases. A node that
// moves meanwhile is dialled where it is now.
func (d *Dialer) Dial(ctx context.Context, to member.ID, protocol string) (*Conn, error) {
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = ConnectTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		addr, err := d.Resolver.Resolve(to)
		if err != nil {
			d.miss(ctx, to)
			return nil, fmt.Errorf("%w: %s: %w", ErrUnresolved, to, err)
		}
		there, end := d.whileAt(ctx, to, addr)
		conn, err := d.dial(there, addr, to, protocol)
		end()
		if err == nil {
			conn.to, conn.place = to, addr
			return conn, nil
		}
		if !errors.Is(context.Cause(there), errMoved) || ctx.Err() != nil {
			d.miss(ctx, to)
			return nil, d.explain(err, to, addr)
		}
	}
}

func (d *Dialer) miss(ctx context.Context, to member.ID) {
	if d.Missed != nil && !errors.Is(ctx.Err(), context.Canceled) {
		d.Missed(to)
	}
}

// dial connects, shakes hands and waits for the other side's first byte. In TLS 1.3 the dialler is done before the acceptor
// has looked at its certificate: only hearing from the acceptor shows that it did, and that it was content.
func (d *Dialer) dial(ctx context.Context, addr string, to member.ID, protocol string) (*Conn, error) {
	dial := d.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := &Conn{Conn: tls.Client(raw, d.Authority.ClientTLS(to, protocol))}
	// Closing what is below TLS ends the handshake and the read whatever they wait for, and cannot itself wait.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err = conn.HandshakeContext(ctx)
	if err == nil {
		_, err = conn.Conn.Read(conn.first[:])
		conn.unread = true
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return nil, err
	}
	return conn, nil
}

// explain names the reason and logs those a person has to act on.
func (d *Dialer) explain(err error, to member.ID, addr string) error {
	err = identity.Explain(err)
	for _, sentinel := range []error{
		identity.ErrOtherSecret, identity.ErrOtherNode, identity.ErrCertificateTime, identity.ErrRefused, identity.ErrNoProtocol,
		ErrOtherCluster, ErrNotAddressed, ErrUnknownGroup, ErrNotItself, ErrHeader,
	} {
		if errors.Is(err, sentinel) {
			d.refusals.warn(d.Logger, string(to)+sentinel.Error(), "a node of the cluster cannot be used",
				"node", to, "address", addr, "reason", sentinel, "error", err)
			break
		}
	}
	return fmt.Errorf("node %s at %s: %w", to, addr, err)
}
