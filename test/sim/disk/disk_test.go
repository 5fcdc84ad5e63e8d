package disk

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster"
)

// fatals collects what the product says it cannot go on for.
type fatals struct {
	mu   sync.Mutex
	errs []error
}

func (f *fatals) tell(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *fatals) all() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]error(nil), f.errs...)
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// openLog opens the product's log on a disk.
func openLog(t *testing.T, d *Disk) (cluster.Log, *fatals) {
	t.Helper()
	if err := d.FS().MkdirAll("/data", 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := d.FS().OpenDir("/")
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Sync(); err != nil {
		t.Fatal(err)
	}
	f := &fatals{}
	log, err := d.OpenLog(cluster.LogConfig{Dir: "/data", Fatal: f.tell})
	if err != nil {
		t.Fatal(err)
	}
	return log, f
}

func entry(index uint64) *raft.Log {
	return &raft.Log{Index: index, Term: 1, Data: fmt.Append(nil, "entry ", index), AppendedAt: time.Now()}
}

func TestWhatWasSyncedSurvivesEveryCrash(t *testing.T) {
	for seed := range uint64(60) {
		d := New()
		log, _ := openLog(t, d)
		for i := uint64(1); i <= seed%7; i++ {
			if err := log.StoreLog(entry(i)); err != nil {
				t.Fatal(err)
			}
		}
		f, err := d.FS().Create("/data/file", "test")
		if err != nil {
			t.Fatal(err)
		}
		dir, err := d.FS().OpenDir("/data")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "synced"); err != nil {
			t.Fatal(err)
		}
		for _, sync := range []func() error{f.Sync, dir.Sync} {
			if err := sync(); err != nil {
				t.Fatal(err)
			}
		}
		next := d.Crash(newRand(seed))
		log, _ = openLog(t, next)
		if last, err := log.LastIndex(); err != nil || last != seed%7 {
			t.Errorf("seed %d: the log ends at %d (%v)", seed, last, err)
		}
		f, err = next.FS().Open("/data/file")
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got, err := io.ReadAll(f); err != nil || string(got) != "synced" {
			t.Errorf("seed %d: %q, %v", seed, got, err)
		}
	}
}

func TestAPowerFailureInTheMiddleOfAStalledWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New()
		log, _ := openLog(t, d)
		d.SetStalled(true)
		answer := make(chan error, 1)
		go func() { answer <- log.StoreLog(entry(1)) }()
		time.Sleep(time.Hour)
		select {
		case err := <-answer:
			t.Fatalf("a write on a stalled disk was answered: %v", err)
		default:
		}
		next := d.Crash(newRand(1))
		if err := <-answer; err == nil {
			t.Fatal("a write was acknowledged without power")
		}
		log, _ = openLog(t, next)
		if last, err := log.LastIndex(); err != nil || last != 0 {
			t.Errorf("the log ends at %d (%v)", last, err)
		}
	})
}
