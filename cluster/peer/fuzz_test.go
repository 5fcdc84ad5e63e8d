package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tinyurl/cluster/member"
)

// patientRecorder is a response whose deadlines can be set, as those of HTTP/2 can.
type patientRecorder struct{ *httptest.ResponseRecorder }

func (patientRecorder) SetReadDeadline(time.Time) error  { return nil }
func (patientRecorder) SetWriteDeadline(time.Time) error { return nil }

// from is the state of a connection whose other side has proved to be id.
func from(id member.ID) *tls.ConnectionState {
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: string(id)}, DNSNames: []string{string(id)}}
	return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
}

// FuzzServe asks a Mux anything: every answer is a whole one, of a kind that a caller can tell, and no caller of another cluster gets
// past it.
func FuzzServe(f *testing.F) {
	f.Add("POST", path+"echo", clusterOne.String(), "1000", []byte("hello"), true)
	f.Add("POST", path+"json", clusterOne.String(), "", []byte(`{"n":1}`), true)
	f.Add("POST", path+"json", "", "-1", []byte(`{"n":`), true)
	f.Add("GET", path+"echo", clusterOne.String(), "9999999999999999999", []byte{}, true)
	f.Add("POST", path, "x", "", []byte{}, false)
	f.Add("POST", "/rpc/v2/echo", "x", "0", bytes.Repeat([]byte("a"), 100), true)
	f.Fuzz(func(t *testing.T, method, url, cluster, timeout string, body []byte, known bool) {
		reached := false
		mux, err := NewMux(MuxConfig{ClusterID: func() member.ClusterID { return clusterOne }, Codes: codes})
		if err != nil {
			t.Fatal(err)
		}
		Handle(mux, "echo", Bytes(), func(ctx context.Context, _ member.ID, b []byte) ([]byte, error) {
			reached = true
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > MaxDuration {
				t.Errorf("a call may run until %v", deadline)
			}
			return b, nil
		}, WithMaxBytes(64))
		Handle(mux, "json", JSON[struct{ N int }, struct{ N int }](), func(_ context.Context, _ member.ID, v struct{ N int }) (struct{ N int }, error) {
			reached = true
			return v, nil
		})
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Method, r.URL.Path = method, url
		r.Header[headerCluster], r.Header[headerTimeout] = []string{cluster}, []string{timeout}
		if known {
			r.TLS = from(idA)
		}
		w := patientRecorder{httptest.NewRecorder()}
		mux.ServeHTTP(w, r)
		allowed := known && cluster == clusterOne.String() && method == http.MethodPost && strings.HasPrefix(url, path)
		if reached && !allowed {
			t.Fatalf("%s %q of cluster %q reached a handler", method, url, cluster)
		}
		if reached && url == path+"echo" && (len(body) > 64 || w.Body.String() != string(body)) {
			t.Fatalf("%q was echoed as %q", body, w.Body)
		}
		checkRefusal(t, w.ResponseRecorder)
	})
}

// checkRefusal wants an error that the client's side can read.
func checkRefusal(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code == http.StatusOK {
		return
	}
	if w.Body.Len() > maxErrorText {
		t.Errorf("%d bytes of error", w.Body.Len())
	}
	if w.Header().Get(headerError) == "" {
		t.Errorf("status %d without a code: a caller would have to take it for an answer of something else", w.Code)
	}
}

// FuzzReadAnswer reads any answer of a node: it is an answer within its limit, or an error that says what is known.
func FuzzReadAnswer(f *testing.F) {
	f.Add(200, "", int64(5), []byte("hello"))
	f.Add(200, "", int64(1<<40), []byte("hello"))
	f.Add(500, "taken,retry", int64(-1), []byte("it is taken"))
	f.Add(404, "", int64(0), []byte{})
	f.Fuzz(func(t *testing.T, status int, text string, length int64, body []byte) {
		c, err := NewClient(ClientConfig{Codes: codes})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got, err := c.read(&http.Response{
			StatusCode: status, Header: http.Header{headerError: {text}}, ContentLength: length, Body: io.NopCloser(bytes.NewReader(body)),
		}, 64)
		if err == nil && (status != http.StatusOK || len(got) > 64 || !bytes.HasPrefix(body, got)) {
			t.Errorf("status %d, %q: read %q", status, body, got)
		}
		if err != nil && Unprocessed(err) && errors.Is(err, ErrUnknown) {
			t.Errorf("%v is both unknown and not processed", err)
		}
	})
}
