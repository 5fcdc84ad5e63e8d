package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// create makes a link with the slug and target given, and gives the answer.
func create(t *testing.T, n *testNode, slug, target string) (int, string) {
	t.Helper()
	token, err := ReadToken(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("POST", n.HTTPURL()+"/api/v1/links", strings.NewReader(fmt.Sprintf(`{"longUrl":%q,"customSlug":%q}`, target, slug)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Api-Key", token.RootKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// follow asks for a path and gives status and Location.
func follow(t *testing.T, transport http.RoundTripper, url string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response, response.Header.Get("Location")
}

func TestTheRedirectListenerServesRedirectsAndNothingElse(t *testing.T) {
	n := runNode(t, "--redirect-addr=127.0.0.1:0")
	n.ready(t)
	short := n.redirectURL()
	if status, body := create(t, n, "loop", short+"/abc"); status != http.StatusUnprocessableEntity {
		t.Errorf("a link that leads back: %d %s", status, body)
	}
	status, body := create(t, n, "abc", "https://example.org/ü")
	if status != http.StatusCreated || !strings.Contains(body, n.HTTPURL()+"/abc") {
		t.Fatalf("%d %s", status, body)
	}
	for _, base := range []string{short, n.HTTPURL()} {
		if response, location := follow(t, http.DefaultTransport, base+"/abc"); response.StatusCode != http.StatusFound || location != "https://example.org/ü" {
			t.Errorf("%s: status %d, location %q", base, response.StatusCode, location)
		}
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/api/v1/cluster", "/debug/pprof/", "/unknown"} {
		if response, _ := follow(t, http.DefaultTransport, short+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	n.stop()
	if err := <-n.done; err != nil {
		t.Errorf("Run = %v", err)
	}
	if _, err := http.Get(short + "/abc"); err == nil {
		t.Error("the redirect listener is still open")
	}
}

func TestTheRedirectListenerHasTheCertificateOfTheOther(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "c.pem"), filepath.Join(t.TempDir(), "k.pem")
	selfSigned(t, cert, key, 1)
	n := runNode(t, "--redirect-addr=127.0.0.1:0", "--tls-cert="+cert, "--tls-key="+key)
	for serial := int64(2); serial <= 3; serial++ {
		selfSigned(t, cert, key, serial)
		if err := n.Reload(n.settings); err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
		response, _ := follow(t, transport, n.redirectURL()+"/healthz")
		if got := response.TLS.PeerCertificates[0].SerialNumber.Int64(); got != serial || response.ProtoMajor != 1 || response.StatusCode != http.StatusNotFound {
			t.Errorf("certificate %d instead of %d, %s, status %d", got, serial, response.Proto, response.StatusCode)
		}
	}
}

// Over TLS the HTTP listener is net/http's, with HTTP/2; without TLS something else reads visits first, and nobody can tell.
func TestTheHTTPListenerHasAllRoutesWithAndWithoutTLS(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "c.pem"), filepath.Join(t.TempDir(), "k.pem")
	selfSigned(t, cert, key, 1)
	for version, settings := range map[int][]string{1: nil, 2: {"--tls-cert=" + cert, "--tls-key=" + key}} {
		n := runNode(t, settings...)
		transport := &http.Transport{MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
		eventually(t, "the node is ready", func() bool {
			status, _ := get(t, &http.Client{Transport: transport}, n.HTTPURL()+"/readyz")
			return status == http.StatusOK
		})
		for _, path := range []string{"/unknown", "/healthz", "/unknown", "/readyz", "/metrics", "/"} {
			response, _ := follow(t, transport, n.HTTPURL()+path)
			if want := map[bool]int{true: 404, false: 200}[path == "/unknown"]; response.StatusCode != want || response.ProtoMajor != version {
				t.Errorf("%s: %s, status %d", path, response.Proto, response.StatusCode)
			}
		}
		transport.CloseIdleConnections()
		n.stop()
		if err := <-n.done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
}

func TestOperatorsSeeWhatAStopWaitsFor(t *testing.T) {
	n := runNode(t, "--ops-addr=127.0.0.1:0", "--redirect-addr=127.0.0.1:0")
	n.ready(t)
	const body = `{"longUrl":"https://example.org/"}`
	conn, answers := begin(t, n, len(body))
	n.stop()
	eventually(t, "the stop has begun", func() bool { return slices.Contains(n.told(), "STOPPING=1") })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(t, "the redirect listener is closed", func() bool {
		response, err := client.Get(n.redirectURL() + "/healthz")
		if err == nil {
			_ = response.Body.Close()
		}
		return err != nil
	})
	if status, text := get(t, client, "http://"+n.listeners.ops.Addr().String()+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, text)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(answers); err != nil || !strings.Contains(string(answer), "HTTP/1.1 201") {
		t.Errorf("answer %q, %v", answer, err)
	}
	if err := <-n.done; err != nil {
		t.Errorf("Run = %v", err)
	}
}
