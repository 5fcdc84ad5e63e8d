package store

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// OSFS is the operating system's file system.
func OSFS() FS { return vfs.Default }

// SyncDir makes the names in a directory durable.
func SyncDir(fsys FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MakeDir makes a directory and what is missing above it, for this node's user alone, and makes their names durable: what is synced
// inside a directory whose name is lost is lost.
func MakeDir(fsys FS, dir string) error {
	var parents []string
	for at := dir; ; {
		parent := fsys.PathDir(at)
		if parent == at {
			break
		}
		parents = append(parents, parent)
		if _, err := fsys.Stat(parent); err == nil {
			break
		}
		at = parent
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, parent := range parents {
		if parent == "" {
			continue
		}
		if err := SyncDir(fsys, parent); err != nil {
			return err
		}
	}
	return nil
}
