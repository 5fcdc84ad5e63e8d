package peer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
	"tinyurl/cluster/transport/memnet"
)

const (
	idA = member.ID("a-000001")
	idB = member.ID("b-000002")
	idC = member.ID("c-000003")

	secretOne = "the first secret of this cluster, long enough"
	secretTwo = "the second secret of this cluster, long enough"
)

var (
	clusterOne = member.Founding([]member.ID{idA, idB}, 0)
	errTaken   = errors.New("it is taken")
	errRetry   = errors.New("try again")
	codes      = Codes{"taken": errTaken, "retry": errRetry}
)

// world is a network and what gossip would know of it.
type world struct {
	net *memnet.Network

	mu    sync.Mutex
	where map[member.ID]string
}

func newWorld() *world { return &world{net: memnet.New(), where: map[member.ID]string{}} }

func (w *world) Resolve(id member.ID) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr, ok := w.where[id]; ok {
		return addr, nil
	}
	return "", errors.New("gossip knows nothing of it")
}

func (w *world) move(id member.ID, addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.where[id] = addr
}

// node is one node's calls, both ways.
type node struct {
	id       member.ID
	addr     string
	cluster  atomic.Pointer[member.ClusterID]
	dials    atomic.Int64
	logs     syncBuffer
	mux      *Mux
	client   *Client
	listener *transport.Listener
	dialer   *transport.Dialer
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start opens a node of clusterOne.
func (w *world) start(t *testing.T, id member.ID, secret string, change func(*MuxConfig, *ClientConfig)) *node {
	t.Helper()
	s, err := identity.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := identity.NewAuthority(identity.Config{ID: id, Secrets: []identity.Secret{s}, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{id: id, addr: id.Name() + ":7947"}
	n.cluster.Store(&clusterOne)
	log := slog.New(slog.NewTextHandler(&n.logs, nil))
	cluster := func() member.ClusterID { return *n.cluster.Load() }
	n.dialer = &transport.Dialer{Authority: authority, Resolver: w, DialContext: w.net.Dialer(n.addr), Logger: log}
	mc := MuxConfig{ClusterID: cluster, Codes: codes, Logger: log}
	cc := ClientConfig{ClusterID: cluster, Codes: codes, Dial: func(ctx context.Context, to member.ID) (net.Conn, error) {
		n.dials.Add(1)
		return n.dialer.DialRPC(ctx, to)
	}}
	if change != nil {
		change(&mc, &cc)
	}
	if n.mux, err = NewMux(mc); err != nil {
		t.Fatal(err)
	}
	if n.client, err = NewClient(cc); err != nil {
		t.Fatal(err)
	}
	bound, err := w.net.Listen(n.addr)
	if err != nil {
		t.Fatal(err)
	}
	n.listener, err = transport.Listen(transport.ListenerConfig{Listener: bound, Authority: authority, Handler: n.mux, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	w.move(id, n.addr)
	return n
}

func (n *node) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(n.client.Close(), n.listener.Close()); err != nil {
		t.Error(err)
	}
}

// duo is a caller and a node that answers.
func duo(t *testing.T, change func(*MuxConfig, *ClientConfig)) (w *world, a, b *node) {
	t.Helper()
	w = newWorld()
	return w, w.start(t, idA, secretOne, change), w.start(t, idB, secretOne, change)
}

// echoed answers with what it is asked.
func echoed(_ context.Context, _ member.ID, b []byte) ([]byte, error) { return b, nil }

func ask(ctx context.Context, from *node, to member.ID, name, text string, opts ...Option) (string, error) {
	b, err := Call(ctx, from.client, to, name, Bytes(), []byte(text), opts...)
	return string(b), err
}
