package transport

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport/memnet"
)

const (
	idA = member.ID("a-000001")
	idB = member.ID("b-000002")
	idC = member.ID("c-000003")

	secretOne = "the first secret of this cluster, long enough"
	secretTwo = "the second secret of this cluster, long enough"
)

var clusterID = member.Founding([]member.ID{idA, idB, idC}, 0)

// world is a network with the nodes of a test.
type world struct {
	t   *testing.T
	net *memnet.Network

	mu    sync.Mutex
	where map[member.ID]string
	next  chan struct{} // closed when a node moves
}

func newWorld(t *testing.T) *world {
	return &world{t: t, net: memnet.New(), where: map[member.ID]string{}, next: make(chan struct{})}
}

// Resolve makes the world the Resolver of its nodes.
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
	close(w.next)
	w.next = make(chan struct{})
}

// changed is what a Dialer hears of moves by.
func (w *world) changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// node is one node's side of the cluster plane.
type node struct {
	id       member.ID
	addr     string
	logs     *logs
	config   ListenerConfig
	listener *Listener
	dialer   *Dialer
}

// start opens a node of the given secrets at an address of its own.
func (w *world) start(id member.ID, change func(*ListenerConfig), secrets ...string) *node {
	w.t.Helper()
	if len(secrets) == 0 {
		secrets = []string{secretOne}
	}
	n := &node{id: id, addr: id.Name() + ":7947", logs: &logs{}}
	bound, err := w.net.Listen(n.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(n.logs, nil))
	n.config = ListenerConfig{
		Listener: bound, Authority: authorityOf(w.t, id, secrets...), Logger: log,
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			peer, err := identity.PeerID(*r.TLS)
			fmt.Fprintf(rw, "%s %s %v", r.Proto, peer, err)
		}),
	}
	if change != nil {
		change(&n.config)
	}
	if n.listener, err = Listen(n.config); err != nil {
		w.t.Fatal(err)
	}
	n.dialer = &Dialer{Authority: n.config.Authority, Resolver: w, Changed: w.changed, DialContext: w.net.Dialer(n.addr), Logger: log}
	w.move(id, n.addr)
	return n
}

func authorityOf(t *testing.T, id member.ID, secrets ...string) *identity.Authority {
	t.Helper()
	var parsed []identity.Secret
	for _, s := range secrets {
		p, err := identity.ParseSecret(s)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, p)
	}
	a, err := identity.NewAuthority(identity.Config{ID: id, Secrets: parsed, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (n *node) close(t *testing.T) {
	t.Helper()
	if err := n.listener.Close(); err != nil {
		t.Errorf("closing %s: %v", n.id, err)
	}
}

func (n *node) stream(t *testing.T, group uint32) *Stream {
	t.Helper()
	s, err := n.listener.Stream(group, clusterID, n.dialer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// logs collects what a node logs.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) want(t *testing.T, who, text string) {
	t.Helper()
	if got := l.String(); !strings.Contains(got, text) {
		t.Errorf("the log of the %s does not say %q:\n%s", who, text, got)
	}
}

// echo answers every connection of a stream with what it is sent, until the stream closes.
func echo(s *Stream) {
	for {
		c, err := s.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}()
	}
}

// exchange sends text over an echoing connection and wants it back.
func exchange(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Error(err)
		return
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Errorf("got %q, %v", got, err)
	}
}
