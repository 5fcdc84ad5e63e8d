package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// Defaults of ClientConfig.
const (
	MaxInFlightPerNode = 64
	DefaultTimeout     = 10 * time.Second
)

// How a dead node is noticed: after silence a ping is sent and must be answered. Together, and with the time a closed
// connection takes to be given up, less than 5 s.
const (
	pingAfter   = 2 * time.Second
	pingTimeout = 2 * time.Second
	idleTimeout = 5 * time.Minute // less than the listener's: see there
)

// ClientConfig is what a Client needs.
type ClientConfig struct {
	// Dial opens a connection to a node that speaks HTTP/2 over the cluster's TLS, both certificates checked by both sides;
	// transport.Dialer.DialRPC does. It is given a context without a deadline and has a timeout of its own.
	Dial func(ctx context.Context, to member.ID) (net.Conn, error)
	// ClusterID is the cluster this node is in now, zero for none.
	ClusterID func() member.ClusterID
	// Codes are the errors handlers return; the same table as the Mux's.
	Codes Codes
	// MaxInFlight calls go to one node at once; more wait, as long as their context. 0 is the default.
	MaxInFlight int
	// Timeout is for calls whose context has no deadline; 0 is the default.
	Timeout time.Duration
}

// Client calls other nodes, over one connection to each. It is safe for concurrent use.
type Client struct {
	cluster     func() member.ClusterID
	codes       Codes
	maxInFlight int
	timeout     time.Duration
	transport   *http.Transport

	ctx     context.Context // ends with the client
	cancel  context.CancelFunc
	dialing sync.WaitGroup

	mu     sync.Mutex // guards nodes and closed
	nodes  map[member.ID]*remote
	closed bool
}

// remote is one node as seen from here.
type remote struct {
	id    member.ID
	slots chan struct{} // one for each call in flight

	mu      sync.Mutex // guards everything below
	conn    *http.ClientConn
	dial    *dial // nil when none is going on
	retired []*http.ClientConn
	gone    bool // forgotten, or the client is closed: nothing is dialled any more
}

// dial is an attempt to connect that any number of calls wait for. Err and conn are written before done is closed.
type dial struct {
	done chan struct{}
	conn *http.ClientConn
	err  error
}

// NewClient is a client without connections; it fails with ErrInvalidCode.
func NewClient(c ClientConfig) (*Client, error) {
	codes, err := c.Codes.with()
	if err != nil {
		return nil, err
	}
	cl := &Client{cluster: c.ClusterID, codes: codes, maxInFlight: c.MaxInFlight, timeout: c.Timeout, nodes: map[member.ID]*remote{}}
	if cl.cluster == nil {
		cl.cluster = func() member.ClusterID { return member.ClusterID{} }
	}
	if cl.maxInFlight <= 0 {
		cl.maxInFlight = MaxInFlightPerNode
	}
	if cl.timeout <= 0 {
		cl.timeout = DefaultTimeout
	}
	cl.ctx, cl.cancel = context.WithCancel(context.Background())
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	// Dial returns connections past their TLS handshake. net/http takes one that is no *tls.Conn as it is, and speaks HTTP/2
	// on it if this is set; nothing is ever sent unencrypted, because Dial is the only way out.
	protocols.SetUnencryptedHTTP2(true)
	cl.transport = &http.Transport{
		Protocols: protocols,
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return c.Dial(ctx, member.ID(host))
		},
		HTTP2:              &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: pingAfter + pingTimeout},
		IdleConnTimeout:    idleTimeout,
		DisableCompression: true,
	}
	return cl, nil
}

// Call asks a node and waits for its answer, at most until the context's deadline. An error is one of: ErrUnreachable,
// ErrUnknown, this package's refusals (not processed), or what the handler returned, errors.Is telling it by the Codes.
func Call[Req, Resp any](ctx context.Context, c *Client, to member.ID, name string, codec Codec[Req, Resp], req Req, opts ...Option) (Resp, error) {
	var none Resp
	o := apply(opts)
	body, err := codec.EncodeRequest(req)
	if err != nil {
		return none, fmt.Errorf("calling %s: %w: %w", name, ErrMalformed, err)
	}
	if len(body) > o.maxBytes {
		return none, fmt.Errorf("calling %s: %w: %d bytes, at most %d are taken", name, ErrTooLarge, len(body), o.maxBytes)
	}
	out, err := c.do(ctx, to, name, body, o.maxBytes)
	if err != nil {
		return none, fmt.Errorf("calling %s of %s: %w", name, to, err)
	}
	resp, err := codec.DecodeResponse(out)
	if err != nil {
		return none, fmt.Errorf("calling %s of %s: %w: %w: %w", name, to, ErrUnknown, ErrMalformed, err)
	}
	return resp, nil
}

// do sends one request, and knows of every error whether it was sent.
func (c *Client) do(ctx context.Context, to member.ID, name string, body []byte, limit int) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	node, err := c.node(to)
	if err != nil {
		return nil, err
	}
	select {
	case node.slots <- struct{}{}:
		defer func() { <-node.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrOverloaded, ctx.Err())
	}
	conn, err := c.reserve(ctx, node)
	if err != nil {
		return nil, err
	}
	req, err := c.request(ctx, to, name, body)
	if err != nil {
		conn.Release()
		return nil, err
	}
	resp, err := conn.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return c.read(resp, limit)
}

