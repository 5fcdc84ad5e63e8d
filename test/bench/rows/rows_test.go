//go:build linux

package rows

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/rounds"
)

// bench makes one that measures nothing real.
func bench(t *testing.T, out io.Writer, patterns ...string) *Bench {
	t.Helper()
	b, err := New(Options{Rows: patterns, Rounds: 1, For: 50 * time.Millisecond, Warm: 10 * time.Millisecond, Dir: t.TempDir()}, rounds.NewReport(out))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryRowHasOneNameAndTheRowsPromisedAreThere(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range families() {
		for _, row := range f.rows {
			if seen[row] {
				t.Errorf("%s is there twice", row)
			}
			seen[row] = true
		}
	}
	for _, row := range []string{
		"bare/bare", "redirect/bare-nethttp", "redirect-addr/bare-nethttp", "redirect/nginx-map", "redirect-addr/nginx-map",
		"create-1/etcd", "create-16/etcd", "create-64/etcd", "create-256/etcd", "create-1024/etcd", "bulk/etcd", "cpu-per-link/etcd",
		"slow-wal-create-64/etcd", "misses/creates", "misses/hits", "state/restart",
	} {
		if !seen[row] {
			t.Errorf("%s is not there", row)
		}
	}
	if len(List()) != len(seen) {
		t.Errorf("%d rows are listed of %d", len(List()), len(seen))
	}
}

func TestRowsAreChosenByNameBeginningOrFamily(t *testing.T) {
	b := bench(t, io.Discard, "create-1/etcd", "redirect-addr*", "state")
	for row, want := range map[[2]string]bool{
		{"create", "create-1/etcd"}: true, {"create", "create-16/etcd"}: false, {"redirect", "redirect-addr/nginx-map"}: true,
		{"redirect", "redirect/nginx-map"}: false, {"state", "state/disk"}: true,
	} {
		if got := b.wants(row[0], row[1]); got != want {
			t.Errorf("%s: %v", row[1], got)
		}
	}
	if !bench(t, io.Discard).wants("create", "create-16/etcd") || !bench(t, io.Discard, "all").wants("state", "state/disk") {
		t.Error("without a choice not all are wanted")
	}
	if _, err := New(Options{Rows: []string{"creat"}}, rounds.NewReport(io.Discard)); err == nil {
		t.Error("a row that is not there was taken")
	}
}

func TestARowOfWhichNothingWasToldFails(t *testing.T) {
	var out strings.Builder
	b := bench(t, &out)
	b.current = []string{"a", "b", "c"}
	b.skip("no a here", "a", "elsewhere")
	fine := rounds.Side{Name: "x", Measure: func(context.Context) (rounds.Sample, error) { return rounds.Sample{Rate: 1}, nil }}
	b.compare(t.Context(), rounds.Pair{A: fine, B: fine, Readings: []rounds.Reading{rounds.Rate("b"), rounds.Rate("unwanted")}})
	b.rest(errors.New("broke"))
	want := "a SKIPPED: no a here\nb ratio 1.00 (1.00–1.00)\nc FAILED: broke\n"
	if out.String() != want {
		t.Errorf("told:\n%s", out.String())
	}
	broken := rounds.Side{Name: "x", Measure: func(context.Context) (rounds.Sample, error) { return rounds.Sample{}, errors.New("odd") }}
	b.told = map[string]bool{}
	b.compare(t.Context(), rounds.Pair{A: broken, B: fine, Readings: []rounds.Reading{rounds.Rate("b")}})
	if !slices.Equal(b.Report.Failed(), []string{"c", "b"}) {
		t.Errorf("failed: %v", b.Report.Failed())
	}
}

func TestURLsThatSomePeerCannotWriteAreLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "urls")
	text := "https://a.example/\nhttps://b.example/$x\nhttp://c.example/?q=1&r=%20\nftp://d.example/\nhttps://e.example/a b\nhttps://f.example/\"\n\nhttps://ü.example/\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readURLs(path)
	if want := []string{"https://a.example/", "http://c.example/?q=1&r=%20"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	made, err := readURLs("")
	if err != nil || len(made) != madeUp || len(made[1]) < 90 || len(made[1]) > 130 || !plain(made[1]) || made[1] == made[2] {
		t.Errorf("made up %q, %v", made[:2], err)
	}
	if _, err := readURLs(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file was read")
	}
}

func TestBodiesAreJSONAndGoOnFromTheBeginning(t *testing.T) {
	b := bench(t, io.Discard)
	b.urls = []string{"https://a.example/?x=1&y=2", "https://b.example/"}
	b.bodies = creations(b.urls)
	var bulk struct{ Links []struct{ LongURL string } }
	if err := json.Unmarshal(b.bulk(nil, 1, 3), &bulk); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range bulk.Links {
		got = append(got, l.LongURL)
	}
	if want := []string{b.urls[1], b.urls[0], b.urls[1]}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if n := len(b.bodies); n != 2 {
		t.Errorf("%d creates", n)
	}
	if n := len(b.bulks(3, 2)); n != 3 {
		t.Errorf("%d bulks", n)
	}
}

