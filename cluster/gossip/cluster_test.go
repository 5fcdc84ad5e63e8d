package gossip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/cluster/member"
)

// quick is a pace for tests on one machine.
func quick() Tuning {
	return Tuning{
		ProbeInterval:    50 * time.Millisecond,
		ProbeTimeout:     40 * time.Millisecond,
		SuspicionMult:    2,
		GossipInterval:   10 * time.Millisecond,
		PushPullInterval: 300 * time.Millisecond,
		StreamTimeout:    2 * time.Second,
		RetryMin:         20 * time.Millisecond,
		RetryMax:         100 * time.Millisecond,
		Refresh:          200 * time.Millisecond,
		TwinPatience:     500 * time.Millisecond,
	}
}

// testID makes the id of the n-th node of a test.
func testID(n int) member.ID { return member.ID(fmt.Sprintf("n%d-%06x", n, n)) }

func testKey(fill byte) []byte { return bytes.Repeat([]byte{fill}, KeySize) }

// logBuffer collects log lines.
type logBuffer struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

func (b *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// node is a Gossip under test and what it logged.
type node struct {
	*Gossip
	logs *logBuffer
	conf Config
}

// start opens the n-th node of a test on loopback.
func start(t *testing.T, n int, boot uint64, change func(*Config)) *node {
	t.Helper()
	logs := &logBuffer{}
	c := Config{
		Self:     member.Member{ID: testID(n), Boot: boot, ClusterAddr: ":7000", Version: "v-test"},
		BindAddr: "127.0.0.1:0",
		Key:      testKey(1),
		Logger:   logs.logger(),
		Tuning:   quick(),
	}
	if change != nil {
		change(&c)
	}
	g, err := Open(context.Background(), c)
	if err != nil {
		t.Fatalf("Open node %d: %v", n, err)
	}
	t.Cleanup(func() {
		g.Close()
		if t.Failed() {
			t.Logf("log of node %d boot %d:\n%s", n, boot, logs)
		}
	})
	return &node{g, logs, c}
}

// seeded sets the seeds.
func seeded(addrs ...string) func(*Config) { return func(c *Config) { c.Seeds = addrs } }

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// status returns what g believes of a node, "unknown" if nothing.
func status(g *node, id member.ID) string {
	m, ok := g.Member(id)
	if !ok {
		return "unknown"
	}
	return m.Status.String()
}

// converged waits until every node sees all of them alive, and no others.
func converged(t *testing.T, nodes ...*node) {
	t.Helper()
	for _, g := range nodes {
		eventually(t, fmt.Sprintf("%s sees %d living members", g.conf.Self.ID, len(nodes)), func() bool {
			living := 0
			for _, m := range g.Members() {
				if m.Status == member.Alive {
					living++
				}
			}
			return living == len(nodes)
		})
	}
}

func TestNodesFindEachOtherThroughOneSeed(t *testing.T) {
	first := start(t, 1, 1, nil)
	nodes := []*node{first}
	for n := 2; n <= 5; n++ {
		nodes = append(nodes, start(t, n, 1, func(c *Config) {
			c.Seeds = []string{first.Addr()}
			c.Self.HTTPURL = fmt.Sprintf("http://node%d:8080", n)
			c.Self.Zone = "zone-a"
			c.Self.Replica = n == 5
			c.Self.Expect = 3
			c.Self.MaxClusterVersion = 7
		}))
	}
	converged(t, nodes...)

	for _, g := range nodes {
		members := g.Members()
		for i := 1; i < len(members); i++ {
			if members[i-1].ID >= members[i].ID {
				t.Errorf("members not sorted: %s before %s", members[i-1].ID, members[i].ID)
			}
		}
	}
	got, _ := first.Member(testID(5))
	got.Since = time.Time{}
	want := member.Member{
		ID: testID(5), Name: "n5", Boot: 1, GossipAddr: nodes[4].Addr(), ClusterAddr: "127.0.0.1:7000",
		HTTPURL: "http://node5:8080", Version: "v-test", Zone: "zone-a", Replica: true, Expect: 3, MaxClusterVersion: 7,
	}
	if got != want {
		t.Errorf("node 5 is seen as\n%+v, want\n%+v", got, want)
	}
}

func TestASeedThatStartsLaterIsFound(t *testing.T) {
	reserved := start(t, 9, 1, nil)
	addr := reserved.Addr()
	reserved.Close()
	lonely := start(t, 1, 1, seeded(addr))
	eventually(t, "the first attempt has failed", func() bool {
		return strings.Contains(lonely.logs.String(), "could not join")
	})
	late := start(t, 2, 1, func(c *Config) { c.BindAddr = addr })
	converged(t, lonely, late)
}

func TestAFailedNodeIsSeenAndKept(t *testing.T) {
	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, seeded(a.Addr()))
	c := start(t, 3, 1, seeded(a.Addr()))
	converged(t, a, b, c)
	before := time.Now()
	c.Close()
	for _, g := range []*node{a, b} {
		eventually(t, "node 3 is failed", func() bool { return status(g, testID(3)) == "failed" })
		if m, _ := g.Member(testID(3)); m.Since.Before(before) {
			t.Errorf("failed since %v, before it failed at %v", m.Since, before)
		}
		if m, _ := g.Member(testID(2)); m.Status != member.Alive {
			t.Errorf("node 2 is %v", m.Status)
		}
	}
}

