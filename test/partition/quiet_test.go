//go:build linux

package partition

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tinyurl/test/harness"
)

// quiet is what a node's process holds when nobody asks it for anything.
type quiet struct {
	sockets, files, goroutines int
}

// How much more than at its first rest a process may hold: connections to peers come and go, and the store opens tables and closes
// them as it grows. What leaks, leaks with every row. Sockets are counted for each node: who leads keeps three more connections to each
// other one than who does not, and one of its calls may be new.
const (
	socketSlack    = 4
	fileSlack      = 40
	goroutineSlack = 40
)

// rest compares what every process holds with what it held when it was first at rest.
func (w *world) rest() {
	for _, n := range w.nodes() {
		pid, err := processOf(n)
		if err != nil {
			w.Fatal(err)
		}
		first, known := w.atRest[pid]
		var now quiet
		err = w.patiently(5*time.Second, func(ctx context.Context) error {
			if now, err = quietOf(ctx, n, pid); err != nil || !known {
				return err
			}
			return now.within(first, len(w.nodes()))
		})
		switch {
		case err != nil:
			w.violated("%s holds more and more: %v", n.Name(), err)
		case !known:
			w.atRest[pid] = now
		}
	}
}

// patiently tries until check returns nil, and gives its last error.
func (w *world) patiently(within time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(w.Context(), within)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// within returns an error when q is more than the slack above what there was first, in a cluster of so many nodes.
func (q quiet) within(first quiet, nodes int) error {
	if q.sockets > first.sockets+socketSlack*nodes || q.files > first.files+fileSlack || q.goroutines > first.goroutines+goroutineSlack {
		return fmt.Errorf("%d sockets, %d files, %d goroutines; at its first rest %d, %d, %d",
			q.sockets, q.files, q.goroutines, first.sockets, first.files, first.goroutines)
	}
	return nil
}

// quietOf counts what a process holds.
func quietOf(ctx context.Context, n *harness.Node, pid int) (q quiet, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	open, err := os.ReadDir(dir)
	if err != nil {
		return q, err
	}
	for _, fd := range open {
		to, err := os.Readlink(filepath.Join(dir, fd.Name()))
		switch {
		case err != nil: // closed meanwhile
		case strings.HasPrefix(to, "socket:"):
			q.sockets++
		default:
			q.files++
		}
	}
	value, err := metric(ctx, n, "go_goroutines")
	q.goroutines = int(value)
	return q, err
}

// processOf is the number of the process that runs a node, by its data directory.
func processOf(n *harness.Node) (pid int, err error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte("--data-dir\x00"+n.Dir+"\x00")) {
			return strconv.Atoi(filepath.Base(filepath.Dir(path)))
		}
	}
	return 0, fmt.Errorf("no process runs %s", n.Name())
}

// metric is one figure of a node, summed over its series. It uses a connection of its own.
func metric(ctx context.Context, n *harness.Node, name string) (sum float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL()+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	found := false
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q: %w", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("%s has no metric %s", n.Name(), name)
	}
	return sum, nil
}
