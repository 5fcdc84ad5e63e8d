package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func testStore(t *testing.T, r prometheus.Registerer) *Store {
	t.Helper()
	s, err := Open("data", Options{FS: vfs.NewMem(), Registerer: r, Group: 4, Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAGenerationIsDrainedOnceAndForGood(t *testing.T) {
	for range 200 {
		g := newGeneration(1, nil, nil, nil, nil)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 50 {
					if !g.acquire() {
						return
					}
					select {
					case <-g.drained:
						t.Error("drained under a reader")
					default:
					}
					g.release()
				}
			})
		}
		g.release()
		readers.Wait()
		<-g.drained
		if g.acquire() {
			t.Fatal("a drained generation was acquired")
		}
	}
}

func TestCloseWaitsForReaders(t *testing.T) {
	s := testStore(t, nil)
	g, err := s.acquire()
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for { // until Close has begun
		s.write.Lock()
		begun := s.closed
		s.write.Unlock()
		if begun {
			break
		}
	}
	select {
	case err := <-closed:
		t.Fatalf("closed under a reader: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if _, err := readEngine(g.db, s.schema.position(nil)); err != nil {
		t.Errorf("the reader's read failed: %v", err)
	}
	g.release()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := s.Verify(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a verification after Close: %v", err)
	}
	if err := s.Sync(); !errors.Is(err, ErrClosed) {
		t.Errorf("a sync after Close: %v", err)
	}
}

func TestMetricsAreCleanAndLeaveWithTheStore(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	s := testStore(t, r)
	if err := addLinks(s, 100); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil || len(families) != 7 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) != 0 {
		t.Errorf("%v, %v", problems, err)
	}
	for _, f := range families {
		labels := f.GetMetric()[0].GetLabel()
		if len(labels) != 1 || labels[0].GetName() != "group" || labels[0].GetValue() != "4" {
			t.Errorf("%s is labelled %v", f.GetName(), labels)
		}
		if f.GetName() == "tinyurl_store_disk_bytes" && f.GetMetric()[0].GetGauge().GetValue() == 0 {
			t.Error("the state takes no space")
		}
	}
	if _, err := Open("other", Options{FS: vfs.NewMem(), Registerer: r, Group: 4, Fatal: func(error) {}}); err == nil {
		t.Error("two stores showed the same metrics")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if families, err := r.Gather(); len(families) != 0 || err != nil {
		t.Errorf("%d metrics of a closed store, %v", len(families), err)
	}
	again := testStore(t, r)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
