package disk

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster"
	"tinyurl/cluster/raftlog"
)

// lastOf opens a log and gives its last index and its term.
func lastOf(t *testing.T, d *Disk) (last, term uint64) {
	t.Helper()
	log, _ := openLog(t, d)
	defer log.Close()
	last, err := log.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= last; i++ {
		if err := log.GetLog(i, new(raft.Log)); err != nil {
			t.Errorf("entry %d of %d: %v", i, last, err)
		}
	}
	term, _ = log.Term()
	return last, term
}

// A product that leaves the sync of its log out loses what it has acknowledged, from the end, and never the middle of it.
func TestAPowerFailureTakesTheEndOfALogThatIsNotSynced(t *testing.T) {
	var lost, kept, between int
	for seed := range uint64(100) {
		d := New()
		if err := d.FS().MkdirAll("/data", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := flush(d, "/"); err != nil {
			t.Fatal(err)
		}
		f := &fatals{}
		log, err := raftlog.Open(raftlog.Config{Engine: d.logs, Path: "/data/raft.db", NoSync: true, Fatal: f.tell})
		if err != nil {
			t.Fatal(err)
		}
		for i := uint64(1); i <= 20; i++ {
			if err := errors.Join(log.SetUint64([]byte("CurrentTerm"), i), log.StoreLog(entry(i))); err != nil {
				t.Fatal(err)
			}
		}
		last, term := lastOf(t, d.Crash(newRand(seed)))
		if term != last && term != last+1 {
			t.Errorf("seed %d: term %d is left with %d entries", seed, term, last)
		}
		switch last {
		case 0:
			lost++
		case 20:
			kept++
		default:
			between++
		}
	}
	if lost == 0 || kept == 0 || between == 0 {
		t.Errorf("of 100 crashes %d took all, %d a part, %d nothing", lost, between, kept)
	}
}

func TestWhatWasReplacedAndCutOffStaysSoAfterACrash(t *testing.T) {
	d := New()
	log, _ := openLog(t, d)
	second := entry(2)
	second.Term = 2
	for _, err := range []error{
		log.StoreLogs([]*raft.Log{entry(1), entry(2), entry(3)}), log.DeleteRange(2, 3), log.StoreLog(second),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	next := d.Crash(newRand(3))
	log, _ = openLog(t, next)
	var got raft.Log
	if err := log.GetLog(2, &got); err != nil || got.Term != 2 {
		t.Errorf("entry 2 is of term %d (%v)", got.Term, err)
	}
	if err := log.GetLog(3, &got); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("entry 3 came back: %v", err)
	}
	if err := log.StoreLog(entry(3)); err != nil { // once more the same
		t.Fatal(err)
	}
	var all [][2]uint64
	for _, e := range next.Entries() {
		all = append(all, [2]uint64{e.Index, e.Term})
		if len(e.Extensions) != 0 || string(e.Data) != string(entry(e.Index).Data) {
			t.Errorf("entry %d reads %q, %q", e.Index, e.Data, e.Extensions)
		}
	}
	if want := [][2]uint64{{1, 1}, {2, 1}, {3, 1}, {2, 2}}; !slices.Equal(all, want) {
		t.Errorf("ever stored: %v, want %v", all, want)
	}
}

// The node that dies at a power failure must not acknowledge what the next life does not know; a write that was under way may be
// on disk or not.
func TestAPowerFailureDuringASync(t *testing.T) {
	var survived int
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			d := New()
			log, _ := openLog(t, d)
			d.SetSyncDelay(time.Second)
			answer := make(chan error, 1)
			go func() { answer <- log.StoreLog(entry(1)) }()
			time.Sleep(100 * time.Millisecond)
			next := d.Crash(newRand(seed))
			if err := <-answer; !errors.Is(err, raftlog.ErrFailed) {
				t.Errorf("acknowledged without power: %v", err)
			}
			last, _ := lastOf(t, next)
			survived += int(last)
		})
	}
	if survived == 0 || survived == 40 {
		t.Errorf("%d of 40 writes under way survived", survived)
	}
}

func TestNothingIsWrittenToALogAfterAPowerFailure(t *testing.T) {
	d := New()
	log, f := openLog(t, d)
	next := d.Crash(newRand(1))
	if err := log.StoreLog(entry(1)); !errors.Is(err, syscall.EIO) {
		t.Errorf("a write without power: %v", err)
	}
	if len(f.all()) != 1 {
		t.Errorf("Fatal was told %v", f.all())
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if last, _ := lastOf(t, next); last != 0 {
		t.Errorf("the next life has %d entries", last)
	}
}

func TestALogOnASickDiskFailsForGood(t *testing.T) {
	sick := map[string]struct {
		set  func(*Disk, bool)
		want error
	}{
		"failing": {(*Disk).SetFailing, syscall.EIO},
		"full":    {(*Disk).SetFull, syscall.ENOSPC},
	}
	for name, s := range sick {
		t.Run(name, func(t *testing.T) {
			d := New()
			log, f := openLog(t, d)
			if err := log.StoreLog(entry(1)); err != nil {
				t.Fatal(err)
			}
			s.set(d, true)
			if err := log.GetLog(1, new(raft.Log)); err != nil {
				t.Errorf("a read: %v", err)
			}
			if err := log.StoreLog(entry(2)); !errors.Is(err, s.want) || !errors.Is(err, raftlog.ErrFailed) {
				t.Errorf("a write: %v, want %v", err, s.want)
			}
			s.set(d, false)
			if err := log.StoreLog(entry(2)); !errors.Is(err, raftlog.ErrFailed) {
				t.Errorf("a write after the failure: %v", err)
			}
			if len(f.all()) != 1 {
				t.Errorf("Fatal was told %v", f.all())
			}
			if err := log.Close(); err != nil { // the process ends, and starts again
				t.Fatal(err)
			}
			if last, _ := lastOf(t, d.Kill()); last != 1 {
				t.Errorf("after a restart the log ends at %d", last)
			}
		})
	}
}

func TestAMissingLogIsRefusedWhereOneWasKept(t *testing.T) {
	d := New()
	if err := d.FS().MkdirAll("/data", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenLog(cluster.LogConfig{Dir: "/data", Existing: true, Fatal: func(error) {}}); !errors.Is(err, raftlog.ErrMissing) {
		t.Errorf("%v, want ErrMissing", err)
	}
}
