package wire

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"tinyurl/cluster"
	"tinyurl/cluster/identity"
	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// memoryLog is a raft log that forgets with its process.
type memoryLog struct{ *raft.InmemStore }

func openMemoryLog(cluster.LogConfig) (cluster.Log, error) {
	return memoryLog{raft.NewInmemStore()}, nil
}

func (l memoryLog) Term() (uint64, bool) {
	term, err := l.GetUint64([]byte("CurrentTerm"))
	return term, err == nil && term > 0
}

func (l memoryLog) WritingSince() time.Time { return time.Time{} }
func (l memoryLog) Close() error            { return nil }

// machines are hosts with a node on each, which found a cluster together.
type machines struct {
	network *Network
	names   []string
	nodes   []*cluster.Node
}

const gossipTestPort = 7001

func foundCluster(t *testing.T, n *Network, size int) *machines {
	t.Helper()
	m := &machines{network: n}
	for i := range size {
		m.names = append(m.names, fmt.Sprintf("n%d", i+1))
		n.Host(m.names[i])
	}
	for _, name := range m.names {
		m.nodes = append(m.nodes, m.open(t, name))
	}
	return m
}

func (m *machines) open(t *testing.T, name string) *cluster.Node {
	t.Helper()
	secret, err := identity.ParseSecret("a secret of the tests that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	var seeds []string
	for _, other := range m.names {
		if other != name {
			seeds = append(seeds, m.network.Host(other).Addr(gossipTestPort))
		}
	}
	h := m.network.Host(name)
	node, err := cluster.Open(cluster.Config{
		Name: name, DataDir: "/data", Secret: secret, Join: seeds, BootstrapExpect: len(m.names), CacheBytes: 1 << 20,
		Network: cluster.Network{
			Listener: listen(t, h, testPort), Advertise: h.Addr(testPort), Dial: h.Dialer(),
			GossipTransport: h.Gossip(gossipTestPort), GossipAdvertise: h.Addr(gossipTestPort),
		},
		Environment: cluster.Environment{
			FS: vfs.NewCrashableMem(), OpenLog: openMemoryLog, Logger: slog.New(slog.DiscardHandler),
			Fatal: func(err error) { t.Errorf("%s cannot go on: %v", name, err) },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func (m *machines) close(t *testing.T) {
	t.Helper()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	var closing sync.WaitGroup
	for _, node := range m.nodes {
		closing.Go(func() {
			if err := node.Close(gone); err != nil {
				t.Errorf("close %s: %v", node.ID(), err)
			}
		})
	}
	closing.Wait()
}

// writable waits until every node takes writes.
func (m *machines) writable(t *testing.T, patience time.Duration) {
	t.Helper()
	ctx, cancel := within(patience)
	defer cancel()
	for _, node := range m.nodes {
		for node.Writable(ctx) != nil {
			if ctx.Err() != nil {
				t.Fatalf("%s takes no writes after %v", node.ID(), patience)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// create makes a link through a node.
func create(t *testing.T, node *cluster.Node, i int) link.Code {
	t.Helper()
	ctx, cancel := within(10 * time.Second)
	defer cancel()
	results, err := links.Create(ctx, node, link.Draft{Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.org/page/%d", i))}})
	if err != nil {
		t.Fatalf("create %d: %v", i, err)
	}
	if results[0].Err != nil {
		t.Fatalf("create %d: %v", i, results[0].Err)
	}
	return results[0].Link.Code
}

// get reads a link from the whole cluster through a node.
func get(t *testing.T, node *cluster.Node, code link.Code) {
	t.Helper()
	ctx, cancel := within(10 * time.Second)
	defer cancel()
	if found, err := links.Get(ctx, node, code, false); err != nil || found.Code != code {
		t.Errorf("get %s from %s: %v, %v", code, node.ID(), found, err)
	}
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestThreeNodesFoundACluster is the whole product on this network. With WIRE_MINUTES it goes on for that many virtual minutes and
// says what they cost: idle, or, with WIRE_LOAD, under one client that writes and reads.
func TestThreeNodesFoundACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		m := foundCluster(t, n, 3)
		m.writable(t, time.Minute)
		code := create(t, m.nodes[1], 0)
		for _, node := range m.nodes {
			get(t, node, code)
		}
		if minutes, _ := strconv.Atoi(os.Getenv("WIRE_MINUTES")); minutes > 0 {
			do := func(int) { time.Sleep(100 * time.Millisecond) }
			if os.Getenv("WIRE_LOAD") != "" {
				do = func(i int) {
					get(t, m.nodes[(i+1)%3], create(t, m.nodes[i%3], i))
					time.Sleep(90 * time.Millisecond)
				}
			}
			measure(t, n, time.Duration(minutes)*time.Minute, do)
		}
		m.close(t)
		n.Close()
		time.Sleep(time.Minute) // memberlist does not wait for its probes under way
		if left := n.Streams(); left != 0 {
			t.Errorf("%d streams are left", left)
		}
	})
}

// measure repeats do for a virtual while and logs what a virtual second of it costs.
func measure(t *testing.T, n *Network, length time.Duration, do func(int)) {
	t.Helper()
	before, used, count := n.Stats(), cpu(), 0
	for start := time.Now(); time.Since(start) < length; count++ {
		do(count)
	}
	used = cpu() - used
	after, seconds := n.Stats(), length.Seconds()
	t.Logf("FIGURES %.0f virtual s in %v of CPU = %.0f virtual s per CPU s; per virtual s: %.1f rounds, %.1f writes (%.0f bytes), "+
		"%.2f dials, %.1f packets; %d goroutines", seconds, used.Round(time.Millisecond), seconds/used.Seconds(),
		float64(count)/seconds, float64(after.Writes-before.Writes)/seconds, float64(after.Bytes-before.Bytes)/seconds,
		float64(after.Dials-before.Dials)/seconds, float64(after.Packets-before.Packets)/seconds, runtime.NumGoroutine())
}
