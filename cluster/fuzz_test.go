package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/member"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// peerResponse is a response whose deadlines can be set, as those of HTTP/2 can.
type peerResponse struct{ *httptest.ResponseRecorder }

func (peerResponse) SetReadDeadline(time.Time) error  { return nil }
func (peerResponse) SetWriteDeadline(time.Time) error { return nil }

// silentPeers answers nothing.
type silentPeers struct{}

func (silentPeers) Promise(context.Context, member.ID, forming.Proposal) (forming.Answer, error) {
	return "", errors.New("nobody")
}

func (silentPeers) Release(context.Context, member.ID, forming.Proposal) error {
	return errors.New("nobody")
}

func (silentPeers) Form(context.Context, member.ID, forming.Proposal) error {
	return errors.New("nobody")
}

// memoryPromise keeps a promise without a disk.
type memoryPromise struct{ data []byte }

func (p *memoryPromise) Name() string           { return "memory" }
func (p *memoryPromise) Load() ([]byte, error)  { return p.data, nil }
func (p *memoryPromise) Save(data []byte) error { p.data = data; return nil }

// FuzzCallsToANewNode makes any call with any body to a node that belongs to no cluster yet: it never panics, and gives no call of a
// member a body to work on.
func FuzzCallsToANewNode(f *testing.F) {
	calls := []string{callPropose, callIndex, callStats, callJoin, callAdmit, callRemove, callPromise, callRelease, callForm}
	for i := range calls {
		f.Add(byte(i), []byte(`{}`), "")
		f.Add(byte(i), []byte(`{"id":"n1-000001","set":["a-000001","n1-000001"],"attempt":"1"}`), strings.Repeat("0", 32))
		f.Add(byte(i), []byte(`null`), "x")
	}
	f.Fuzz(func(t *testing.T, call byte, body []byte, cluster string) {
		var said bytes.Buffer
		n := &Node{config: Config{Environment: Environment{Logger: slog.New(slog.NewTextHandler(&said, nil))}}.withDefaults()}
		n.record.ID = "n1-000001"
		former, err := forming.New(forming.Config{
			Self: n.record.ID, Expect: 2, Store: &memoryPromise{}, Peers: silentPeers{}, View: func() []member.Member { return nil },
			Logger: n.log(), Now: time.Now, Rand: rand.Reader,
		})
		if err != nil {
			t.Fatal(err)
		}
		mux, err := newMux(n, former)
		if err != nil {
			t.Fatal(err)
		}
		name := calls[int(call)%len(calls)]
		r := httptest.NewRequest("POST", "/rpc/v1/"+name, bytes.NewReader(body))
		r.Header["Tinyurl-Cluster"] = []string{cluster}
		leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "a-000001"}, DNSNames: []string{"a-000001"}}
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
		w := peerResponse{httptest.NewRecorder()}
		mux.ServeHTTP(w, r)
		if strings.Contains(said.String(), "panicked") {
			t.Fatalf("%s with %q: %s", name, body, said.String())
		}
		if w.Code == 200 && name != callPromise && name != callRelease && name != callForm {
			t.Fatalf("%s was answered by a node without a cluster: %s", name, w.Body)
		}
	})
}

// FuzzProposeReply reads any answer of a leader to a batch: what is read is what is written again.
func FuzzProposeReply(f *testing.F) {
	codec := proposeCodec()
	good, err := codec.EncodeResponse(proposed{index: 7, results: []command.Result{{Link: link.Link{Code: "abc", Fields: link.Fields{Target: "http://a"}}}, {Err: link.ErrSlugTaken}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:9])
	f.Add([]byte("1234567"))
	same := cmp.Options{cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) }), cmpopts.EquateEmpty(), cmp.AllowUnexported(proposed{})}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := codec.DecodeResponse(data)
		if err != nil {
			return
		}
		again, err := codec.EncodeResponse(p)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := codec.DecodeResponse(again); err != nil || !cmp.Equal(p, back, same) {
			t.Fatalf("read again: %v\n%s", err, cmp.Diff(p, back, same))
		}
	})
}
