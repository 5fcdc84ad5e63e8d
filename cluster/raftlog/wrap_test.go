package raftlog

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// gapless is a store that says of itself what raft-wal says.
type gapless struct{ Store }

func (gapless) IsMonotonic() bool { return true }

func TestMonotonicIsForwarded(t *testing.T) {
	l, f := openTemp(t, nil)
	if l.IsMonotonic() {
		t.Error("bolt tolerates gaps, the wrapper says it does not")
	}
	wrapped, err := Wrap(gapless{l.inner}, Config{Fatal: f.report})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := raft.NewLogCache(8, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if !cache.IsMonotonic() {
		t.Error("IsMonotonic of the store is hidden")
	}
}

func TestWriteLatencyIsMeasuredByKind(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	l, f := openTemp(t, func(c *Config) { c.Registerer = registry })
	if err := l.StoreLog(entry(1, "x")); err != nil {
		t.Fatal(err)
	}
	if err := l.SetUint64(keyCurrentTerm, 1); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || len(families[0].Metric) != 2 {
		t.Fatalf("gathered %v (%v), want one family of two series", families, err)
	}
	if name := families[0].GetName(); name != "tinyurl_raft_log_write_seconds" {
		t.Errorf("metric is named %s", name)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) != 0 {
		t.Errorf("metric lint: %v, %v", problems, err)
	}
	if _, err := Wrap(l.inner, Config{Fatal: f.report, Registerer: registry}); err == nil {
		t.Error("a second log on one registry is not refused")
	}
}

func TestFatalIsRequired(t *testing.T) {
	if _, err := Wrap(nil, Config{}); err == nil {
		t.Error("a log without Fatal was made")
	}
}

// TestALargeLogReopensSound checks the inspection at open against trees of
// several levels, values of many pages, and the free pages deletes leave.
func TestALargeLogReopensSound(t *testing.T) {
	onEachEngine(t, func(t *testing.T, k kind) {
		path := filepath.Join(t.TempDir(), "raft.db")
		size := func(i uint64) int { return []int{10, 4096, 100, 300_000, 0, 5000}[i%6] }
		next := uint64(1)
		rounds := 4
		if raceDetector { // one goroutine
			rounds = 2
		}
		for round := range rounds {
			l, f := k.openAt(t, path, nil)
			for range 20 {
				var entries []*raft.Log
				for range 10 {
					entries = append(entries, entry(next, string(bytes.Repeat([]byte{byte(next)}, size(next)))))
					next++
				}
				if err := l.StoreLogs(entries); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.DeleteRange(1, next-150); err != nil {
				t.Fatal(err)
			}
			for i := next - 149; i < next; i++ {
				var got raft.Log
				if err := l.GetLog(i, &got); err != nil || len(got.Data) != size(i) {
					t.Fatalf("round %d: entry %d has %d bytes, want %d (%v)", round, i, len(got.Data), size(i), err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if len(f.all()) != 0 {
				t.Fatalf("Fatal was told %v", f.all())
			}
		}
	})
}
