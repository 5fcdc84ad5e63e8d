package gossip

import (
	"context"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

const (
	// visitsAtOnce bounds the connections to nodes heard of; each may wait for
	// one that is gone again until StreamTimeout.
	visitsAtOnce = 4
	// visitTries bounds the visits to one life of a node. After them it is left
	// to memberlist's own exchanges, which come to everybody in the end.
	visitTries = 5
)

// greeter visits every node once in each of its lives, to exchange all that
// both know. News travel one way: where nodes changed their addresses while
// they were down, one that others heard of may itself know none of them, and
// could not even answer, until memberlist's next exchange by chance. Whoever
// answers at its address counts: if it is another node, the seeker goes on.
type greeter struct {
	table  *table
	random func() float64
	pause  time.Duration // between two tries, or half of it
	// join exchanges all that is known with whoever is at an address; it is
	// memberlist's Join.
	join func(addrs []string) (int, error)
}

// run works until ctx ends.
func (g *greeter) run(ctx context.Context) {
	var visits sync.WaitGroup
	defer visits.Wait()
	places := make(chan struct{}, visitsAtOnce)
	changes := g.table.watch()
	var greeted map[member.ID]uint64 // the boots of the living
	for {
		living := make(map[member.ID]uint64)
		for _, m := range g.table.members() {
			if m.ID == g.table.self.ID || m.Status != member.Alive {
				continue
			}
			living[m.ID] = m.Boot
			if greeted[m.ID] != m.Boot {
				visits.Go(func() { g.greet(ctx, places, m) })
			}
		}
		greeted = living
		select {
		case <-ctx.Done():
			return
		case <-changes:
		}
	}
}

// greet visits one life of a node until it answers or is over.
func (g *greeter) greet(ctx context.Context, places chan struct{}, m member.Member) {
	for range visitTries {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		// What others were waited for may have taken long.
		if now, _ := g.table.member(m.ID); ctx.Err() != nil || now.Boot != m.Boot || now.Status != member.Alive {
			<-places
			return
		}
		_, err := g.join([]string{m.GossipAddr})
		<-places
		if err == nil {
			return
		}
		select {
		// Not all at once, where many have the same to greet.
		case <-time.After(time.Duration(float64(g.pause) * (0.5 + g.random()/2))):
		case <-ctx.Done():
			return
		}
	}
}
