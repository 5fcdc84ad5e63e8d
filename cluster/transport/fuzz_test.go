package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	measure "runtime/metrics"
	"testing"
	"time"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/transport/memnet"
	"tinyurl/test/bubble"
)

// How a stranger, or a node of another version, comes to the listener before it says something unforeseen.
const (
	comesRaw    = iota // no TLS at all
	comesUnsent        // TLS, and no certificate
	comesAsRaft        // all of TLS, then in place of a header
	comesAsRPC         // all of TLS, then in place of HTTP/2
	comesKinds
)

// patienceOfRPC is above the listener's longest patience with HTTP/2: a connection that says nothing is kept for idleTimeout.
const patienceOfRPC = idleTimeout + time.Minute

// maxAllocated is what one connection of a stranger may cost, in bytes allocated in all; a quiet one costs a fifth of it.
const maxAllocated = 4 << 20

// FuzzFirstBytes says anything to the listener, at four depths. It must not panic, keep the connection past its deadlines, spend
// memory as it is told to, or leave anything running.
func FuzzFirstBytes(f *testing.F) {
	for kind := range byte(comesKinds) {
		f.Add(kind, []byte{})
		f.Add(kind, []byte("GET / HTTP/1.1\r\n\r\n"))
		f.Add(kind, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
		f.Add(kind, []byte("\x16\x03\x01\xff\xff\x01\x00\xff\xff\x03\x03"))
		f.Add(kind, append(encoded(f, header{0, clusterID, idA, idB}), "\x00\x00"...))
		f.Add(kind, append(encoded(f, header{0, clusterID, idA, idC}), bytes.Repeat([]byte{0xff}, 300)...))
	}
	f.Fuzz(func(t *testing.T, kind byte, said []byte) {
		bubble.Test(t, func(t *testing.T) {
			before := allocated()
			l, authority, network := lonelyListener(t)
			patience := HandshakeTimeout + HeaderTimeout + time.Second
			if kind%comesKinds == comesAsRPC {
				patience = patienceOfRPC
			}
			conn := come(t, network, authority, kind%comesKinds)
			if conn != nil {
				speak(t, conn, said, patience)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if spent := allocated() - before; spent > maxAllocated+64*uint64(len(said)) {
				t.Errorf("%d bytes of memory for %d bytes said", spent, len(said))
			}
		})
	})
}

// lonelyListener is node B's, with one group, whose connections are echoed.
func lonelyListener(t *testing.T) (*Listener, *identity.Authority, *memnet.Network) {
	network := memnet.New()
	bound, err := network.Listen("b:1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(ListenerConfig{
		Listener: bound, Authority: authorityOf(t, idB, secretOne), Logger: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, io.LimitReader(r.Body, 1<<10)) }),
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Stream(0, clusterID, &Dialer{Authority: authorityOf(t, idB, secretOne)})
	if err != nil {
		t.Fatal(err)
	}
	go echo(s)
	t.Cleanup(func() { _ = s.Close() })
	return l, authorityOf(t, idA, secretOne), network
}

// come connects node A to node B; nil when it was refused on the way, as one without a certificate is at its first read.
func come(t *testing.T, network *memnet.Network, a *identity.Authority, kind byte) net.Conn {
	raw, err := network.Dialer("a:1")(t.Context(), "tcp", "b:1")
	if err != nil {
		t.Fatal(err)
	}
	var config *tls.Config
	switch kind {
	case comesRaw:
		return raw
	case comesUnsent:
		config = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{ProtocolRaft}} // a stranger does not care who answers
	case comesAsRaft:
		config = a.ClientTLS(idB, ProtocolRaft)
	default:
		config = a.ClientTLS(idB, ProtocolRPC)
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// speak says all of it, goes on listening, and wants the other side to hang up in time. A raft connection that was accepted is
// raft's, and has no end.
func speak(t *testing.T, conn net.Conn, said []byte, patience time.Duration) {
	defer conn.Close()
	go func() { _, _ = conn.Write(said) }() // the other side may stop reading
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, conn)
	good := encoded(t, header{0, clusterID, idA, idB})
	if errors.Is(err, os.ErrDeadlineExceeded) && !bytes.HasPrefix(said, good) {
		t.Errorf("after %v the connection is still open", patience)
	}
}

// allocated is the memory this process has ever allocated, in bytes.
func allocated() uint64 {
	sample := []measure.Sample{{Name: "/gc/heap/allocs:bytes"}}
	measure.Read(sample)
	return sample[0].Value.Uint64()
}
