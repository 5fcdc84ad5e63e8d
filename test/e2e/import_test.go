package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

const (
	rowsVariable = "TINYURL_E2E_ROWS" // of the file that is imported
	// moreMemory is by how much more the peak of the node that takes a file may grow than that of another, in bytes, between a tenth of
	// the file and its end.
	moreMemory = 64 << 20
)

// rowTarget is where row n of a file leads. No two rows lead to one place.
func rowTarget(n int) string {
	return fmt.Sprintf("https://example.org/imported/row?number=%d&of=the-file", n)
}

// rowCode is its code; every second row has none.
func rowCode(n int) string {
	if n%2 == 0 {
		return ""
	}
	return fmt.Sprintf("row-%d", n)
}

// bad reports whether row n is one that nobody can take.
func bad(n int) bool { return n%5000 == 77 }

// writeRows writes a file of so many rows.
func writeRows(to io.Writer, rows int) error {
	out := bufio.NewWriter(to)
	fmt.Fprintln(out, "shortCode,longUrl,title,tags,createdAt")
	for n := 1; n <= rows; n++ {
		target := rowTarget(n)
		if bad(n) {
			target = "nowhere"
		}
		fmt.Fprintf(out, "%s,%s,Row %d,\"imported, of %d\",2024-05-06T07:08:09Z\n", rowCode(n), target, n, n%50)
	}
	return out.Flush()
}

// goodRows is how many of them can be taken.
func goodRows(rows int) int {
	good := 0
	for n := 1; n <= rows; n++ {
		if !bad(n) {
			good++
		}
	}
	return good
}

// checkRows exports all links from a node, and fails unless they are those of the file: each good row once.
func checkRows(t *testing.T, n *harness.Node, rows int) {
	t.Helper()
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(n.Client().Export(t.Context(), writer, "ndjson")) }()
	places := make(map[string]string, rows) // code by target
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		var l v1.Link
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if other, twice := places[l.LongURL]; twice {
			t.Errorf("both %s and %s lead to %s", other, l.ShortCode, l.LongURL)
		}
		places[l.LongURL] = l.ShortCode
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("export from %s: %v", n.Name(), err)
	}
	for row := 1; row <= rows; row++ {
		code, there := places[rowTarget(row)]
		if there == bad(row) || there && rowCode(row) != "" && code != rowCode(row) {
			t.Errorf("row %d on %s: code %q, there: %t", row, n.Name(), code, there)
		}
		delete(places, rowTarget(row))
	}
	if len(places) > 0 {
		t.Errorf("%s has %d links that no row asked for", n.Name(), len(places))
	}
}

// awaitLinks waits until a node knows so many links, and fails the test if it knows as many as it ever will by then.
func awaitLinks(t *testing.T, n *harness.Node, links, all uint64) {
	t.Helper()
	harness.Eventually(t, time.Minute, fmt.Sprintf("%d links on %s", links, n.Name()), func(ctx context.Context) error {
		status, err := n.Status(ctx)
		if err != nil || len(status.Groups) == 0 {
			return fmt.Errorf("no status: %w", err)
		}
		switch known := status.Groups[0].Links; {
		case known >= all:
			t.Fatalf("all %d links are there already", known)
		case known < links:
			return fmt.Errorf("%d links", known)
		}
		return nil
	})
}

// program is an import by the program, and what it left.
type program struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan error
}

