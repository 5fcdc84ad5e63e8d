package disk

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster"
	"tinyurl/fsm/store"
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
	if err := flush(d, "/"); err != nil {
		t.Fatal(err)
	}
	f := &fatals{}
	log, err := d.OpenLog(cluster.LogConfig{Dir: "/data", Fatal: f.tell})
	if err != nil {
		t.Fatal(err)
	}
	return log, f
}

// write makes a file, or replaces it.
func write(d *Disk, name, content string) error {
	f, err := d.FS().Create(name, "test")
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, content)
	return errors.Join(err, f.Close())
}

// sync makes a file's content durable, or a directory's names.
func flush(d *Disk, name string) error { return store.SyncDir(d.FS(), name) }

func read(t *testing.T, d *Disk, name string) string {
	t.Helper()
	f, err := d.FS().Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
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
		if err := errors.Join(write(d, "/data/file", "synced"), flush(d, "/data/file"), flush(d, "/data")); err != nil {
			t.Fatal(err)
		}
		next := d.Crash(newRand(seed))
		log, _ = openLog(t, next)
		if last, err := log.LastIndex(); err != nil || last != seed%7 {
			t.Errorf("seed %d: the log ends at %d (%v)", seed, last, err)
		}
		if got := read(t, next, "/data/file"); got != "synced" {
			t.Errorf("seed %d: %q", seed, got)
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
