package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/cluster"
	"tinyurl/cluster/identity"
	"tinyurl/cluster/transport/memnet"
	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// machine is a node of a cluster in virtual time, on a disk.
type machine struct {
	name, address string
	disk          *Disk
	node          *cluster.Node
	port          *memnet.Port
	fatal         *fatals
}

// machines are three nodes and what was acknowledged.
type machines struct {
	t       *testing.T
	network *memnet.Network
	lan     *memnet.LAN
	all     []*machine
	tuning  cluster.Tuning

	mu    sync.Mutex
	acked []link.Link // guarded by mu
}

// onThreeDisks runs a test of a cluster. In the end every node has to close, every goroutine to end, and every acknowledged link to
// be on every node.
func onThreeDisks(t *testing.T, test func(*machines)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &machines{t: t, network: memnet.New(), lan: &memnet.LAN{}, tuning: cluster.Tuning{
			SnapshotThreshold: 40, TrailingLogs: 10, SnapshotInterval: 3 * time.Second,
		}}
		for i := range 3 {
			c.all = append(c.all, &machine{name: fmt.Sprintf("n%d", i+1), address: fmt.Sprintf("10.0.0.%d:7000", i+1), disk: New()})
		}
		for _, m := range c.all {
			c.start(m)
		}
		c.leader()
		stop := c.load()
		time.Sleep(10 * time.Second)
		test(c)
		time.Sleep(10 * time.Second)
		stop()
		c.verify()
		for _, m := range c.all {
			c.stop(m)
		}
		time.Sleep(15 * time.Second) // memberlist does not wait for its own
	})
}

func (c *machines) start(m *machine) {
	c.t.Helper()
	if err := c.open(m); err != nil {
		c.t.Fatalf("%s: %v", m.name, err)
	}
}

// open starts a node on its disk.
func (c *machines) open(m *machine) error {
	secret, err := identity.ParseSecret(strings.Repeat("ab", 32))
	if err != nil {
		return err
	}
	listener, err := c.network.Listen(m.address)
	if err != nil {
		return err
	}
	number := slices.Index(c.all, m) + 1
	m.port, m.fatal = c.lan.Plug(byte(number), 7946), &fatals{}
	node, err := cluster.Open(cluster.Config{
		Name: m.name, DataDir: "/data", Secret: secret, BootstrapExpect: 3, CacheBytes: 1 << 20, Tuning: c.tuning,
		Join: []string{fmt.Sprintf("10.0.0.%d", 1+number%3)},
		Network: cluster.Network{
			Listener: listener, Advertise: m.address, Dial: c.network.Dialer(m.address), GossipTransport: m.port,
		},
		Environment: cluster.Environment{
			FS: m.disk.FS(), OpenLog: m.disk.OpenLog, Logger: slog.New(slog.DiscardHandler), Fatal: m.fatal.tell,
		},
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	m.node = node
	c.mu.Unlock()
	return nil
}

// stop closes a node, which must take no longer than the calls it has under way.
func (c *machines) stop(m *machine) {
	c.t.Helper()
	c.mu.Lock()
	node := m.node
	m.node = nil
	c.mu.Unlock()
	if node == nil {
		return
	}
	gone, cancel := context.WithCancel(c.t.Context())
	cancel()
	began := time.Now()
	if err := node.Close(gone); err != nil && len(m.fatal.all()) == 0 {
		c.t.Errorf("close %s: %v", m.name, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		c.t.Errorf("%s took %v to close", m.name, took)
	}
}

// crash is a power failure of a machine, and kill the end of its process.
func (c *machines) crash(m *machine, seed uint64) {
	c.end(m, func() *Disk { return m.disk.Crash(newRand(seed)) })
}

func (c *machines) kill(m *machine) { c.end(m, m.disk.Kill) }

func (c *machines) end(m *machine, next func() *Disk) {
	c.t.Helper()
	c.isolate(m, true)
	m.disk = next()
	c.stop(m)
	c.isolate(m, false)
}

func (c *machines) isolate(m *machine, cut bool) {
	m.port.SetCut(cut)
	for _, o := range c.all {
		switch {
		case o == m:
		case cut:
			c.network.Part(m.address, o.address)
		default:
			c.network.Join(m.address, o.address)
		}
	}
}

// current is the node that runs on a machine, nil when none does.
func (c *machines) current(m *machine) *cluster.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.node
}

// within waits until something holds.
func (c *machines) within(d time.Duration, what string, holds func() bool) {
	c.t.Helper()
	for end := time.Now().Add(d); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// leader waits for a machine whose node says that it leads, and that takes writes; not is none of it.
func (c *machines) leader(not ...*machine) (leader *machine) {
	c.t.Helper()
	c.within(2*time.Minute, "a leader", func() bool {
		for _, m := range c.all {
			n := c.current(m)
			if n == nil || slices.Contains(not, m) {
				continue
			}
			ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
			err := n.Writable(ctx)
			s := n.Status(ctx)
			cancel()
			if err == nil && len(s.Groups) == 1 && s.Groups[0].Leader == n.ID() {
				leader = m
				return true
			}
		}
		return false
	})
	return leader
}

// follower is a machine that does not lead.
func (c *machines) follower() *machine {
	c.t.Helper()
	return c.all[(slices.Index(c.all, c.leader())+1)%3]
}

// load creates links on all nodes until the function it returns is called.
func (c *machines) load() (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var clients sync.WaitGroup
	for number, m := range c.all {
		clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				time.Sleep(time.Duration(90+10*number) * time.Millisecond)
				if n := c.current(m); n != nil {
					c.create(ctx, n, fmt.Sprintf("https://example.com/%s/%d", m.name, i))
				}
			}
		})
	}
	return func() { cancel(); clients.Wait() }
}

