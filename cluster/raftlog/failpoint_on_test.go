//go:build failpoints

package raftlog

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// controlled opens a log under a control file; order replaces its content.
func controlled(t *testing.T) (l *Log, f *fatals, order func(string)) {
	t.Helper()
	control := filepath.Join(t.TempDir(), "control")
	t.Setenv("TINYURL_FAILPOINTS", control)
	l, f = openTemp(t, nil)
	return l, f, func(content string) {
		t.Helper()
		if err := os.WriteFile(control+".new", []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(control+".new", control); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFailpointFailsWritesAsTheKernelDoes(t *testing.T) {
	for name, want := range map[string]error{"eio": syscall.EIO, "enospc": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			l, f, order := controlled(t)
			if err := l.StoreLog(entry(1, "no file")); err != nil {
				t.Fatal(err)
			}
			order("off")
			if err := l.StoreLog(entry(2, "off")); err != nil {
				t.Fatal(err)
			}
			order(name)
			if err := l.GetLog(2, new(raft.Log)); err != nil {
				t.Fatalf("a read: %v", err)
			}
			if err := l.StoreLog(entry(3, "x")); !errors.Is(err, want) {
				t.Fatalf("a write: %v, want %v", err, want)
			}
			order("off") // the failure is for good
			wantFailed(t, l, f)
		})
	}
}

func TestAFailpointStallsWritesUntilItsFileChanges(t *testing.T) {
	l, f, order := controlled(t)
	order("stall")
	done := make(chan error)
	go func() { done <- l.StoreLog(entry(1, "x")) }()
	for l.WritingSince().IsZero() {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-done:
		t.Fatalf("the write went on: %v", err)
	case <-time.After(5 * failpointPoll):
	}
	order("off")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	order("stall")
	go func() { done <- l.StoreLog(entry(2, "x")) }()
	for l.WritingSince().IsZero() {
		time.Sleep(time.Millisecond)
	}
	order("eio")
	if err := <-done; !errors.Is(err, syscall.EIO) {
		t.Fatalf("a stall that ends in a failure: %v", err)
	}
	wantFailed(t, l, f)
}

func TestAFailpointStallsEachWriteForATime(t *testing.T) {
	l, _, order := controlled(t)
	order("stall 50ms")
	for i := uint64(1); i <= 2; i++ {
		start := time.Now()
		if err := l.StoreLog(entry(i, "x")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 50*time.Millisecond {
			t.Errorf("write %d took %v", i, took)
		}
	}
}

func TestAFailpointRefusesAnOrderItDoesNotKnow(t *testing.T) {
	for _, bad := range []string{"explode", "stall soon"} {
		l, f, order := controlled(t)
		order(bad)
		if err := l.StoreLog(entry(1, "x")); err == nil {
			t.Errorf("%q was passed over", bad)
		}
		wantFailed(t, l, f)
	}
}
