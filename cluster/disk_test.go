package cluster

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tinyurl/test/bubble"
)

// aSmallDisk is one in memory with so many bytes free.
func aSmallDisk(free uint64) *smallDisk {
	d := &smallDisk{FS: vfs.NewMem()}
	d.free.Store(free)
	return d
}

func TestFreeSpaceIsWatched(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		disk := aSmallDisk(1 << 29)
		watch := newDiskWatch(disk, "/", 1<<20, slog.New(slog.DiscardHandler))
		if watch.full() || watch.warning() != "" {
			t.Errorf("half of the disk is free, and it is full: %v, %q", watch.full(), watch.warning())
		}
		ctx, cancel := context.WithCancel(t.Context())
		var told atomic.Int32
		go watch.run(ctx, func(context.Context) { told.Add(1) })
		time.Sleep(diskCheck + time.Second)
		if told.Load() != 0 {
			t.Error("told of a disk with room")
		}
		disk.free.Store(1 << 10)
		time.Sleep(3 * diskCheck)
		if !watch.full() || told.Load() != 3 {
			t.Errorf("full %v, told %d times in three looks", watch.full(), told.Load())
		}
		if w := watch.warning(); !strings.Contains(w, "full") {
			t.Errorf("the warning is %q", w)
		}
		disk.free.Store(1 << 29)
		time.Sleep(diskCheck)
		if watch.full() || watch.warning() != "" {
			t.Error("still full after space came back")
		}
		cancel()
		synctest.Wait()
	})
}

func TestADiskThatIsNearlyFullIsWarnedOfBeforeItIsTooFull(t *testing.T) {
	watch := newDiskWatch(aSmallDisk(1<<30/16), "/", 1<<20, slog.New(slog.DiscardHandler))
	if watch.full() || watch.warning() == "" {
		t.Errorf("94%% used: full %v, warning %q", watch.full(), watch.warning())
	}
}

// What cannot be asked keeps the last answer: a node neither stops taking writes for it, nor starts.
func TestAnUnknownFreeSpaceChangesNothing(t *testing.T) {
	watch := newDiskWatch(vfs.NewMem(), "/", 1<<40, slog.New(slog.DiscardHandler))
	if watch.full() {
		t.Error("a disk that does not tell its size is full")
	}
	watch.low.Store(true)
	if !watch.look() {
		t.Error("a full disk that does not answer is empty")
	}
}

func TestBallastIsHeldOnlyWhereThereIsPlenty(t *testing.T) {
	const size, mark = 1 << 20, 1 << 20
	for name, c := range map[string]struct {
		free uint64
		held bool
	}{
		"plenty":    {mark + 4*size, true},
		"just less": {mark + 4*size - 1, false},
		"nothing":   {0, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := ballast{fs: vfs.NewMem(), dir: "", size: size}
			if err := b.hold(c.free, mark); err != nil {
				t.Fatal(err)
			}
			if _, err := b.fs.Stat(b.file()); (err == nil) != c.held {
				t.Errorf("held: %v", err)
			}
		})
	}
}

func TestBallastIsGivenUpOnce(t *testing.T) {
	disk := vfs.NewMem()
	b := ballast{fs: disk, dir: "", size: 1 << 10}
	if released, err := b.release(); released || err != nil {
		t.Errorf("released %v, %v before it was held", released, err)
	}
	for range 2 { // the second time it is there already
		if err := b.hold(1<<30, 0); err != nil {
			t.Fatal(err)
		}
	}
	if released, err := b.release(); !released || err != nil {
		t.Errorf("released %v, %v", released, err)
	}
	if released, err := b.release(); released || err != nil {
		t.Errorf("released again: %v, %v", released, err)
	}
}

// fullDisk takes names, and no content.
type fullDisk struct{ vfs.FS }

type fullFile struct{ vfs.File }

var errNoSpace = errors.New("no space left on device")

func (fullFile) Preallocate(int64, int64) error { return errNoSpace }

func (d fullDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return fullFile{f}, err
}

// A ballast that could not be had must not stand there as if it were one.
func TestBallastThatCannotBeHadLeavesNothing(t *testing.T) {
	b := ballast{fs: fullDisk{vfs.NewMem()}, dir: "", size: 1 << 10}
	if err := b.hold(1<<30, 0); !errors.Is(err, errNoSpace) {
		t.Errorf("held on a full disk: %v", err)
	}
	if _, err := b.fs.Stat(b.file()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

// withSpace gives every node of a virtual cluster a disk whose free space the test sets.
func withSpace(disks map[string]*smallDisk) func(*Config) {
	return func(c *Config) {
		d := &smallDisk{FS: c.Environment.FS}
		d.free.Store(1 << 30)
		disks[c.Name] = d
		c.Environment.FS, c.Tuning.FreeSpace = d, 1<<20
	}
}

func TestAParkedNodeRedirectsClosesAndGoesOn(t *testing.T) {
	inVirtualTime(t, 0, func(v *virtualCluster) {
		disks := map[string]*smallDisk{}
		v.tune = withSpace(disks)
		n := v.add("n1", 1)
		v.founded()
		made := v.create(n, 2)
		disks["n1"].free.Store(1)
		for range 2 { // closed while it is parked, the first time
			v.stop(n)
			v.start(n)
			time.Sleep(time.Minute)
			if n.group.Load() != nil || n.parked.Load() == nil {
				t.Fatal("raft runs on a full disk")
			}
			for _, l := range made {
				if got, err := n.Resolve(v.t.Context(), l.Code); err != nil || got != l.Route() {
					t.Errorf("parked: %+v, %v", got, err)
				}
			}
		}
		disks["n1"].free.Store(1 << 30)
		v.writable(n)
		v.create(n, 1)
	})
}
