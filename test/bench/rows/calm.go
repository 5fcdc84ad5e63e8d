//go:build linux

package rows

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

const (
	// A server is at rest when it takes no more than a fiftieth of a processor through one interval. /proc counts in steps of just that.
	restInterval = 500 * time.Millisecond
	restCPU      = restInterval / 50
	// restWithin bounds the wait for that.
	restWithin = time.Minute
)

// calm waits until servers are at rest: what a load leaves behind, as the compaction of a store, is not to be measured with the next
// one. A server that does not come to rest is measured all the same, with a note.
func (b *Bench) calm(ctx context.Context, servers ...*proc.Process) error {
	began := time.Now()
	tick := time.NewTicker(restInterval)
	defer tick.Stop()
	before, err := each(servers)
	for err == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		var now []time.Duration
		if now, err = each(servers); err != nil {
			break
		}
		var restless []string
		for i, p := range servers {
			if took := now[i] - before[i]; took > restCPU {
				restless = append(restless, fmt.Sprintf("%s at %.0f %% of a processor", p.Name, 100*took.Seconds()/restInterval.Seconds()))
			}
		}
		waited := time.Since(began)
		switch {
		case len(restless) == 0 && waited > 2*restInterval:
			b.Report.Note("%s came to rest after %v", names(servers), waited.Round(restInterval))
			return nil
		case len(restless) == 0:
			return nil
		case waited > restWithin:
			b.Report.Note("not at rest after %v: %s", restWithin, strings.Join(restless, ", "))
			return nil
		}
		before = now
	}
	return err
}

// each reads the processor time of every one of the servers.
func each(servers []*proc.Process) ([]time.Duration, error) {
	took, errs := make([]time.Duration, len(servers)), make([]error, len(servers))
	for i, p := range servers {
		took[i], errs[i] = proc.CPU(p)
	}
	return took, errors.Join(errs...)
}

func names(servers []*proc.Process) string {
	var all []string
	for _, p := range servers {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}

const (
	// A heap is fresh while more than one request in so many touches a page that the process had not yet: until its first collections
	// Go takes new memory for everything.
	requestsPerFault = 50
	// warmSlices bounds how often a fresh heap is loaded for a second.
	warmSlices = 10
	warmSlice  = time.Second
)

// warming warms servers up that were not loaded since they started, with the load of their side: until their heaps have stopped
// growing where nothing is written, for as long as one measurement where a log and a store grow with every request anyway.
func (b *Bench) warming(servers []*proc.Process, reads bool, put func(context.Context, time.Duration) (rounds.Sample, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		fresh := false
		for _, p := range servers {
			fresh = fresh || !b.loaded[p]
			b.loaded[p] = true
		}
		switch {
		case !fresh:
			return nil
		case !reads:
			_, err := put(ctx, b.For)
			return err
		}
		return warmUp(ctx, servers, put)
	}
}

// warmUp loads servers until they touch no more new memory.
func warmUp(ctx context.Context, servers []*proc.Process, put func(context.Context, time.Duration) (rounds.Sample, error)) error {
	for range warmSlices {
		before, err := proc.Faults(servers...)
		if err != nil {
			return err
		}
		s, err := put(ctx, warmSlice)
		if err != nil {
			return err
		}
		after, err := proc.Faults(servers...)
		if err != nil {
			return err
		}
		if float64(after-before)*requestsPerFault < s.Rate*warmSlice.Seconds() {
			return nil
		}
	}
	return nil
}
