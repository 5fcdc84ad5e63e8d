package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/test/bubble"
)

// rpcClient is an HTTP/2 client from one node to another.
func rpcClient(from *node, to member.ID) *http.Transport {
	p := new(http.Protocols)
	p.SetHTTP2(true)
	return &http.Transport{
		Protocols: p,
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			addr, err := from.dialer.Resolver.Resolve(to)
			if err != nil {
				return nil, err
			}
			raw, err := from.dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return tls.Client(raw, from.dialer.Authority.ClientTLS(to, ProtocolRPC)), nil
		},
	}
}

func TestOnePortServesRaftAndRPCByProtocol(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		sa, sb := a.stream(t, 0), b.stream(t, 0)
		go echo(sb)
		conn, err := sa.Dial("b-000002", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, conn, "raft")

		client := rpcClient(a, idB)
		for range 3 {
			r, err := client.RoundTrip(request(t, "https://b-000002/x"))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if string(body) != "HTTP/2.0 a-000001 <nil>" {
				t.Errorf("the handler saw %q", body)
			}
		}
		exchange(t, conn, "raft still")
		client.CloseIdleConnections()
		_, _ = sa.Close(), sb.Close()
		a.close(t)
		b.close(t)
	})
}

func request(t *testing.T, url string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// counted is the sum of a counter's values.
func counted(t *testing.T, registry *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestNothingButRaftAndHTTP2IsServed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		for _, protocols := range [][]string{{"http/1.1"}, {"tinyurl-raft/2"}, nil} {
			raw, err := a.dialer.DialContext(t.Context(), "tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			c := tls.Client(raw, a.config.Authority.ClientTLS(idB, protocols...))
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: b\r\n\r\n")
			if got, err := io.ReadAll(c); len(got) > 0 || err == nil {
				t.Errorf("%q: served %q, %v", protocols, got, err)
			}
			_ = raw.Close()
		}
		a.close(t)
		b.close(t)
	})
}

func TestAnotherSecretIsRefusedAndBothLogsSayWhy(t *testing.T) {
	for name, secrets := range map[string][2][]string{
		"the dialler does not trust the acceptor": {{secretTwo}, {secretOne}},
		"the acceptor does not trust the dialler": {{secretTwo, secretOne}, {secretOne}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a, b := w.start(idA, nil, secrets[0]...), w.start(idB, nil, secrets[1]...)
				sa, sb := a.stream(t, 0), b.stream(t, 0)
				for _, protocol := range []string{ProtocolRaft, ProtocolRPC} {
					if _, err := a.dialer.Dial(t.Context(), idB, protocol); !errors.Is(err, identity.ErrOtherSecret) {
						t.Errorf("%s: %v", protocol, err)
					}
				}
				if _, err := sa.Dial("b-000002", time.Second); !errors.Is(err, identity.ErrOtherSecret) {
					t.Errorf("stream: %v", err)
				}
				synctest.Wait()
				a.logs.want(t, "dialler", "another cluster secret")
				b.logs.want(t, "acceptor", "another cluster secret")
				_, _ = sa.Close(), sb.Close()
				a.close(t)
				b.close(t)
			})
		})
	}
}

func TestANodeThatMovedInAtAnAddressIsNotTakenForTheOther(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		w.move(idC, b.addr)
		for _, protocol := range []string{ProtocolRaft, ProtocolRPC} {
			if _, err := a.dialer.Dial(t.Context(), idC, protocol); !errors.Is(err, identity.ErrOtherNode) {
				t.Errorf("%s: %v", protocol, err)
			}
		}
		synctest.Wait()
		a.logs.want(t, "dialler", identity.ErrOtherNode.Error())
		a.close(t)
		b.close(t)
	})
}