func TestUnknownCodesAreOfLettersAndDigitsAndDiffer(t *testing.T) {
	source := unknown("h")(0)
	seen := map[string]bool{}
	for range 1000 {
		request := string(source(nil))
		code := strings.TrimPrefix(request[:strings.Index(request, " HTTP")], "GET /")
		if len(code) != codeLength || strings.ContainsAny(code, "/-_ ") {
			t.Fatalf("%q", request)
		}
		seen[code] = true
	}
	if len(seen) < 999 {
		t.Errorf("%d different codes", len(seen))
	}
}

func TestALoadIsMeasuredAsASide(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	b := bench(t, io.Discard)
	t1 := target{name: "fake", units: 10, load: load.Config{
		Targets: []string{host}, Connections: 2, Status: 204, Source: posting(host, "/", [][]byte{[]byte("x")}),
	}}
	got, err := b.side(t1).Measure(t.Context())
	if err != nil || got.Rate <= 0 || got.Share != 1 || got.Median <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
	t1.load.Status = 201
	if _, err := b.side(t1).Measure(t.Context()); err == nil || !strings.Contains(err.Error(), "204") {
		t.Errorf("wrong answers: %v", err)
	}
}

func TestTheClientOfEtcdIsFollowed(t *testing.T) {
	m := &meter{}
	got, err := listen(bufio.NewScanner(strings.NewReader("begin\nend\n{\"Done\":5,\"Took\":1000}\n")), m)
	if err != nil || got.Done != 5 || got.Took != 1000 || m.err != nil {
		t.Errorf("%+v, %v, %v", got, err, m.err)
	}
	for _, bad := range []string{"", "begin\n", "begin\nend\nwhat\n"} {
		if _, err := listen(bufio.NewScanner(strings.NewReader(bad)), m); err == nil {
			t.Errorf("%q was an answer", bad)
		}
	}
}

func TestWrkIsRead(t *testing.T) {
	got, err := wrkResult("Running 1s test\n  2 threads\n  104690 requests in 2.00s, 17.1MB read\nRequests/sec:  52345.00\n")
	if err != nil || got.Rate() != 52345 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "  5 requests in ,\n", "Non-2xx or 3xx responses: 5\n  5 requests in 1s, x\n"} {
		if _, err := wrkResult(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestANodeHasTheSettingsOfAllAndItsOwn(t *testing.T) {
	b := bench(t, io.Discard)
	b.With = []string{"--log-store", "wal"}
	n, err := b.node("n", "--log-store", "bolt")
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Join(n.args, " ")
	if !strings.HasSuffix(line, " --log-store wal --log-store bolt") || !strings.Contains(line, "--http-addr "+n.http+" ") {
		t.Error(line)
	}
	if other, err := b.node("m"); err != nil || strings.Contains(strings.Join(other.args, " "), "bolt") {
		t.Errorf("one node's settings went to another: %v", err)
	}
}

func TestMetricsAreSummed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# HELP x_sum y\nx_sum{group=\"0\"} 1.5\nx_sum{group=\"1\"} 2e-1\nx_total 7\n")
	}))
	defer s.Close()
	n := &node{name: "fake", http: strings.TrimPrefix(s.URL, "http://")}
	if got, err := n.metric(t.Context(), "x_sum"); err != nil || got != 1.7 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := n.metric(t.Context(), "z"); err == nil {
		t.Error("a metric that is not there has a value")
	}
}

func TestAHardLinkTakesNoMoreDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), bytes.Repeat([]byte("x"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := usage(dir)
	if err != nil || before < 1<<20 {
		t.Fatalf("%d, %v", before, err)
	}
	if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	if after, err := usage(dir); err != nil || after > before+1<<16 {
		t.Errorf("%d, then %d, %v", before, after, err)
	}
}

func TestSyncsAreSlowedDownByOneMeans(t *testing.T) {
	path, args := tracer("/usr/bin/strace", slowBy)("/bin/x", []string{"-a"})
	line := path + " " + strings.Join(args, " ")
	if !strings.HasSuffix(line, " -- /bin/x -a") || !strings.Contains(line, "inject=fsync,fdatasync:delay_exit=1000") {
		t.Error(line)
	}
	took, err := Probe(filepath.Join(t.TempDir(), "probe"))
	if err != nil || took <= 0 {
		t.Errorf("%v, %v", took, err)
	}
}
