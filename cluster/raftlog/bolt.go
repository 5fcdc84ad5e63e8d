package raftlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockTimeout bounds the wait for another process to let go of the file: long
// enough for a predecessor that is just exiting.
const lockTimeout = time.Second

// The buckets of raft-boltdb: entries by big-endian index, and the stable
// values.
var (
	bucketLogs   = []byte("logs")
	bucketStable = []byte("conf")
)

// Bolt is the Engine of the product: each log is one bolt file.
func Bolt() Engine { return boltEngine{} }

type boltEngine struct{}

// Exists tells whether there is a file, of whatever content.
func (boltEngine) Exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Create makes an empty log beside path and moves it into place, so that a
// crash can not leave a half-made file, which would pass for a damaged one,
// nor a file whose name is lost with the first vote in it.
func (boltEngine) Create(path string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	store, err := openBolt(fresh, false)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// View walks the whole file before it opens it, read-only: opening it for writing would change it before damage is found.
func (boltEngine) View(path string) (Store, error) {
	if err := inspect(path, bucketLogs, bucketStable); err != nil {
		return nil, err
	}
	var store *raftboltdb.BoltStore
	err := withFile(func(o *bbolt.Options) (err error) {
		o.ReadOnly = true
		store, err = raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: o})
		return err
	})
	if err != nil {
		return nil, err // never a nil *BoltStore in a Store that is not nil
	}
	return store, nil
}

// Open opens the file for writing.
func (boltEngine) Open(path string, sync bool) (Store, error) {
	store, err := openBolt(path, !sync)
	if err != nil {
		return nil, err
	}
	return store, nil
}

func openBolt(path string, noSync bool) (store *raftboltdb.BoltStore, err error) {
	err = withFile(func(o *bbolt.Options) error {
		o.NoFreelistSync = true // else each commit writes the list of free pages, which only grows
		o.FreelistType = bbolt.FreelistMapType
		store, err = raftboltdb.New(raftboltdb.Options{Path: path, BoltOptions: o, NoSync: noSync})
		return err
	})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// inspect walks the whole tree of an existing file, read-only, which must have
// the buckets. Opening it for writing does the same walk to find the free
// pages, but panics on a goroutine of its own where nothing can catch it.
func inspect(path string, buckets ...[]byte) error {
	return withFile(func(o *bbolt.Options) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() == 0 { // bolt would take it for a new file
			return fmt.Errorf("%w: the file is empty", ErrDamaged)
		}
		o.ReadOnly = true
		db, err := bbolt.Open(path, 0, o)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.View(func(tx *bbolt.Tx) error {
			if tx.Size() > info.Size() {
				return fmt.Errorf("%w: the file is cut short: %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
			}
			for _, name := range buckets {
				if tx.Bucket(name) == nil { // opening for writing would make an empty one
					return fmt.Errorf("%w: %q is missing", ErrDamaged, name)
				}
			}
			if err := walkPages(path, tx); err != nil {
				return err
			}
			return tx.ForEach(inspectBucket)
		})
	})
}

// inspectBucket checks a bucket as bolt itself reads it: keys ascend, and each
// is found again from the root.
func inspectBucket(name []byte, b *bbolt.Bucket) error {
	var last []byte
	return b.ForEach(func(key, value []byte) error {
		switch {
		case last != nil && bytes.Compare(last, key) >= 0:
			return fmt.Errorf("%w: keys of %q out of order", ErrDamaged, name)
		case bytes.Equal(name, bucketLogs) && len(key) != 8:
			return fmt.Errorf("%w: entry with a key of %d bytes", ErrDamaged, len(key))
		case len(value) != len(b.Get(key)):
			return fmt.Errorf("%w: a key of %q is not found again", ErrDamaged, name)
		}
		last = key
		return nil
	})
}

// withFile calls open with bolt options that remember the file, so that a
// panic inside bolt leaves no file open and locked.
func withFile(open func(*bbolt.Options) error) error {
	var files []*os.File
	o := &bbolt.Options{
		Timeout: lockTimeout,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			if err == nil {
				files = append(files, f)
			}
			return f, err
		},
	}
	err, panicked := calm(func() error { return open(o) })
	if errors.Is(err, berrors.ErrTimeout) {
		err = ErrLocked
	}
	if panicked {
		for _, f := range files {
			_ = f.Close() // bolt may have closed it already, and there is no more to do
		}
	}
	return err
}
