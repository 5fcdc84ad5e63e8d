//go:build linux

package rows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

// slowBy is what is added to each sync of a file.
const slowBy = time.Millisecond

func slowClients() []int { return []int{1, 64, 1024} }

func logStores() []string { return []string{"bolt", "wal"} }

func slowRow(store string, clients int) string {
	return fmt.Sprintf("slow-%s-create-%d/etcd", store, clients)
}

func slowRows() []string {
	var rows []string
	for _, store := range logStores() {
		for _, n := range slowClients() {
			rows = append(rows, slowRow(store, n))
		}
	}
	return rows
}

// slowDisk compares creates where every sync takes a millisecond more, for both and by the same means: strace lets each fsync
// and fdatasync return late. A filter in the kernel stops the process at these two calls and at no other.
func (b *Bench) slowDisk(ctx context.Context) error {
	strace, err := b.tool(ctx, "strace", "/usr/bin/strace", "strace")
	if err != nil {
		return b.absent(err, b.current...)
	}
	if err := b.traceCost(ctx, strace); err != nil {
		return b.absent(err, b.current...)
	}
	theirs, err := b.etcdTrio(ctx, "slow-etcd", tracer(strace, slowBy))
	if err != nil {
		return b.absent(err, b.current...)
	}
	for _, store := range logStores() {
		if err := b.slowStore(ctx, store, strace, theirs); err != nil {
			return err
		}
	}
	return nil
}

// slowStore measures one of our log stores.
func (b *Bench) slowStore(ctx context.Context, store, strace string, theirs *etcd) error {
	var rows, more []string
	for _, n := range slowClients() {
		rows = append(rows, slowRow(store, n))
	}
	if !b.wantsAny(rows...) {
		return nil
	}
	if b.offers("log-store") {
		more = []string{"--log-store", store}
	} else if store != "bolt" { // which is what the program has had from the beginning
		b.skip("the program has no --log-store", rows...)
		return nil
	}
	nodes, err := b.trio(ctx, "slow-"+store, tracer(strace, slowBy), more...)
	if err != nil {
		return err
	}
	if err := (rounds.Pair{A: b.side(b.creating(nodes, bulkClients)), B: theirs.side(bulkClients)}).Warm(ctx); err != nil {
		return err
	}
	for i, n := range slowClients() {
		b.compare(ctx, rounds.Pair{A: b.side(b.creating(nodes, n)), B: theirs.side(n), Readings: []rounds.Reading{rounds.Rate(rows[i])}})
	}
	for _, n := range nodes {
		if err := n.process.Stop(stopWithin); err != nil {
			return err
		}
	}
	return nil
}

// tracer puts strace around a program. It traces from a process beside it, so that the program itself is what was started.
func tracer(strace string, delay time.Duration) wrapper {
	return func(path string, args []string) (string, []string) {
		inject := []string{"-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"}
		if delay > 0 {
			inject = append(inject, "-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", delay.Microseconds()))
		}
		return strace, append(append(inject, "--", path), args...)
	}
}

// traceCost measures what a sync takes as it is, under strace, and slowed down, and says so. It is an error if the slowing
// does not add about what it should.
func (b *Bench) traceCost(ctx context.Context, strace string) error {
	plain := func(path string, args []string) (string, []string) { return path, args }
	var took [3]time.Duration
	for i, wrap := range []wrapper{plain, tracer(strace, 0), tracer(strace, slowBy)} {
		var err error
		if took[i], err = b.probe(ctx, i, wrap); err != nil {
			return err
		}
	}
	b.Report.Note("a sync here takes %v; under strace %v; slowed by %v %v (medians)", took[0], took[1], slowBy, took[2])
	if added := took[2] - took[1]; added < slowBy/2 || added > 2*slowBy {
		return fmt.Errorf("syncs slowed by %v: %w: %v were added", slowBy, errAbsent, added)
	}
	return nil
}

// probe runs this program's own probe of the disk.
func (b *Bench) probe(ctx context.Context, number int, wrap wrapper) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	path, args := wrap(self, []string{"-probe", filepath.Join(b.Dir, "probe")})
	log := filepath.Join(b.Dir, fmt.Sprintf("probe-%d.log", number))
	p, err := b.start(proc.Command{Name: "probe", Path: path, Args: args, Log: log})
	if err != nil {
		return 0, err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return time.ParseDuration(strings.TrimSpace(p.Last()))
}

// probes is how many syncs a probe makes.
const probes = 200

// Probe syncs a file that grows again and again, and gives the median of the time that takes.
func Probe(path string) (time.Duration, error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	defer file.Close()
	var took []float64
	for range probes {
		if _, err := file.Write(make([]byte, 256)); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(began)))
	}
	return time.Duration(rounds.Median(took)), nil
}
