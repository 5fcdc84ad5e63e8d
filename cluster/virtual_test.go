package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/transport/memnet"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
	"tinyurl/test/sim/links"
)

// memoryLog is a raft log in memory, which can hang or fail as a disk does.
type memoryLog struct {
	*raft.InmemStore
	fatal func(error)

	mu      sync.Mutex
	failing error         // guarded by mu: what the next writes answer
	hanging chan struct{} // guarded by mu: writes wait until it is closed; nil when they do not
	writing int           // guarded by mu: how many writes are under way
	since   time.Time     // guarded by mu: since when some are
}

func newMemoryLog() *memoryLog { return &memoryLog{InmemStore: raft.NewInmemStore()} }

// open is the LogOpener of a node that has this log; the log survives the node.
func (l *memoryLog) open(c LogConfig) (Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = c.Fatal
	return l, nil
}

func (l *memoryLog) setFailing(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing = err
}

// hang makes writes wait until the function it returns is called.
func (l *memoryLog) hang() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hanging := make(chan struct{})
	l.hanging = hanging
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.hanging = nil
		close(hanging)
	})
}

// write does what every write of the log does.
func (l *memoryLog) write(do func() error) error {
	l.mu.Lock()
	hanging := l.hanging
	if l.writing++; l.writing == 1 {
		l.since = time.Now()
	}
	l.mu.Unlock()
	if hanging != nil {
		<-hanging
	}
	l.mu.Lock()
	failing, fatal := l.failing, l.fatal // a disk that hung may have failed meanwhile
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.writing--; l.writing == 0 {
			l.since = time.Time{}
		}
	}()
	if failing != nil {
		fatal(failing)
		return failing
	}
	return do()
}

func (l *memoryLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }
func (l *memoryLog) StoreLogs(e []*raft.Log) error {
	return l.write(func() error { return l.InmemStore.StoreLogs(e) })
}

func (l *memoryLog) Set(k, v []byte) error {
	return l.write(func() error { return l.InmemStore.Set(k, v) })
}

func (l *memoryLog) SetUint64(k []byte, v uint64) error {
	return l.write(func() error { return l.InmemStore.SetUint64(k, v) })
}

func (l *memoryLog) Term() (uint64, bool) {
	term, err := l.GetUint64([]byte("CurrentTerm"))
	return term, err == nil
}

func (l *memoryLog) WritingSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}
func (l *memoryLog) Close() error { return nil }

// virtualNode is a node whose network and disk are in memory.
type virtualNode struct {
	*Node
	config  Config
	address string
	disk    *vfs.MemFS
	lived   vfs.FS // the disk it was started on last
	log     *memoryLog
	port    *memnet.Port
	fatal   chan error
}

// virtualCluster is nodes in virtual time: whole days pass in a test, and a goroutine that is left behind is found.
type virtualCluster struct {
	t       *testing.T
	network *memnet.Network
	lan     *memnet.LAN
	nodes   []*virtualNode
	tune    func(*Config)
}

// inVirtualTime runs a test of n nodes that found a cluster. What it leaves running when all nodes are closed is an error.
func inVirtualTime(t *testing.T, n int, test func(*virtualCluster)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		v := &virtualCluster{t: t, network: memnet.New(), lan: &memnet.LAN{}}
		for i := range n {
			v.add(fmt.Sprintf("n%d", i+1), n)
		}
		test(v)
		v.closeAll()
		v.nothingRuns()
	})
}

// add makes a node and starts it; expect is its --bootstrap-expect.
func (v *virtualCluster) add(name string, expect int) *virtualNode {
	v.t.Helper()
	secret, err := identity.ParseSecret(testSecret)
	if err != nil {
		v.t.Fatal(err)
	}
	n := &virtualNode{
		address: fmt.Sprintf("10.0.0.%d:7000", len(v.nodes)+1), disk: vfs.NewCrashableMem(), log: newMemoryLog(), fatal: make(chan error, 1),
	}
	n.lived = n.disk
	n.config = Config{
		Name: name, DataDir: "/data", Secret: secret, BootstrapExpect: expect, CacheBytes: 1 << 20,
		Network: Network{Advertise: n.address, Dial: v.network.Dialer(n.address)},
		Environment: Environment{
			FS: n.disk, OpenLog: n.log.open, Logger: slog.New(slog.DiscardHandler),
			Fatal: func(err error) {
				select {
				case n.fatal <- err:
				default:
				}
			},
		},
	}
	if len(v.nodes) > 0 {
		n.config.Join = []string{"10.0.0.1"}
	} else if expect > 1 {
		n.config.Join = []string{"10.0.0.2"}
	}
	v.nodes = append(v.nodes, n)
	if v.tune != nil {
		v.tune(&n.config)
	}
	v.start(n)
	return n
}

