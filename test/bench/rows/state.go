//go:build linux

package rows

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tinyurl/api/client"
	"tinyurl/test/bench/load"
	"tinyurl/test/bench/rounds"
)

const (
	// fewLinks is what many links are held against.
	fewLinks = 10_000
	// stateClients is how many connections create links while the state is looked at.
	stateClients = 64
	// snapshots is how many pauses are measured: the node takes one in 30 to 60 seconds.
	snapshots = 3
	// snapshotWithin bounds the wait for one, settleWithin that for the store to come to rest.
	snapshotWithin, settleWithin = 3 * time.Minute, 2 * time.Minute
	// cacheSize is the store's block cache while memory is looked at, in the words of the setting and in bytes.
	cacheSize      = "64MiB"
	cacheSizeBytes = 64 << 20
)

// The bounds the state rows are held against.
const (
	restartBound  = 1.5 // seconds
	pauseBound    = 50  // milliseconds
	memoryBound   = 300 // megabytes
	diskBoundEach = 260 // bytes a link
)

func stateRows() []string {
	return []string{
		"state/creates", "state/redirects", "state/redirects-cpu", "state/snapshot-pause", "state/disk", "state/memory", "state/restart",
	}
}

// states looks at a node with many links.
func (b *Bench) states(ctx context.Context) error {
	s, err := b.stocked(ctx, b.Links)
	if err != nil {
		return err
	}
	if b.wantsAny(stateRows()[:3]...) {
		few, err := b.filled(ctx, "few", fewLinks)
		if err != nil {
			return err
		}
		many, little := []*node{s.node}, []*node{few.node}
		b.compare(ctx, rounds.Pair{
			A: b.side(b.creating(many, stateClients)), B: b.side(b.creating(little, stateClients)),
			Readings: []rounds.Reading{rounds.Rate("state/creates")},
		})
		// What creates leave to the stores is not the redirects'.
		if err := b.calm(ctx, s.node.process, few.node.process); err != nil {
			return err
		}
		visit := func(s *stock) rounds.Side {
			return b.side(target{name: fmt.Sprintf("%d links", s.links()), servers: processesOf([]*node{s.node}), load: s.visiting(s.node.http, s.links()), reads: true})
		}
		b.compare(ctx, rounds.Pair{A: visit(s), B: visit(few), Readings: []rounds.Reading{
			rounds.Rate("state/redirects"), rounds.CPU("state/redirects-cpu"),
		}})
		if err := few.node.process.Stop(stopWithin); err != nil {
			return err
		}
	}
	if m, err := s.node.process.Memory(); err == nil {
		b.Report.Note("after filling %s holds %.0f MB, %.0f of them not pages of files, with the block cache it chose", s.node.name,
			float64(m.Resident)/1e6, float64(m.Anonymous)/1e6)
	}
	for _, look := range []struct {
		row, unit string
		bound     float64
		times     int
		measure   func(context.Context) (rounds.Sample, error)
	}{
		{"state/snapshot-pause", "ms", pauseBound, min(b.Rounds, snapshots), s.pause},
		{"state/disk", "B a link", diskBoundEach, 1, s.disk},
		{"state/memory", "MB", memoryBound, b.Rounds, s.memory},
		{"state/restart", "s", restartBound, b.Rounds, s.restart},
	} {
		b.compareTimes(ctx, rounds.Pair{
			A:        rounds.Side{Name: fmt.Sprintf("%d links", s.links()), Measure: look.measure},
			Readings: []rounds.Reading{rounds.Against(look.row, look.unit, look.bound)},
		}, look.times)
	}
	return nil
}

// memory is what the node holds beside the block cache after creates, and redirects by chance through all links, in megabytes.
// The first call starts the node anew with a small cache. Pages of files are not counted, as the kernel takes them back when it
// needs them: bolt maps its file, which keeps the size that it had when the node was filled.
func (s *stock) memory(ctx context.Context) (rounds.Sample, error) {
	b, alone := s.node.bench, []*node{s.node}
	if !slices.Contains(s.node.args, "--cache-size") {
		if err := s.node.again(ctx, "--cache-size", cacheSize); err != nil {
			return rounds.Sample{}, err
		}
	}
	for _, t := range []target{
		b.creating(alone, stateClients),
		{servers: processesOf(alone), load: s.visiting(s.node.http, s.links())},
	} {
		if visited, err := b.put(ctx, t, b.For); err != nil {
			return visited, err
		}
	}
	m, err := s.node.process.Memory()
	b.Report.Note("%s holds %.0f MB, %.0f of them not pages of files, block cache of %s included", s.node.name,
		float64(m.Resident)/1e6, float64(m.Anonymous)/1e6, cacheSize)
	return rounds.Sample{Value: float64(m.Anonymous-cacheSizeBytes) / 1e6}, err
}

