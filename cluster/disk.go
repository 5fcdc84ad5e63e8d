package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tinyurl/fsm/store"
)

// diskCheck is how often the free space is looked at.
const diskCheck = 2 * time.Second

// diskWatch knows whether there is room to write. A full disk makes raft misbehave (its leader is re-elected for ever and
// nothing commits), so a node stops taking writes while there is still room for what is under way.
type diskWatch struct {
	fs   store.FS
	dir  string
	mark uint64 // bytes
	log  *slog.Logger

	low  atomic.Bool
	free atomic.Uint64
	used atomic.Uint64 // percent
}

func newDiskWatch(fs store.FS, dir string, mark uint64, log *slog.Logger) *diskWatch {
	d := &diskWatch{fs: fs, dir: dir, mark: mark, log: log}
	d.look()
	return d
}

// look reads the free space once and reports whether there is too little.
func (d *diskWatch) look() bool {
	usage, err := d.fs.GetDiskUsage(d.dir)
	if err != nil || usage.TotalBytes == 0 {
		return d.low.Load() // in-memory file systems do not tell
	}
	d.free.Store(usage.AvailBytes)
	d.used.Store(100 - 100*usage.AvailBytes/usage.TotalBytes)
	low := usage.AvailBytes < d.mark
	if d.low.Swap(low) != low {
		d.log.Warn("disk space", "low", low, "free_bytes", usage.AvailBytes, "needed_bytes", d.mark)
	}
	return low
}

// full reports whether the last look found too little space to take writes.
func (d *diskWatch) full() bool { return d.low.Load() }

// warning is a line for the status document, empty while there is room.
func (d *diskWatch) warning() string {
	if used := d.used.Load(); d.full() || used >= 90 {
		return fmt.Sprintf("disk %d%% full, %d MiB free", used, d.free.Load()>>20)
	}
	return ""
}

// restock holds the ballast again where there is plenty of space: the start that gave it up is long over, and the next one may
// find the disk full as well. It reports false when the file system cannot hold space back.
func (d *diskWatch) restock() bool {
	reserve := ballast{fs: d.fs, dir: d.dir, size: ballastBytes}
	if err := reserve.hold(d.free.Load(), d.mark); err != nil {
		d.log.Warn("no space is held back for a full disk", "error", err)
		return false
	}
	return true
}

// run looks again until ctx ends; lowered is called after each look that found too little.
func (d *diskWatch) run(ctx context.Context, lowered func(context.Context)) {
	ticker := time.NewTicker(diskCheck)
	defer ticker.Stop()
	holds := true // until one try fails: a file made in vain every time would be work for the disk for nothing
	for {
		select {
		case <-ticker.C:
			if d.look() {
				lowered(ctx)
			} else if holds {
				holds = d.restock()
			}
		case <-ctx.Done():
			return
		}
	}
}
