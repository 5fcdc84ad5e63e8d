package store_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/fsm/store"
	"tinyurl/fsm/store/storetest"
	"tinyurl/test/bubble"
)

func TestOnMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		return storetest.Fixture{FS: vfs.NewMem(), Dir: "data"}
	})
}

func TestOnCrashingMemory(t *testing.T) {
	if raceDetector {
		t.Skip("see TestOnDisk")
	}
	storetest.Run(t, crashing)
}

func TestOnDisk(t *testing.T) {
	if raceDetector {
		t.Skip("the same goroutines as in memory; make race runs it without the detector, too")
	}
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		return storetest.Fixture{FS: vfs.Default, Dir: t.TempDir() + "/data"}
	})
}

// crashing is a file system that can crash. Half of the crashes lose everything that was not synced, the others a part.
func crashing(t *testing.T) storetest.Fixture {
	fs := vfs.NewCrashableMem()
	return storetest.Fixture{FS: fs, Dir: "data", Crash: func(rng *rand.Rand) store.FS {
		return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(2) * rng.IntN(101), RNG: rng})
	}}
}

// TestInBubble runs what a simulation does, in virtual time: the bubble ends only if no goroutine is left.
func TestInBubble(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		open := func(fs store.FS) *store.Store {
			s, err := store.Open("data", store.Options{FS: fs, CacheBytes: 1 << 20, MemTableBytes: 256 << 10, Fatal: func(err error) { t.Error(err) }})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open(fs)
		script := storetest.Script{Seed: 7}
		script.Feed(t, s, 1, 2000, 9)
		if _, err := s.Checkpoint("copy"); err != nil {
			t.Fatal(err)
		}
		crashed := open(fs.CrashClone(vfs.CrashCloneCfg{}))
		if crashed.Position().Index != 2000 {
			t.Errorf("position %v after a checkpoint", crashed.Position())
		}
		for _, s := range []*store.Store{s, crashed} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