func TestAComplaintIsLoggedNowAndThenWithItsCount(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		registry := prometheus.NewRegistry()
		a, b := w.start(idA, nil, secretTwo), w.start(idB, func(c *ListenerConfig) { c.Registerer = registry })
		for range 100 {
			_, _ = a.dialer.Dial(t.Context(), idB, ProtocolRaft)
		}
		synctest.Wait()
		if n := strings.Count(b.logs.String(), "handshake on the cluster listener failed"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		if got := counted(t, registry, "tinyurl_transport_handshakes_failed_total"); got != 100 {
			t.Errorf("%v failures counted", got)
		}
		time.Sleep(complainEvery)
		_, _ = a.dialer.Dial(t.Context(), idB, ProtocolRaft)
		synctest.Wait()
		b.logs.want(t, "acceptor", "repeated=99")
		a.logs.want(t, "dialler", "repeated=99")
		a.close(t)
		b.close(t)
	})
}

func TestASilentStrangerIsDroppedAfterTheHandshakeDeadline(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.start(idB, nil)
		c, err := w.net.Dialer("x:1")(t.Context(), "tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := io.ReadAll(c); err != nil || time.Since(start) != HandshakeTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_ = c.Close()
		b.close(t)
	})
}

func TestANodeThatSendsNoHeaderIsDroppedAfterTheHeaderDeadline(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, nil)
		c, err := a.dialer.Dial(t.Context(), idB, ProtocolRaft)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if got, _ := io.ReadAll(c); len(got) != 1 || time.Since(start) != HeaderTimeout {
			t.Errorf("read %q, closed after %v", got, time.Since(start))
		}
		synctest.Wait()
		b.logs.want(t, "acceptor", "raft connection was refused")
		_ = c.Close()
		a.close(t)
		b.close(t)
	})
}

func TestOpenConnectionsAreLimited(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(idA, nil), w.start(idB, func(c *ListenerConfig) { c.MaxConns = 2 })
		var open []net.Conn
		for range 2 {
			c, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
		}
		if _, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC); err == nil {
			t.Error("a third connection")
		}
		_ = open[0].Close()
		synctest.Wait()
		c, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC)
		if err != nil {
			t.Fatalf("after one closed: %v", err)
		}
		_, _ = c.Close(), open[1].Close()
		a.close(t)
		b.close(t)
	})
}

func TestCloseEndsConnectionsOfEveryKindAndLeavesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) { // the bubble fails when a goroutine stays
		w := newWorld(t)
		started, ended := make(chan struct{}), make(chan struct{})
		b := w.start(idB, func(c *ListenerConfig) {
			c.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(started)
				<-r.Context().Done()
				close(ended)
				panic(http.ErrAbortHandler) // a handler that only returned would have answered 200
			})
		})
		a := w.start(idA, nil)
		sa, sb := a.stream(t, 0), b.stream(t, 0)
		stranger, err := w.net.Dialer("x:1")(t.Context(), "tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		greeted, err := a.dialer.Dial(t.Context(), idB, ProtocolRaft) // and never a header
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := sa.Dial("b-000002", 0) // accepted by nobody
		if err != nil {
			t.Fatal(err)
		}
		client := rpcClient(a, idB)
		failed := make(chan error, 1)
		go func() {
			_, err := client.RoundTrip(request(t, "https://b-000002/x"))
			failed <- err
		}()
		<-started
		start := time.Now()
		_ = sb.Close()
		b.close(t)
		b.close(t)
		if time.Since(start) > time.Second {
			t.Errorf("Close took %v", time.Since(start))
		}
		<-ended // the handler had ended before Close returned
		if err := <-failed; err == nil {
			t.Error("a request survived")
		}
		for _, c := range []net.Conn{stranger, greeted, waiting} {
			if _, err := io.ReadAll(c); errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			_ = c.Close()
		}
		if _, err := a.dialer.Dial(t.Context(), idB, ProtocolRPC); err == nil {
			t.Error("dialled a closed listener")
		}
		client.CloseIdleConnections()
		_ = sa.Close()
		a.close(t)
	})
}

func TestListenReportsMetricsItCannotRegister(t *testing.T) {
	w := newWorld(t)
	registry := prometheus.NewRegistry()
	b := w.start(idB, func(c *ListenerConfig) { c.Registerer = registry })
	if _, err := Listen(b.config); err == nil {
		t.Error("the same metrics were registered twice")
	}
	b.close(t)
}
