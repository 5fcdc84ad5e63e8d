//go:build linux

package rows

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"tinyurl/test/bench/load"
	"tinyurl/test/bench/rounds"
)

const (
	// missRate is how many unknown codes a second a follower is asked for.
	missRate = 10_000
	// The load that must not suffer: so many creates and hits a second, which leaves room on two processors.
	baseCreates, baseHits = 500, 4000
	// baseClients is how many connections make links, and as many follow them.
	baseClients = 16
	// missClients is how many connections ask for unknown codes: so many that the rate holds while each waits a while.
	missClients = 1000
	// missLinks is how many links are followed.
	missLinks = 100_000
)

func missRows() []string {
	return []string{"misses/creates", "misses/hits", "misses-full/creates", "misses-full/hits"}
}

// misses compares creates and hits with unknown codes asked for beside them to the same without: once at a rate that the machine
// has room for, and once as fast as clients go on, where all take the same two processors from each other.
func (b *Bench) misses(ctx context.Context) error {
	nodes, err := b.trio(ctx, "misses", nil)
	if err != nil {
		return err
	}
	if nodes, err = leader(ctx, nodes); err != nil {
		return err
	}
	s := &stock{node: nodes[0]}
	if err := s.grow(ctx, missLinks); err != nil {
		return err
	}
	if err := b.calm(ctx, processesOf(nodes)...); err != nil {
		return err
	}
	for _, c := range []struct {
		row           string
		creates, hits float64
	}{{"misses", baseCreates, baseHits}, {"misses-full", 0, 0}} {
		base := mixture{creates: b.creating(nodes, baseClients).load, hits: load.Config{
			Targets: addressesOf(nodes), Connections: baseClients, Status: 302, Location: true, Source: following(nodes[0].http, s.first(missLinks)),
		}}
		base.creates.Rate, base.hits.Rate = c.creates, c.hits
		beside := base
		beside.misses = &load.Config{
			Targets: []string{nodes[1].http}, Connections: missClients, Status: 404, Rate: missRate, Source: unknown(nodes[1].http),
		}
		b.compare(ctx, rounds.Pair{
			A: b.mixed("with misses", nodes, beside), B: b.mixed("without", nodes, base),
			Readings: []rounds.Reading{
				rounds.Rate(c.row + "/creates"),
				{Row: c.row + "/hits", Of: func(a, b rounds.Sample) float64 { return a.Value / b.Value }},
			},
		})
	}
	return nil
}

// mixture is several loads at once; misses may be nil.
type mixture struct {
	creates, hits load.Config
	misses        *load.Config
}

// mixed makes a side of a mixture: its rate is creates a second, its value hits a second.
func (b *Bench) mixed(name string, nodes []*node, m mixture) rounds.Side {
	put := func(ctx context.Context, d time.Duration) (rounds.Sample, error) {
		configs := []load.Config{m.creates, m.hits}
		if m.misses != nil {
			configs = append(configs, *m.misses)
		}
		results, err := b.together(ctx, configs, d)
		if err != nil {
			return rounds.Sample{}, err
		}
		if m.misses != nil && (results[2].Rate() < 0.9*missRate || results[2].Wrong > 0) {
			b.Report.Note("%.0f misses/s were answered as such; %d other answers: %.80q", results[2].Rate(), results[2].Wrong, results[2].FirstWrong)
		}
		creates, hits := results[0], results[1]
		return rounds.Sample{Rate: creates.Rate(), Value: hits.Rate(), Median: creates.Median, Tail: creates.Tail},
			errors.Join(tolerable(creates), tolerable(hits))
	}
	return rounds.Side{
		Name:    name,
		Measure: func(ctx context.Context) (rounds.Sample, error) { return put(ctx, b.For) },
		Warm:    b.warming(processesOf(nodes), false, put),
	}
}

// together runs several loads at once, for so long.
func (b *Bench) together(ctx context.Context, configs []load.Config, d time.Duration) ([]load.Result, error) {
	results, errs := make([]load.Result, len(configs)), make([]error, len(configs))
	var all sync.WaitGroup
	for i, c := range configs {
		all.Go(func() {
			c.Warm, c.For = b.Warm, d
			results[i], errs[i] = load.Run(ctx, c)
		})
	}
	all.Wait()
	return results, errors.Join(errs...)
}

// unknown asks for codes by chance: there are so many that none of them is known.
func unknown(host string) func(int) load.Source {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	before, after := load.Get(host, "/")
	return func(int) load.Source {
		chance := rand.NewPCG(rand.Uint64(), 1)
		return func(dst []byte) []byte {
			dst = append(dst, before...)
			for n, i := chance.Uint64(), 0; i < codeLength; i++ {
				dst = append(dst, letters[n%uint64(len(letters))])
				n /= uint64(len(letters))
			}
			return append(dst, after...)
		}
	}
}