// pause is how long the state stood still for a snapshot, in milliseconds: the node's own figure, for the next snapshot that it
// takes while links are made.
func (s *stock) pause(ctx context.Context) (rounds.Sample, error) {
	const sum, count = "tinyurl_fsm_snapshot_seconds_sum", "tinyurl_fsm_snapshot_seconds_count"
	b, deadline := s.node.bench, time.Now().Add(snapshotWithin)
	sumBefore, err := s.node.metric(ctx, sum)
	if err != nil {
		return rounds.Sample{}, err
	}
	countBefore, err := s.node.metric(ctx, count)
	if err != nil {
		return rounds.Sample{}, err
	}
	creating := b.creating([]*node{s.node}, stateClients).load
	creating.For = time.Second
	for time.Now().Before(deadline) {
		r, err := load.Run(ctx, creating)
		if err != nil {
			return rounds.Sample{}, err
		}
		counted, err := s.node.metric(ctx, count)
		if err != nil {
			return rounds.Sample{}, err
		}
		if n := counted - countBefore; n > 0 {
			sumAfter, err := s.node.metric(ctx, sum)
			b.Report.Note("the longest of %d creates around a snapshot took %v", r.Done, r.Longest.Round(time.Millisecond))
			return rounds.Sample{Value: (sumAfter - sumBefore) / n * 1000}, err
		}
	}
	return rounds.Sample{}, fmt.Errorf("no snapshot within %v", snapshotWithin)
}

// disk is what the store takes a link once it has come to rest, in bytes.
func (s *stock) disk(ctx context.Context) (rounds.Sample, error) {
	group := filepath.Join(s.node.dir, "groups", "0")
	size, same := int64(-1), 0
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	deadline := time.After(settleWithin)
	for rested := false; !rested && same < 5; {
		now, err := usage(filepath.Join(group, "state"))
		if err != nil {
			return rounds.Sample{}, err
		}
		if now == size {
			same++
		} else {
			size, same = now, 0
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.node.bench.Report.Note("the store still changed after %v", settleWithin)
			rested = true
		case <-ctx.Done():
			return rounds.Sample{}, ctx.Err()
		}
	}
	all, err := usage(group)
	if err != nil {
		return rounds.Sample{}, err
	}
	api, err := client.New("http://"+s.node.http, rootKey, nil)
	if err != nil {
		return rounds.Sample{}, err
	}
	status, err := api.Cluster(ctx)
	if err != nil {
		return rounds.Sample{}, err
	}
	links := float64(status.Groups[0].Links)
	s.node.bench.Report.Note("%.0f links take %.0f B each in the store, %.0f B with snapshots and the log", links, float64(size)/links, float64(all)/links)
	return rounds.Sample{Value: float64(size) / links}, nil
}

// usage is what a directory takes on disk, in bytes. What has several names counts once.
func usage(dir string) (int64, error) {
	seen := map[uint64]bool{}
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return gone(err)
		}
		info, err := entry.Info()
		if err != nil {
			return gone(err)
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && !seen[s.Ino] {
			seen[s.Ino] = true
			sum += s.Blocks * 512
		}
		return nil
	})
	return sum, err
}

// gone forgives what a store removed while it was looked at.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// restart is the time from a start after kill -9 to ready, in seconds. Links are made until the kill.
func (s *stock) restart(ctx context.Context) (rounds.Sample, error) {
	creating := s.node.bench.creating([]*node{s.node}, stateClients).load
	creating.For = time.Second
	if _, err := load.Run(ctx, creating); err != nil {
		return rounds.Sample{}, err
	}
	if err := s.node.process.Kill(); err != nil {
		return rounds.Sample{}, err
	}
	began := time.Now()
	if err := s.node.start(); err != nil {
		return rounds.Sample{}, err
	}
	redirects := "http://" + s.node.http + "/readyz?redirect"
	if err := waitHTTP(ctx, s.node.process, redirects, readyWithin); err != nil {
		return rounds.Sample{}, err
	}
	first := time.Since(began)
	err := s.node.ready(ctx)
	ready := time.Since(began)
	s.node.bench.Report.Note("after kill -9 it redirects after %v and is ready after %v", first.Round(time.Millisecond), ready.Round(time.Millisecond))
	return rounds.Sample{Value: ready.Seconds()}, err
}
