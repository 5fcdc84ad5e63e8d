package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// refusedStart starts a node that must end by itself with exit code 1, a message with all of the words, and nothing changed in
// its data directory.
func refusedStart(t *testing.T, n *harness.Node, words ...string) {
	t.Helper()
	before := harness.Tree(t, n.Dir)
	n.Start()
	exit := n.Wait(30 * time.Second)
	if exit.Code != 1 {
		t.Errorf("exit code %d, not 1; it said:\n%s", exit.Code, n.Log())
	}
	said := lastLine(n.Log())
	for _, w := range words {
		if !strings.Contains(strings.ToLower(said), strings.ToLower(w)) {
			t.Errorf("the message does not say %q:\n%s", w, said)
		}
	}
	if diff := harness.TreeDiff(before, harness.Tree(t, n.Dir)); len(diff) != 0 {
		t.Errorf("changed on disk: %q", diff)
	}
	t.Logf("FIGURES %s: %s", t.Name(), said)
}

func lastLine(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1]
}

// A start that is refused says why and what to do, exits with 1 and leaves the data directory as it was, byte for byte: what
// was in the way is taken away, and the node starts with all its links.
func TestARefusedStartChangesNothing(t *testing.T) {
	t.Parallel()
	c, n := usedNode(t)
	for name, refused := range map[string]func(*testing.T, *harness.Cluster, *harness.Node){
		"a port in use":                      portInUse,
		"the data directory of another node": otherNode,
		"a data directory not writable":      unwritable,
		"files of a newer format":            newerFormat,
		"a damaged log":                      damagedLog,
	} {
		t.Run(name, func(t *testing.T) { refused(t, c, n) })
	}
	startsAgain(t, c, n)
	secondProcess(t, c, n)
}

// usedNode is a node of its own that has formed, made some links and stopped in order.
func usedNode(t *testing.T) (*harness.Cluster, *harness.Node) {
	t.Helper()
	c := harness.Start(t, harness.Options{Nodes: 1})
	n := c.Node(0)
	for _, target := range harness.MadeUpURLs(20) {
		if _, err := n.Client().Create(t.Context(), v1.CreateLink{LongURL: target}, ""); err != nil {
			t.Fatal(err)
		}
	}
	n.Stop()
	return c, n
}

// startsAgain proves that the refusal left the node as it was: what was in the way is gone, and it starts.
func startsAgain(t *testing.T, c *harness.Cluster, n *harness.Node) {
	t.Helper()
	n.Start()
	n.WaitReady(harness.StartWithin)
	if state := c.Converged(10 * time.Second); state.Links != 20 {
		t.Errorf("%d links after the refused start, not 20", state.Links)
	}
}

func portInUse(t *testing.T, _ *harness.Cluster, n *harness.Node) {
	at := n.Addresses()
	for flag, address := range map[string]string{"--http-addr": at.HTTP, "--cluster-addr": at.Cluster, "--gossip-addr": at.Gossip} {
		t.Run(flag, func(t *testing.T) {
			taken, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			refusedStart(t, n, "in use", address, flag)
		})
	}
	t.Run("gossip UDP", func(t *testing.T) {
		taken, err := net.ListenPacket("udp", at.Gossip)
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		refusedStart(t, n, "in use", at.Gossip, "--gossip-addr")
	})
}

// secondProcess starts another process on the data directory of one that runs: it would be one node twice.
func secondProcess(t *testing.T, c *harness.Cluster, n *harness.Node) {
	t.Helper()
	twin := c.Joiner(n.Name(), n)
	twin.Dir, twin.LogFile = n.Dir, filepath.Join(c.Dir(), "twin.log")
	twin.Start()
	if exit := twin.Wait(30 * time.Second); exit.Code != 1 {
		t.Errorf("the second process ended with %+v", exit)
	}
	if said := lastLine(twin.Log()); !strings.Contains(said, "another process") || !strings.Contains(said, "--data-dir") {
		t.Errorf("the message: %s", said)
	}
	if _, err := n.Client().Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/still"}, ""); err != nil {
		t.Errorf("the first process: %v", err)
	}
}

func unwritable(t *testing.T, c *harness.Cluster, n *harness.Node) {
	chmodAll(t, n.Dir, 0o500, 0o400)
	defer chmodAll(t, n.Dir, 0o700, 0o600)
	if os.Getuid() == 0 { // for whom modes mean nothing
		if err := os.Chmod(c.Dir(), 0o755); err != nil {
			t.Fatal(err)
		}
		chownAll(t, n.Dir, nobody)
		defer chownAll(t, n.Dir, 0)
		n.As = &syscall.Credential{Uid: nobody, Gid: nobody}
		defer func() { n.As = nil }()
	}
	refusedStart(t, n, n.Dir, "--data-dir")
}

func TestADataDirectoryBelowAFileIsRefused(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{Nodes: 1, Unstarted: true})
	n := c.Node(0)
	file := filepath.Join(c.Dir(), "file")
	write(t, file, nil)
	n.Dir = filepath.Join(file, "data")
	n.Start()
	if exit := n.Wait(30 * time.Second); exit.Code != 1 {
		t.Errorf("ended with %+v", exit)
	}
	if said := lastLine(n.Log()); !strings.Contains(said, "--data-dir") || !strings.Contains(said, n.Dir) {
		t.Errorf("the message: %s", said)
	}
}

// nobody is a user without rights.
const nobody = 65534

func chmodAll(t *testing.T, dir string, dirs, files os.FileMode) {
	t.Helper()
	each(t, dir, func(path string, isDir bool) error {
		if isDir {
			return os.Chmod(path, dirs)
		}
		return os.Chmod(path, files)
	})
}

func chownAll(t *testing.T, dir string, to int) {
	t.Helper()
	each(t, dir, func(path string, _ bool) error { return os.Chown(path, to, to) })
}

// each visits all files below a directory, the deepest last, and a directory before what is in it.
func each(t *testing.T, dir string, visit func(path string, isDir bool) error) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return visit(path, entry.IsDir())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func otherNode(t *testing.T, c *harness.Cluster, n *harness.Node) {
	other := c.Joiner("other", n)
	other.Dir = n.Dir
	refusedStart(t, other, `"n1"`, `"other"`, "--data-dir")
	c.Remove(other)
}

func newerFormat(t *testing.T, _ *harness.Cluster, n *harness.Node) {
	for _, name := range []string{"node.json", "cluster.json"} {
		t.Run(name, func(t *testing.T) {
			path := n.DataFile(name)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer write(t, path, good)
			fields := make(map[string]any)
			if err := json.Unmarshal(good, &fields); err != nil {
				t.Fatal(err)
			}
			fields["format"] = 99
			newer, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, newer)
			refusedStart(t, n, name, "99", "newer")
		})
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
