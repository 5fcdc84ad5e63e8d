package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/fsm/store/storetest"
)

// The whole contract of the store, crashes included, on this disk.
func TestAStoreKeepsItsPromisesOnThisDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("the store's own tests run it on a file system that crashes as this one does")
	}
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

// apply feeds a store entry by entry, until it refuses one, and then copies it.
func apply(s *store.Store, script storetest.Script, from, to int) error {
	for n := from; n <= to; n++ {
		b, err := s.NewBatch()
		if err != nil {
			return err
		}
		err = script.Apply(b, n)
		if err == nil {
			err = b.Commit()
		}
		if err := errors.Join(err, b.Close()); err != nil {
			return err
		}
	}
	_, err := s.Checkpoint("/data/copy")
	return err
}

// While its disk is sick a store of a node in virtual time waits or says so. It takes nobody else down, redirects, and closes once
// the life of the disk is over.
func TestAStoreOutlivesASickDisk(t *testing.T) {
	sick := map[string]struct {
		set  func(*Disk, bool)
		want error // that the store fails with; nil: it only waits
	}{
		"stalled": {(*Disk).SetStalled, nil},
		"failing": {(*Disk).SetFailing, nil},
		"full":    {(*Disk).SetFull, syscall.ENOSPC},
	}
	for name, fault := range sick {
		for _, heals := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/heals=%v", name, heals), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := New()
					script := storetest.Script{Seed: 4}
					s, f := openStore(t, d)
					script.Feed(t, s, 1, 50, 3)
					fault.set(d, true)
					fed := make(chan error, 1)
					go func() { fed <- apply(s, script, 51, 3000) }()
					time.Sleep(15 * time.Second)
					if _, err := s.Lookup("nothing"); !errors.Is(err, link.ErrNotFound) {
						t.Errorf("a link that was never made: %v", err)
					}
					if len(fed) != 0 {
						t.Errorf("3000 entries and a copy went through: %v", <-fed)
					}
					if heals {
						fault.set(d, false)
						time.Sleep(time.Minute)
					}
					next := d.Crash(newRand(5))
					if err := <-fed; !errors.Is(err, fault.want) {
						t.Errorf("the store: %v, want %v", err, fault.want)
					}
					if told := f.all(); (len(told) == 0) != (fault.want == nil) {
						t.Errorf("Fatal was told %v", told)
					}
					if err := s.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
					continued(t, next, script)
				})
			})
		}
	}
}

// continued opens the store of the next life and goes on where it stands.
func continued(t *testing.T, d *Disk, script storetest.Script) {
	t.Helper()
	d.SetFull(false)
	s, f := openStore(t, d)
	script.Feed(t, s, script.Applied(s.Position())+1, 3100, 3)
	if err := errors.Join(s.Verify(t.Context()), s.Close()); err != nil || len(f.all()) != 0 {
		t.Errorf("the next life: %v, %v", err, f.all())
	}
}

// A store never opens on a disk that is full to the last byte: Pebble tries for ever to write the table of what it replays. The
// room of the ballast is what lets it.
func TestAStoreOpensOnAFullDiskInTheRoomOfTheBallast(t *testing.T) {
	d := New()
	script := storetest.Script{Seed: 6}
	s, _ := openStore(t, d)
	hold(t, d.FS(), "/data/ballast", 64*mebi)
	script.Feed(t, s, 1, 100, 3)
	if err := errors.Join(s.Sync(), flush(d, "/data")); err != nil {
		t.Fatal(err)
	}
	d.SetFull(true)
	for life := range 3 {
		next := d.Crash(newRand(2))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		d = next
		d.SetFull(true) // it is: nothing more is taken
		if life == 0 {
			if err := d.FS().Remove("/data/ballast"); err != nil {
				t.Fatal(err)
			}
		}
		var f *fatals
		s, f = openStore(t, d)
		if at := script.Applied(s.Position()); at != 100 || len(f.all()) != 0 {
			t.Errorf("life %d: %d entries, %v", life, at, f.all())
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
