package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that a closed App left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a Notifier and a log that remember.
type recorder struct {
	mu     sync.Mutex
	states []string
	log    bytes.Buffer
}

func (r *recorder) Notify(state string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, state)
	return nil
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(b)
}

func (r *recorder) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *recorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.states)
}

// testNode is an App on free ports of its own.
type testNode struct {
	*App
	*recorder
	dir  string
	stop context.CancelFunc
	done chan error // gets what Run returned
}

// openNode opens a lone node; it is closed when the test ends.
func openNode(t *testing.T, args ...string) (*testNode, error) {
	t.Helper()
	n := &testNode{recorder: new(recorder), dir: filepath.Join(t.TempDir(), "data"), done: make(chan error, 1)}
	args = append(append(anyPorts(), "--data-dir="+n.dir, "--cache-size=8MiB", "--log-level=debug"), args...)
	app, err := Open(t.Context(), mustLoad(t, args), Environment{Version: "v-test", LogOutput: n.recorder, Notifier: n.recorder})
	if err != nil {
		return n, err
	}
	n.App = app
	t.Cleanup(func() {
		if err := app.Close(context.Background()); err != nil {
			t.Errorf("closing the node: %v", err)
		}
	})
	return n, nil
}

// runNode opens a lone node and runs it.
func runNode(t *testing.T, args ...string) *testNode {
	t.Helper()
	n, err := openNode(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	n.stop = stop
	go func() { n.done <- n.Run(ctx) }()
	t.Cleanup(stop)
	return n
}

// get asks the node and returns status and body.
func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// ready waits until the node is.
func (n *testNode) ready(t *testing.T) {
	t.Helper()
	eventually(t, "the node is ready", func() bool {
		status, _ := get(t, http.DefaultClient, n.HTTPURL()+"/readyz")
		return status == http.StatusOK
	})
}

func TestANodeServesUntilItIsStoppedAndTellsTheServiceManager(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	if n.URL() != "http://"+n.listeners.http.Addr().String() {
		t.Errorf("public URL %s", n.URL())
	}
	n.stop()
	if err := <-n.done; err != nil {
		t.Errorf("Run = %v", err)
	}
	if told := n.told(); !slices.Equal(told, []string{"READY=1", "STOPPING=1"}) {
		t.Errorf("told the service manager %q", told)
	}
	if _, err := net.Dial("tcp", n.listeners.http.Addr().String()); err == nil {
		t.Error("the HTTP listener is still open")
	}
}

func TestTheSameDirectoryComesBack(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	secret, err := directory(n.dir).secret()
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	if err := <-n.done; err != nil {
		t.Fatal(err)
	}
	again := runNode(t, "--data-dir="+n.dir)
	again.ready(t)
	if kept, err := directory(n.dir).secret(); err != nil || !kept.Equal(secret) {
		t.Errorf("the secret changed: %v", err)
	}
}

func TestOperatorsHaveAListenerOfTheirOwnAndPprofIsNowhereElse(t *testing.T) {
	n := runNode(t, "--ops-addr=127.0.0.1:0")
	n.ready(t)
	ops := "http://" + n.listeners.ops.Addr().String()
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/debug/pprof/": 200, "/debug/pprof/heap": 200,
		"/debug/pprof/symbol": 200, "/debug/pprof/cmdline": 404, "/debug/pprof/cmdline/": 404, "/api/v1/cluster": 404, "/": 404,
	} {
		if status, _ := get(t, http.DefaultClient, ops+path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if status, _ := get(t, http.DefaultClient, n.HTTPURL()+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("pprof on the public listener: %d", status)
	}
}

func TestMetricsAreThoseOfGoTheProcessTheLibrariesAndOurOwn(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	_, text := get(t, http.DefaultClient, n.HTTPURL()+"/metrics")
	for _, name := range []string{
		"go_goroutines", "process_open_fds", `tinyurl_build_info{version="v-test"} 1`, "tinyurl_http_requests_total",
		"\nraft_", "\nraft_boltdb_", "\nmemberlist_",
	} {
		if !strings.Contains(text, name) {
			t.Errorf("no %q among the metrics", name)
		}
	}
}

func TestDamageEndsTheNodeWithItsReason(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	damage := errors.New("raft.db is damaged")
	n.fail(damage)
	n.fail(errors.New("what followed from it"))
	if err := <-n.done; !errors.Is(err, damage) {
		t.Errorf("Run = %v", err)
	}
	if !strings.Contains(n.said(), "raft.db is damaged") {
		t.Error("the log does not say why")
	}
}

func TestAListenerThatBreaksEndsTheNode(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	if err := n.listeners.http.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-n.done; err == nil || !strings.Contains(err.Error(), "the HTTP listener ended") {
		t.Errorf("Run = %v", err)
	}
}

func TestAPortInUseChangesNothingOnDisk(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"--http-addr", "--cluster-addr", "--gossip-addr", "--ops-addr"} {
		n, err := openNode(t, flag+"="+taken.Addr().String())
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
		if names := listing(t, directory(n.dir)); names != nil {
			t.Errorf("%s: on disk is %q", flag, names)
		}
	}
}

func TestACertificateThatCannotBeReadChangesNothingOnDisk(t *testing.T) {
	n, err := openNode(t, "--tls-cert=/no/such/cert", "--tls-key=/no/such/key")
	if err == nil || !strings.Contains(err.Error(), "--tls-cert") {
		t.Errorf("error = %v", err)
	}
	if names := listing(t, directory(n.dir)); names != nil {
		t.Errorf("on disk is %q", names)
	}
}

func TestASecondNodeOnTheSameDirectoryIsRefused(t *testing.T) {
	n := runNode(t)
	if _, err := openNode(t, "--data-dir="+n.dir); err == nil || !strings.Contains(err.Error(), "another process uses the data directory") {
		t.Errorf("error = %v", err)
	}
	n.ready(t)
}

// begin sends the header of a create to a running node and returns once the handler wants the body.
func begin(t *testing.T, n *testNode, length int) (net.Conn, *bufio.Reader) {
	t.Helper()
	token, err := ReadToken(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", n.listeners.http.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "POST /api/v1/links HTTP/1.1\r\nHost: x\r\nX-Api-Key: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", token.RootKey, length)
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("answer %q, %v", line, err)
	}
	return conn, answers
}

func TestRequestsUnderWayAreFinishedByAStop(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	const body = `{"longUrl":"https://example.org/"}`
	conn, answers := begin(t, n, len(body))
	n.stop()
	eventually(t, "the stop has begun", func() bool { return slices.Contains(n.told(), "STOPPING=1") })
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(answers)
	if err != nil || !strings.Contains(string(answer), "HTTP/1.1 201") {
		t.Errorf("answer %q, %v", answer, err)
	}
	if err := <-n.done; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestARequestThatDoesNotEndIsCutAndTheClusterStillClosesWell(t *testing.T) {
	n := runNode(t)
	n.env.StopTimeout = 3 * time.Second
	n.ready(t)
	_, answers := begin(t, n, 1)
	n.stop()
	err := <-n.done
	if err == nil || !strings.Contains(err.Error(), "requests on the HTTP listener were cut") || strings.Contains(err.Error(), "cluster") {
		t.Errorf("Run = %v", err)
	}
	if answer, _ := io.ReadAll(answers); strings.Contains(string(answer), "HTTP/1.1 2") {
		t.Errorf("the request was answered: %q", answer)
	}
	n.closed = nil // or the cleanup would report it again
}

// selfSigned writes a certificate for 127.0.0.1 with the serial number given.
func selfSigned(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReloadTakesTheCertificateAndTheLogLevel(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "c.pem"), filepath.Join(t.TempDir(), "k.pem")
	selfSigned(t, cert, key, 1)
	n := runNode(t, "--tls-cert="+cert, "--tls-key="+key)
	if !strings.HasPrefix(n.URL(), "https://127.0.0.1:") {
		t.Errorf("public URL %s", n.URL())
	}
	serial := func() int64 {
		// Every connection shakes hands anew. The certificate is its own authority, so only its number is looked at.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
		response, err := client.Get(n.URL() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.ProtoMajor != 2 {
			t.Errorf("%s, %v", response.Proto, err)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	selfSigned(t, cert, key, 2)
	changed := n.settings
	changed.Log.Level = slog.LevelError
	if err := n.Reload(changed); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("serial %d after the reload", got)
	}
	if n.Log().Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the log level is the old one")
	}
	if err := os.WriteFile(cert, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Reload(changed); err == nil {
		t.Error("a certificate that cannot be read was taken")
	}
	if got := serial(); got != 2 {
		t.Errorf("serial %d after a reload that failed", got)
	}
	if told := n.told(); !slices.Equal(told, []string{"READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1"}) {
		t.Errorf("told the service manager %q", told)
	}
}

func TestTheLogIsTextOrJSON(t *testing.T) {
	for format, want := range map[string]string{"text": "level=INFO msg=hello", "json": `"level":"INFO","msg":"hello"`} {
		var out bytes.Buffer
		log, _ := newLogger(&out, LogSettings{Format: format})
		log.Info("hello")
		log.Debug("not this")
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "not this") {
			t.Errorf("%s: %s", format, &out)
		}
	}
}