func (c *machines) create(ctx context.Context, n *cluster.Node, target string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	results, err := links.Create(ctx, n, link.Draft{Fields: link.Fields{Target: link.Target(target)}})
	if err != nil || results[0].Err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked = append(c.acked, results[0].Link)
}

func (c *machines) made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acked)
}

// verify checks that every acknowledged link is on every node, and that no node of the end has failed.
func (c *machines) verify() {
	c.t.Helper()
	c.mu.Lock()
	acked := slices.Clone(c.acked)
	c.mu.Unlock()
	for _, m := range c.all {
		c.within(time.Minute, m.name+" has the last link", func() bool {
			_, err := links.Get(c.t.Context(), m.node, acked[len(acked)-1].Code, true)
			return err == nil
		})
		for _, want := range acked {
			ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
			got, err := links.Get(ctx, m.node, want.Code, false)
			cancel()
			if err != nil || got.Target != want.Target {
				c.t.Errorf("%s: acknowledged %s for %s, found %q, %v", m.name, want.Code, want.Target, got.Target, err)
			}
		}
		if told := m.fatal.all(); len(told) != 0 {
			c.t.Errorf("%s has failed: %v", m.name, told)
		}
	}
	c.t.Logf("%d links", len(acked))
}

// writesGoOn waits until more links are made.
func (c *machines) writesGoOn() {
	c.t.Helper()
	before := c.made()
	c.within(time.Minute, "more links", func() bool { return c.made() > before+30 })
}

// leading and following pick the machine that gets sick.
var roles = map[string]func(*machines) *machine{
	"leader":   func(c *machines) *machine { return c.leader() },
	"follower": (*machines).follower,
}

func forRoles(t *testing.T, test func(c *machines, sick *machine)) {
	for role, pick := range roles {
		t.Run(role, func(t *testing.T) { onThreeDisks(t, func(c *machines) { test(c, pick(c)) }) })
	}
}

func TestANodeWhoseDiskStallsIsBackWhenItGoesOn(t *testing.T) {
	forRoles(t, func(c *machines, sick *machine) {
		sick.disk.SetStalled(true)
		c.leader(sick)
		c.writesGoOn()
		time.Sleep(20 * time.Second)
		sick.disk.SetStalled(false)
		time.Sleep(10 * time.Second)
	})
}

