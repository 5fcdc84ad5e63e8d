package disk

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/fsm/store"
	"tinyurl/fsm/store/storetest"
)

// The whole contract of the store, crashes included, on this disk.
func TestAStoreKeepsItsPromisesOnThisDisk(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Fixture {
		d := New()
		return storetest.Fixture{FS: d.FS(), Dir: "/data/store", Crash: func(r *rand.Rand) store.FS { return d.Crash(r).FS() }}
	})
}

// openStore opens a store on a disk.
func openStore(t *testing.T, d *Disk) (*store.Store, *fatals) {
	t.Helper()
	f := &fatals{}
	s, err := store.Open("/data/store", store.Options{FS: d.FS(), CacheBytes: 1 << 20, MemTableBytes: 256 << 10, Fatal: f.tell})
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}

// A node's process ends while the store is open: the next life finds no lock, and all that was written, synced or not.
func TestAKilledProcessLeavesNoLockAndLosesNothing(t *testing.T) {
	d := New()
	script := storetest.Script{Seed: 3}
	s, _ := openStore(t, d)
	script.Feed(t, s, 1, 200, 3)
	if _, err := store.Open("/data/store", store.Options{FS: d.FS(), Fatal: func(error) {}}); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := write(d, "/data/file", "not synced"); err != nil {
		t.Fatal(err)
	}
	next := d.Kill()
	script.Feed(t, s, 201, 300, 3) // the dying process does no harm
	if err := write(d, "/data/file", "too late"); err != nil {
		t.Fatal(err)
	}
	s2, _ := openStore(t, next)
	defer s2.Close()
	if at := script.Applied(s2.Position()); at > 200 {
		t.Errorf("the next life has %d entries: some are of the dead", at)
	}
	if got := read(t, next, "/data/file"); got != "not synced" {
		t.Errorf("the file says %q", got)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing the store of the dead: %v", err)
	}
	if _, err := store.Open("/data/store", store.Options{FS: next.FS(), Fatal: func(error) {}}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("the dead took the lock of the living with it: %v", err)
	}
}

// While a disk is sick, a store of a node in virtual time waits or says so; it takes nobody else down, and closes once the life
// of the disk is over.
func TestAStoreOutlivesASickDisk(t *testing.T) {
	faults := map[string]func(*Disk, bool){"stalled": (*Disk).SetStalled, "failing": (*Disk).SetFailing, "full": (*Disk).SetFull}
	for name, set := range faults {
		for _, heals := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := New()
					script := storetest.Script{Seed: 4}
					s, _ := openStore(t, d)
					script.Feed(t, s, 1, 50, 3)
					set(d, true)
					fed, copied := make(chan struct{}), make(chan error, 1)
					go func() {
						defer close(fed)
						script.Feed(t, s, 51, 3000, 3)
						_, err := s.Checkpoint("/data/copy")
						copied <- err
					}()
					time.Sleep(time.Hour)
					if _, err := s.Lookup("nothing"); err == nil {
						t.Error("a link that was never made is found")
					}
					select {
					case <-fed:
						t.Error("3000 entries and a checkpoint went through a sick disk")
					default:
					}
					if heals {
						set(d, false)
						<-fed
						if err := <-copied; err != nil {
							t.Errorf("after the disk is well again: %v", err)
						}
					}
					next := d.Crash(newRand(5))
					<-fed
					if err := s.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
					next.SetFull(false) // what others hold is still there
					s, f := openStore(t, next)
					at := script.Applied(s.Position())
					script.Feed(t, s, at+1, 3100, 3)
					if err := errors.Join(s.Verify(t.Context()), s.Close()); err != nil || len(f.all()) != 0 {
						t.Errorf("the next life: %v, %v", err, f.all())
					}
				})
			})
		}
	}
}
