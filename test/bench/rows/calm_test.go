//go:build linux

package rows

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"tinyurl/test/bench/proc"
	"tinyurl/test/bench/rounds"
)

// script runs a shell script as a server.
func script(t *testing.T, b *Bench, name, text string) *proc.Process {
	t.Helper()
	p, err := b.start(proc.Command{Name: name, Path: "/bin/sh", Args: []string{"-c", text}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func TestServersAreWaitedForUntilTheyAreAtRest(t *testing.T) {
	var out strings.Builder
	b := bench(t, &out)
	idle := script(t, b, "idle", "exec sleep 60")
	if err := b.calm(t.Context(), idle); err != nil || out.String() != "" {
		t.Fatalf("%v: %s", err, out.String())
	}
	// It turns for a second of processor time at most, and sleeps then.
	restless := script(t, b, "restless", "(ulimit -t 1; while :; do :; done); exec sleep 60")
	if err := b.calm(t.Context(), idle, restless); err != nil || !strings.Contains(out.String(), "idle, restless came to rest after ") {
		t.Errorf("%v: %s", err, out.String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := b.calm(ctx, idle); err == nil {
		t.Error("the wait outlived its context")
	}
	if err := idle.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := b.calm(t.Context(), idle); err == nil {
		t.Error("who has ended is at rest")
	}
}

func TestServersAreWarmedUpOnceAfterTheirStart(t *testing.T) {
	b := bench(t, io.Discard)
	one, other := script(t, b, "one", "exec sleep 60"), script(t, b, "other", "exec sleep 60")
	var loads []time.Duration
	put := func(_ context.Context, d time.Duration) (rounds.Sample, error) {
		loads = append(loads, d)
		return rounds.Sample{Rate: 1e9}, nil
	}
	for _, c := range []struct {
		servers []*proc.Process
		reads   bool
		load    time.Duration
	}{
		{[]*proc.Process{one}, false, b.For},
		{[]*proc.Process{one}, false, 0},
		{[]*proc.Process{one, other}, true, warmSlice}, // which touches little memory
		{[]*proc.Process{other}, true, 0},
	} {
		loads = nil
		if err := b.warming(c.servers, c.reads, put)(t.Context()); err != nil {
			t.Fatal(err)
		}
		if (c.load == 0) != (len(loads) == 0) || len(loads) > 1 || len(loads) == 1 && loads[0] != c.load {
			t.Errorf("loaded for %v instead of %v", loads, c.load)
		}
	}
}

func TestAHeapThatGrowsIsLoadedOn(t *testing.T) {
	b := bench(t, io.Discard)
	p := script(t, b, "grower", `x=x; i=0; while [ $i -lt 20 ]; do x=$x$x; i=$((i+1)); sleep 0.02; done; exec sleep 60`)
	slices := 0
	err := warmUp(t.Context(), []*proc.Process{p}, func(ctx context.Context, _ time.Duration) (rounds.Sample, error) {
		slices++
		if slices > 1 {
			return rounds.Sample{Rate: 1e9}, nil
		}
		before, err := proc.Faults(p)
		if err != nil {
			return rounds.Sample{}, err
		}
		return rounds.Sample{Rate: 1}, wait(ctx, p, 10*time.Second, func(context.Context) error {
			now, err := proc.Faults(p)
			if err == nil && now < before+10 {
				err = errBusy
			}
			return err
		})
	})
	if err != nil || slices < 2 {
		t.Errorf("%d slices, %v", slices, err)
	}
}
