package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"tinyurl/fsm/store"
)

// ballastBytes is the room a node keeps for itself: as much as opening the state may have to write.
const ballastBytes = 64 << 20

// ballast is a file that holds disk space back. A store that replays its write-ahead log on a full disk never opens; giving the
// ballast up lets the node open what it has and redirect, until there is space again.
type ballast struct {
	fs   store.FS
	dir  string
	size uint64 // bytes
}

func (b ballast) file() string { return path.Join(b.dir, "ballast") }

// release gives the space back; it reports whether there was any.
func (b ballast) release() (bool, error) {
	switch err := b.fs.Remove(b.file()); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("give up the ballast: %w", err)
	}
	return true, store.SyncDir(b.fs, b.dir)
}

// hold takes the space, if it is not taken and there is plenty: the node never becomes short of space by it.
func (b ballast) hold(free, mark uint64) error {
	if _, err := b.fs.Stat(b.file()); err == nil || free < mark+4*b.size {
		return nil
	}
	f, err := b.fs.Create(b.file(), "tinyurl-ballast")
	if err != nil {
		return fmt.Errorf("hold ballast: %w", err)
	}
	err = errors.Join(f.Preallocate(0, int64(b.size)), f.Sync(), f.Close())
	if err != nil {
		_, released := b.release()
		return fmt.Errorf("hold ballast: %w", errors.Join(err, released))
	}
	return store.SyncDir(b.fs, b.dir)
}
