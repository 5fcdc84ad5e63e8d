//go:build linux

package rows

import (
	"context"
	"fmt"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/rounds"
)

// elasticLinks is how many links the nodes of the elastic rows have.
const elasticLinks = 100_000

func elasticRows() []string { return []string{"elastic-2/1", "elastic-3/1"} }

// elastic compares what a redirect costs when it is asked of one node, of two, and of three: with processors of their own, nodes
// would answer so many times as much together as their costs stay the same. All share this machine's processors, so that no more
// than that can be measured here.
func (b *Bench) elastic(ctx context.Context) error {
	first, err := b.member(ctx, "elastic-1")
	if err != nil {
		return err
	}
	nodes := []*node{first}
	for i := range 2 {
		n, err := b.member(ctx, fmt.Sprintf("elastic-%d", i+2), "--replica", "--join", first.gossip)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	s := &stock{node: first}
	if err := s.grow(ctx, elasticLinks); err != nil {
		return err
	}
	if err := b.calm(ctx, processesOf(nodes)...); err != nil {
		return err
	}
	upon := func(n int) rounds.Side {
		return b.side(target{name: fmt.Sprintf("asked of %d", n), servers: processesOf(nodes), load: load.Config{
			Targets: addressesOf(nodes[:n]), Connections: visitors, Status: 302, Location: true, Source: following(first.http, s.first(elasticLinks)),
		}, reads: true, apart: true})
	}
	for i, row := range elasticRows() {
		b.compare(ctx, rounds.Pair{A: upon(i + 2), B: upon(1), Readings: []rounds.Reading{
			{Row: row, Of: func(a, b rounds.Sample) float64 { return b.CPU / a.CPU }},
		}})
	}
	return nil
}
