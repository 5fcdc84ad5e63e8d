package cluster

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

func TestLeavingGoesOnWhenItsCallerHasGone(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leaver := c.others(c.leader())[0]
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := leaver.Leave(gone); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	select {
	case <-leaver.Left():
	case <-time.After(20 * time.Second):
		t.Fatal("the departure was forgotten half-way")
	}
}

func TestADepartureWhoseAnswerWasLostIsFoundOut(t *testing.T) {
	c := newTestCluster(t, 3, nil)
	leader := c.leader()
	leaver := c.others(leader)[0]
	id := raft.ServerID(leaver.ID())
	if err := leader.group.Load().raft.RemoveServer(id, 0, 0).Error(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := leaver.Leave(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestAMemberThatWasRemovedWhileItWasCutOffComesBack(t *testing.T) {
	t.Parallel() // it waits more than it works
	c := newTestCluster(t, 3, nil)
	leader := c.leader()
	cut := c.others(leader)[0]
	c.eventually("it has settled", func() bool {
		data, _ := os.ReadFile(cut.log.Name())
		return strings.Contains(string(data), "member of the cluster")
	})
	address := cut.config.Network.Advertise
	c.mu.Lock()
	c.cut[address] = true
	c.mu.Unlock()
	made := c.create(leader, link.Draft{Fields: link.Fields{Target: "https://example.com/"}, Slug: "promo"})
	if err := leader.group.Load().raft.RemoveServer(raft.ServerID(cut.ID()), 0, 0).Error(); err != nil {
		t.Fatal(err)
	}
	if err := links.Delete(t.Context(), leader, made.Code); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	delete(c.cut, address)
	c.mu.Unlock()
	c.eventually("it is a member again and knows what was deleted", func() bool {
		_, err := links.Get(t.Context(), cut, made.Code, true)
		return errors.Is(err, link.ErrGone) && cut.Staleness() == 0
	})
}

func TestFoundingWaitsForSeedsThatDoNotAnswer(t *testing.T) {
	t.Parallel() // it waits more than it works
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := silent.Addr().String()
	silent.Close() // nobody is there, or not yet
	const patience = 2 * time.Second
	c := &testCluster{t: t, cut: map[string]bool{}, seeds: []string{address}, tune: func(c *Config) { c.Tuning.SeedPatience = patience }}
	start := time.Now()
	c.add("n1", 2)
	c.add("n2", 2)
	for _, n := range c.nodes {
		c.writable(n)
	}
	if took := time.Since(start); took < patience {
		t.Fatalf("founded after %v, though a seed might be a cluster", took)
	}
}
