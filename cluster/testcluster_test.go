package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/gossip"
	"tinyurl/cluster/identity"
	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// testNode is a node that can be stopped and started again on the same data directory.
type testNode struct {
	*Node
	config Config
	log    *os.File
	fatal  chan error
}

// testCluster is real nodes in this process: real sockets on loopback, real files, times shortened.
type testCluster struct {
	t     *testing.T
	nodes []*testNode
	seeds []string
	tune  func(*Config)

	mu  sync.Mutex
	cut map[string]bool // cluster addresses that nobody can dial, owned by mu
}

const testSecret = "a secret of the tests that is long enough"

// newTestCluster founds a cluster of n nodes and waits until it takes writes.
func newTestCluster(t *testing.T, n int, tune func(*Config)) *testCluster {
	t.Helper()
	c := &testCluster{t: t, tune: tune, cut: map[string]bool{}}
	for i := range n {
		c.add(fmt.Sprintf("n%d", i+1), n)
	}
	for _, node := range c.nodes {
		c.writable(node)
	}
	return c
}

// add starts one more node; expect is its --bootstrap-expect.
func (c *testCluster) add(name string, expect int) *testNode {
	c.t.Helper()
	secret, err := identity.ParseSecret(testSecret)
	if err != nil {
		c.t.Fatal(err)
	}
	dir := c.t.TempDir()
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		c.t.Fatal(err)
	}
	node := &testNode{log: logFile, fatal: make(chan error, 1)}
	node.config = Config{
		Name: name, DataDir: filepath.Join(dir, "data"), Secret: secret, BootstrapExpect: expect, Join: c.seeds,
		CacheBytes: 8 << 20, HTTPURL: "http://" + name,
		Network: Network{GossipBind: "127.0.0.1:0", GossipAdvertise: "127.0.0.1", Dial: c.dial},
		Environment: Environment{
			Logger: slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Fatal: func(err error) {
				select {
				case node.fatal <- err:
				default:
				}
			},
		},
		Tuning: Tuning{
			Heartbeat: 250 * time.Millisecond, Stabilization: 200 * time.Millisecond, Reconcile: 200 * time.Millisecond,
			FreeSpace: 1,
			Forming:   forming.Tuning{Retry: 50 * time.Millisecond},
			Gossip: gossip.Tuning{
				ProbeInterval: 100 * time.Millisecond, ProbeTimeout: 50 * time.Millisecond, GossipInterval: 20 * time.Millisecond,
				RetryMin: 50 * time.Millisecond, RetryMax: 200 * time.Millisecond, Refresh: time.Second, TwinPatience: time.Second,
			},
		},
	}
	if c.tune != nil {
		c.tune(&node.config)
	}
	c.t.Cleanup(func() {
		c.stop(node)
		if c.t.Failed() {
			c.tail(node)
		}
		logFile.Close()
	})
	c.nodes = append(c.nodes, node)
	c.start(node)
	return node
}

// dial is the network between the nodes; cut addresses do not answer.
func (c *testCluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	cut := c.cut[address]
	c.mu.Unlock()
	if cut {
		return nil, errors.New("cut")
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (c *testCluster) start(node *testNode) {
	c.t.Helper()
	if err := c.tryStart(node); err != nil {
		c.t.Fatal(err)
	}
}

func (c *testCluster) tryStart(node *testNode) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a new address at every start
	if err != nil {
		return err
	}
	node.config.Network.Listener, node.config.Network.Advertise = listener, listener.Addr().String()
	if node.Node, err = Open(node.config); err != nil {
		node.Node = nil
		return err
	}
	c.seeds = append(c.seeds, node.plane.gossip.Addr())
	return nil
}

// stop closes a node without handing leadership over, as a crash would.
func (c *testCluster) stop(node *testNode) {
	if node.Node == nil {
		return
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := node.Close(gone); err != nil {
		c.t.Errorf("close %s: %v", node.config.Name, err)
	}
	node.Node = nil
}

func (c *testCluster) tail(node *testNode) {
	data, _ := os.ReadFile(node.log.Name())
	lines := strings.Split(string(data), "\n")
	c.t.Logf("last words of %s:\n%s", node.config.Name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
}

// eventually polls until what holds.
func (c *testCluster) eventually(what string, holds func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			c.t.Fatalf("in vain: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (c *testCluster) writable(node *testNode) {
	c.t.Helper()
	c.eventually(node.config.Name+" takes writes", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return node.Writable(ctx) == nil
	})
}

func (c *testCluster) leader() *testNode {
	c.t.Helper()
	var leader *testNode
	c.eventually("a leader is ready", func() bool {
		for _, n := range c.nodes {
			if n.Node == nil || n.group.Load() == nil {
				continue
			}
			if _, ready := n.group.Load().leadership.ready(); ready {
				leader = n
				return true
			}
		}
		return false
	})
	return leader
}

func (c *testCluster) others(not *testNode) []*testNode {
	var rest []*testNode
	for _, n := range c.nodes {
		if n != not && n.Node != nil {
			rest = append(rest, n)
		}
	}
	return rest
}

// comesBackWiped stops a node and starts it on an empty disk.
func (c *testCluster) comesBackWiped(node *testNode) {
	c.t.Helper()
	c.stop(node)
	if err := os.RemoveAll(node.config.DataDir); err != nil {
		c.t.Fatal(err)
	}
	node.config.Join = c.seeds
	c.start(node)
	c.writable(node)
}

// create makes a link on a node and must succeed.
func (c *testCluster) create(node *testNode, draft link.Draft) link.Link {
	c.t.Helper()
	results, err := links.Create(c.t.Context(), node, draft)
	if err != nil {
		c.t.Fatal(err)
	}
	if results[0].Err != nil {
		c.t.Fatal(results[0].Err)
	}
	return results[0].Link
}

// agreed waits until every running node has the very same state.
func (c *testCluster) agreed() {
	c.t.Helper()
	c.eventually("all nodes have the same state", func() bool {
		states := map[string]int{}
		for _, n := range c.nodes {
			if n.Node == nil {
				continue
			}
			g := n.group.Load()
			if g == nil {
				return false
			}
			position, digest := g.fsm.Store().CurrentDigest()
			states[fmt.Sprint(position, digest)]++
		}
		return len(states) == 1
	})
}

func otherSecret(t *testing.T) identity.Secret {
	t.Helper()
	s, err := identity.ParseSecret("another secret, of another cluster altogether")
	if err != nil {
		t.Fatal(err)
	}
	return s
}