func TestThePowerFailsWhileADiskStalls(t *testing.T) {
	forRoles(t, func(c *machines, sick *machine) {
		sick.disk.SetStalled(true)
		c.leader(sick)
		c.writesGoOn()
		c.crash(sick, 4)
		c.start(sick)
	})
}

func TestANodeWhoseDiskFailsStopsAndComesBack(t *testing.T) {
	forRoles(t, func(c *machines, sick *machine) {
		sick.disk.SetFailing(true)
		c.within(time.Minute, "the node says that it cannot go on", func() bool { return len(sick.fatal.all()) == 1 })
		if err := sick.fatal.all()[0]; !errors.Is(err, syscall.EIO) {
			c.t.Errorf("the reason is %v", err)
		}
		c.leader(sick)
		c.writesGoOn()
		c.kill(sick)
		sick.disk.SetFailing(true)
		if err := c.open(sick); !errors.Is(err, syscall.EIO) {
			c.t.Errorf("it starts on a disk that fails: %v", err)
		}
		sick.disk.SetFailing(false)
		c.start(sick)
	})
}

func TestANodeOnAFullDiskStopsThenOnlyRedirectsThenIsBack(t *testing.T) {
	forRoles(t, func(c *machines, sick *machine) {
		sick.disk.SetFull(true)
		c.within(time.Minute, "the node says that it cannot go on", func() bool { return len(sick.fatal.all()) == 1 })
		if err := sick.fatal.all()[0]; !errors.Is(err, syscall.ENOSPC) {
			c.t.Errorf("the reason is %v", err)
		}
		old := c.acked[0]
		for life := range 3 {
			c.kill(sick)
			sick.disk.SetFull(true)
			c.start(sick) // in the room of its ballast
			if got, err := sick.node.Resolve(c.t.Context(), old.Code); err != nil || got.Target != old.Target {
				c.t.Errorf("life %d: a redirect: %+v, %v", life, got, err)
			}
			if _, err := links.Create(c.t.Context(), sick.node, link.Draft{Fields: link.Fields{Target: "https://example.com/"}}); !errors.Is(err, link.ErrDiskFull) {
				c.t.Errorf("life %d: a write: %v", life, err)
			}
			c.leader(sick)
			c.writesGoOn()
		}
		sick.disk.SetFull(false)
	})
}

func TestALeaderThatIsShortOfSpaceHandsOver(t *testing.T) {
	forRoles(t, func(c *machines, sick *machine) {
		sick.disk.SetFree(100 << 20)
		c.leader(sick)
		c.writesGoOn()
		if err := sick.node.Writable(c.t.Context()); !errors.Is(err, link.ErrDiskFull) {
			c.t.Errorf("it says that it is writable: %v", err)
		}
		if told := sick.fatal.all(); len(told) != 0 {
			c.t.Errorf("it has failed: %v", told)
		}
		sick.disk.SetFull(false)
	})
}

func TestWritesGoOnWhileAllDisksAreSlow(t *testing.T) {
	onThreeDisks(t, func(c *machines) {
		for _, m := range c.all {
			m.disk.SetSyncDelay(150 * time.Millisecond)
		}
		c.writesGoOn()
		for _, m := range c.all {
			m.disk.SetSyncDelay(0)
		}
	})
}

func TestNothingIsLostWhenThePowerOfAllFails(t *testing.T) {
	for seed := range uint64(3) {
		onThreeDisks(t, func(c *machines) {
			for _, m := range c.all {
				c.isolate(m, true)
			}
			for i, m := range c.all {
				m.disk = m.disk.Crash(newRand(3*seed + uint64(i)))
			}
			for _, m := range c.all {
				c.stop(m)
				c.isolate(m, false)
			}
			for _, m := range c.all {
				c.start(m)
			}
			c.leader()
		})
	}
}