// start opens a node on what its disk and its log hold.
func (v *virtualCluster) start(n *virtualNode) {
	v.t.Helper()
	listener, err := v.network.Listen(n.address)
	if err != nil {
		v.t.Fatal(err)
	}
	n.port = v.lan.Plug(byte(slices.Index(v.nodes, n)+1), 7946)
	n.config.Network.Listener, n.config.Network.GossipTransport = listener, n.port
	if n.config.Environment.FS == nil || n.config.Environment.FS == n.lived {
		n.config.Environment.FS, n.lived = n.disk, n.disk // another one after a power failure, unless the test has put something above it
	}
	if n.Node, err = Open(n.config); err != nil {
		v.t.Fatal(err)
	}
}

// stop closes a node without handing leadership over.
func (v *virtualCluster) stop(n *virtualNode) {
	v.t.Helper()
	if n.Node == nil {
		return
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Close(gone); err != nil {
		v.t.Errorf("close %s: %v", n.config.Name, err)
	}
	n.Node = nil
}

// kill is a power failure: from now on the others hear nothing of it, and what it had not synced is lost. The process itself is
// closed, unheard, as no goroutine can be killed.
func (v *virtualCluster) kill(n *virtualNode) {
	v.t.Helper()
	after := n.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, 2))})
	v.isolate(n, true)
	v.stop(n)
	n.disk = after
	v.isolate(n, false)
}

// isolate cuts a node off, on both planes, or joins it again.
func (v *virtualCluster) isolate(n *virtualNode, cut bool) {
	n.port.SetCut(cut)
	for _, o := range v.nodes {
		switch {
		case o == n:
		case cut:
			v.network.Part(n.address, o.address)
		default:
			v.network.Join(n.address, o.address)
		}
	}
}

func (v *virtualCluster) closeAll() {
	v.t.Helper()
	for _, n := range v.nodes {
		v.stop(n)
	}
}

var bubbled = regexp.MustCompile(`^goroutine \d+ \[[^\]]*synctest bubble`)

// nothingRuns reports the goroutines that are left. Memberlist alone does not wait for its own: its streams and probes end with their
// time-outs, a few seconds after it is closed.
func (v *virtualCluster) nothingRuns() {
	v.t.Helper()
	time.Sleep(15 * time.Second)
	synctest.Wait()
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, g := range strings.Split(string(stacks), "\n\n") {
		if bubbled.MatchString(g) && !strings.Contains(g, "nothingRuns") && !strings.Contains(g, "testing/synctest.Test(") &&
			!strings.Contains(g, "synctest.testingSynctestTest(") {
			v.t.Errorf("left running:\n%s", g)
		}
	}
}

// within waits until what holds, in virtual time.
func (v *virtualCluster) within(d time.Duration, what string, holds func() bool) {
	v.t.Helper()
	for end := time.Now().Add(d); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// writable waits until a node takes writes.
func (v *virtualCluster) writable(n *virtualNode) {
	v.t.Helper()
	v.within(time.Minute, n.config.Name+" takes writes", func() bool {
		ctx, cancel := context.WithTimeout(v.t.Context(), time.Second)
		defer cancel()
		return n.Writable(ctx) == nil
	})
}

func (v *virtualCluster) founded() {
	v.t.Helper()
	for _, n := range v.nodes {
		v.writable(n)
	}
}

// leader waits for a leader that is ready.
func (v *virtualCluster) leader() *virtualNode {
	v.t.Helper()
	var leader *virtualNode
	v.within(time.Minute, "a leader is ready", func() bool {
		for _, n := range v.nodes {
			if n.Node != nil && n.group.Load() != nil {
				if _, ready := n.group.Load().leadership.ready(); ready {
					leader = n
					return true
				}
			}
		}
		return false
	})
	return leader
}

// follower is a node that does not lead.
func (v *virtualCluster) follower() *virtualNode {
	v.t.Helper()
	leader := v.leader()
	for _, n := range v.nodes {
		if n != leader && n.Node != nil {
			return n
		}
	}
	v.t.Fatal("no follower")
	return nil
}

// create makes links on a node, which must succeed.
func (v *virtualCluster) create(n *virtualNode, count int) []link.Link {
	v.t.Helper()
	var made []link.Link
	for i := range count {
		results, err := links.Create(v.t.Context(), n, link.Draft{Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.com/%d", i))}})
		if err == nil {
			err = results[0].Err
		}
		if err != nil {
			v.t.Fatal(err)
		}
		made = append(made, results[0].Link)
	}
	return made
}

// load creates links on all nodes until the function it returns is called; that waits for the end. Clients pause: the network takes
// no time, so without a pause no time would ever pass.
func (v *virtualCluster) load() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	each := 4
	if raceDetector {
		each = 2
	}
	for _, n := range v.nodes {
		node := n.Node
		for range each {
			clients.Go(func() {
				for ctx.Err() == nil {
					_, _ = links.Create(ctx, node, link.Draft{Fields: link.Fields{Target: "https://example.com/load"}})
					_, _ = node.Resolve(ctx, "no-such-link")
					time.Sleep(time.Duration(1+rand.IntN(200)) * time.Millisecond)
				}
			})
		}
	}
	return func() { cancel(); clients.Wait() }
}