// request is one call as HTTP.
func (c *Client) request(ctx context.Context, to member.ID, name string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+string(to)+path+name, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if cluster := c.cluster(); !cluster.IsZero() {
		req.Header.Set(headerCluster, cluster.String())
	}
	if deadline, ok := ctx.Deadline(); ok {
		// At least a millisecond: 0 would read as "as long as you like".
		req.Header.Set(headerTimeout, strconv.FormatInt(max(1, time.Until(deadline).Milliseconds()), 10))
	}
	return req, nil
}

// read is the answer's body, or its error. An answer without our header comes from something that is no Mux, and says nothing
// of what it did.
func (c *Client) read(resp *http.Response, limit int) ([]byte, error) {
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorText))
		codes := resp.Header.Get(headerError)
		if codes == "" {
			return nil, fmt.Errorf("%w: status %d %.200q, %w", ErrUnknown, resp.StatusCode, text, err)
		}
		return nil, c.codes.read(codes, string(text))
	}
	body, err := readAll(resp.Body, resp.ContentLength, limit)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the answer: %w", ErrUnknown, err)
	}
	return body, nil
}

// node is the remote of an id, made at its first call. Ids are few: those of the cluster's members, until Forget.
func (c *Client) node(id member.ID) (*remote, error) {
	if _, err := member.ParseID(string(id)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, ErrClosed)
	}
	n := c.nodes[id]
	if n == nil {
		n = &remote{id: id, slots: make(chan struct{}, c.maxInFlight)}
		c.nodes[id] = n
	}
	return n, nil
}

// reserve is a connection with room for one request, dialled if need be. Every error means that nothing was sent.
func (c *Client) reserve(ctx context.Context, n *remote) (*http.ClientConn, error) {
	for {
		d, conn, err := c.current(n)
		if conn != nil || err != nil {
			return conn, err
		}
		select {
		case <-d.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
		}
		if d.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, d.err)
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
	}
}

// current is a reserved connection, or the dial to wait for.
func (c *Client) current(n *remote) (*dial, *http.ClientConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil && n.conn.Reserve() == nil {
		return nil, n.conn, nil
	}
	if n.dial == nil {
		n.retire()
		if err := c.startDial(n); err != nil {
			return nil, nil, err
		}
	}
	return n.dial, nil, nil
}

// retire gives a connection up that takes no more requests: it broke, the other side is about to close it, or requests that
// were given up fill it. What is in flight on it may finish. The lock is held.
func (n *remote) retire() {
	if n.conn == nil {
		return
	}
	old := n.conn
	n.conn = nil
	n.retired = slices.DeleteFunc(n.retired, func(c *http.ClientConn) bool { return c.Err() != nil })
	n.retired = append(n.retired, old)
	closeIdle := func(c *http.ClientConn) {
		if c.InFlight() == 0 {
			_ = c.Close()
		}
	}
	old.SetStateHook(closeIdle)
	closeIdle(old)
}

// startDial connects on a goroutine of its own, so that the first caller's impatience is not everyone's. The node's lock
// is held.
func (c *Client) startDial(n *remote) error {
	if n.gone {
		return fmt.Errorf("%w: %w", ErrUnreachable, ErrClosed)
	}
	d := &dial{done: make(chan struct{})}
	n.dial = d
	c.dialing.Go(func() {
		d.conn, d.err = c.transport.NewClientConn(c.ctx, "https", net.JoinHostPort(string(n.id), "443"))
		n.mu.Lock()
		n.conn, n.dial = d.conn, nil
		n.mu.Unlock()
		close(d.done)
	})
	return nil
}

// Forget closes the connection to a node that left, and drops what is kept of it. A later call dials anew.
func (c *Client) Forget(id member.ID) {
	c.mu.Lock()
	n := c.nodes[id]
	delete(c.nodes, id)
	c.mu.Unlock()
	if n != nil {
		n.hangUp()
	}
}

// hangUp ends everything of a node, a dial in progress after its end.
func (n *remote) hangUp() {
	n.mu.Lock()
	n.gone = true
	d := n.dial
	n.mu.Unlock()
	if d != nil {
		<-d.done
	}
	n.mu.Lock()
	conns := n.retired
	if n.conn != nil {
		conns = append(conns, n.conn)
	}
	n.conn, n.retired = nil, nil
	n.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// Close ends every connection and call in flight; calls fail from then on. A second Close does nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	nodes := c.nodes
	c.nodes = map[member.ID]*remote{}
	c.mu.Unlock()
	c.cancel() // dials in progress fail
	for _, n := range nodes {
		n.hangUp()
	}
	c.dialing.Wait()
	return nil
}

// Unprocessed says whether a failed call surely had no effect, so that it may be repeated as it is.
func Unprocessed(err error) bool {
	if errors.Is(err, ErrUnknown) {
		return false
	}
	for _, sentinel := range []error{ErrUnreachable, ErrOverloaded, ErrOtherCluster, ErrNoSuchCall, ErrTooLarge, ErrMalformed} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}