func TestANodeThatLeavesIsNotFailed(t *testing.T) {
	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, seeded(a.Addr()))
	c := start(t, 3, 1, seeded(a.Addr()))
	converged(t, a, b, c)
	if err := c.Leave(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := c.Leave(time.Second); err != nil {
		t.Errorf("second Leave: %v", err)
	}
	for _, g := range []*node{a, b} {
		eventually(t, "node 3 has left", func() bool { return status(g, testID(3)) == "left" })
	}
	if err := c.SetMeta(func(m *member.Member) { m.Zone = "elsewhere" }); err != nil {
		t.Errorf("SetMeta after Leave: %v", err)
	}
}

func TestARestartAtANewAddressWins(t *testing.T) {
	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, seeded(a.Addr()))
	old := start(t, 3, 4, seeded(a.Addr()))
	converged(t, a, b, old)
	old.Close() // a crash: no goodbye
	again := start(t, 3, 5, seeded(a.Addr()))
	for _, g := range []*node{a, b, again} {
		eventually(t, "boot 5 is alive at its new address", func() bool {
			m, _ := g.Member(testID(3))
			return m.Boot == 5 && m.Status == member.Alive && m.GossipAddr == again.Addr()
		})
	}
	eventually(t, "the old boot is no twin any more", func() bool { return len(again.Twins()) == 0 })
	// The old boot's death must not count against the new one.
	for _, g := range []*node{a, b} {
		if m, _ := g.Member(testID(3)); m.Boot != 5 || m.Status != member.Alive {
			t.Errorf("node 3 is boot %d, %v", m.Boot, m.Status)
		}
	}
	select {
	case err := <-again.Conflict():
		t.Errorf("a plain restart counts as a copy: %v", err)
	default:
	}
}

func TestChangedMetadataSpreads(t *testing.T) {
	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, seeded(a.Addr()))
	converged(t, a, b)
	changes := a.Changes()
	id := member.Founding([]member.ID{testID(1), testID(2)}, 0)
	if err := b.SetMeta(func(m *member.Member) {
		m.ClusterID = id
		m.ID, m.Boot = "somebody-else", 99 // not for it to change
	}); err != nil {
		t.Fatal(err)
	}
	if m, _ := b.Member(testID(2)); m.ClusterID != id {
		t.Errorf("own entry has cluster %v at once, want %v", m.ClusterID, id)
	}
	eventually(t, "node 1 knows the cluster of node 2", func() bool {
		m, _ := a.Member(testID(2))
		return m.ClusterID == id
	})
	select {
	case <-changes:
	default:
		t.Error("no token on Changes")
	}
}

func TestTooMuchMetadataIsRefused(t *testing.T) {
	long := strings.Repeat("z", MaxMeta)
	_, err := Open(context.Background(), Config{
		Self: member.Member{ID: testID(1), Boot: 1, Zone: long}, BindAddr: "127.0.0.1:0",
		Key: testKey(1), Logger: new(logBuffer).logger(),
	})
	if err == nil || !strings.Contains(err.Error(), "the zone 512") {
		t.Errorf("Open: %v, want the zone's length named", err)
	}

	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, seeded(a.Addr()))
	converged(t, a, b)
	if err := b.SetMeta(func(m *member.Member) { m.HTTPURL = long }); err == nil {
		t.Error("SetMeta took too much")
	}
	if m, _ := b.Member(testID(2)); m.HTTPURL != "" {
		t.Error("a refused change was made")
	}
	// What just fits leaves room for the goodbye.
	fits := 0
	for n := MaxMeta; n > 0 && fits == 0; n-- {
		if b.SetMeta(func(m *member.Member) { m.HTTPURL = strings.Repeat("u", n) }) == nil {
			fits = n
		}
	}
	if err := b.Leave(5 * time.Second); err != nil {
		t.Errorf("Leave with %d bytes of URL: %v", fits, err)
	}
	eventually(t, "node 2 has left", func() bool { return status(a, testID(2)) == "left" })
}

func TestClosedGossipIsQuiet(t *testing.T) {
	a := start(t, 1, 1, nil)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := a.Leave(time.Second); err != nil {
		t.Errorf("Leave: %v", err)
	}
	if err := a.SetMeta(func(*member.Member) {}); err != nil {
		t.Errorf("SetMeta: %v", err)
	}
	if a.Addr() == "" || len(a.Members()) != 1 {
		t.Error("what was known is gone")
	}
}