// startImport begins to import a file through a node. It ends with the test.
func startImport(t *testing.T, c *harness.Cluster, n *harness.Node, path string) *program {
	t.Helper()
	p := &program{ended: make(chan error, 1)}
	p.cmd = exec.CommandContext(t.Context(), harness.Binary(t), "import", path, "-o", "json")
	p.cmd.Env = []string{"TINYURL_SERVER=" + n.URL(), "TINYURL_KEY=" + c.Key()}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// wait gives what became of the rows.
func (p *program) wait(t *testing.T) (counts v1.ImportCounts) {
	t.Helper()
	if err := <-p.ended; err != nil {
		t.Fatalf("%v: %s%s", err, p.stdout.String(), p.stderr.String())
	}
	if err := json.Unmarshal(p.stdout.Bytes(), &counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

// A file is imported while the leader is killed without warning: first another node takes the file, and goes on when there is a new
// leader; then the leader itself takes it, and the client goes on when that is back. Each row makes one link, and none makes two.
func TestTheLeaderIsKilledDuringAnImport(t *testing.T) {
	rows := number(t, rowsVariable, 20_000)
	for name, byLeader := range map[string]bool{"another node takes it": false, "the leader takes it": true} {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, harness.Options{})
			path := filepath.Join(c.Dir(), "rows.csv")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(writeRows(file, rows), file.Close()); err != nil {
				t.Fatal(err)
			}
			good := goodRows(rows)
			leader := c.Leader(leaderWithin)
			others := c.Others(leader)
			taker := others[0]
			if byLeader {
				taker = leader
			}
			began := time.Now()
			p := startImport(t, c, taker, path)
			awaitLinks(t, others[1], uint64(good/2), uint64(good))
			leader.Kill()
			c.Leader(leaderWithin)
			leader.Start()
			leader.WaitReady(harness.StartWithin)
			counts := p.wait(t)
			took := time.Since(began)
			if counts.Rows != int64(rows) || counts.Failed != int64(rows-good) || counts.Created+counts.Skipped != int64(good) {
				t.Errorf("%+v of %d rows, %d of them good", counts, rows, good)
			}
			if resumed := strings.Contains(p.stderr.String(), "resuming"); resumed != byLeader {
				t.Errorf("resumed: %t; %s", resumed, p.stderr.String())
			}
			if state := c.Converged(convergeTime); state.Links != uint64(good) {
				t.Errorf("%d links of %d good rows", state.Links, good)
			}
			for _, n := range c.Nodes() {
				checkRows(t, n, rows)
			}
			t.Logf("FIGURES %s: %d rows in %v (%.0f/s): %+v", t.Name(), rows, took.Round(time.Millisecond), float64(rows)/took.Seconds(), counts)
		})
	}
}

// peaks are the most memory that nodes have held so far, in bytes.
func peaks(t *testing.T, nodes []*harness.Node) []int64 {
	t.Helper()
	found := make([]int64, len(nodes))
	for i, n := range nodes {
		var err error
		if found[i], err = n.PeakMemory(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// A file of any length takes the memory of a short one. The caches of every node fill up with the links: the node that takes the file,
// and leads, needs hardly more than one that hears of them by the log alone.
func TestALongImportTakesNoMoreMemory(t *testing.T) {
	rows := number(t, rowsVariable, 20_000)
	c := harness.Start(t, harness.Options{})
	taker := c.Leader(leaderWithin)
	nodes := append([]*harness.Node{taker}, c.Others(taker)...)
	api, err := client.New(taker.URL(), c.Key(), &http.Client{})
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(writeRows(writer, rows)) }()
	began := time.Now()
	seen := [][]int64{peaks(t, nodes)} // before, and after each tenth
	counts, err := api.Import(t.Context(), reader, client.ImportOptions{}, func(line v1.ImportLine) {
		if line.ImportCounts != nil && line.LastRow*10 >= int64(rows*len(seen)) {
			seen = append(seen, peaks(t, nodes))
		}
	})
	took := time.Since(began)
	if err != nil || counts.Created != int64(goodRows(rows)) {
		t.Fatalf("%+v, %v", counts, err)
	}
	for i, tenth := range seen {
		t.Logf("FIGURES %s: after %d rows: peak memory %d MiB where the file goes, %d and %d MiB elsewhere",
			t.Name(), rows*i/10, tenth[0]>>20, tenth[1]>>20, tenth[2]>>20)
	}
	t.Logf("FIGURES %s: %d rows in %v (%.0f/s)", t.Name(), rows, took.Round(time.Millisecond), float64(rows)/took.Seconds())
	early, late := seen[1], seen[len(seen)-1]
	if more := late[0] - early[0]; more > moreMemory+max(late[1]-early[1], late[2]-early[2]) {
		t.Errorf("the peak grew by %d bytes after the first tenth: %v", more, seen)
	}
}
