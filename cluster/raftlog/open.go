package raftlog

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Open opens the log at c.Path, or makes an empty one if there is no file.
//
// A damaged file is refused with ErrDamaged and a text that names the way out;
// nothing on disk is changed then. A file in use elsewhere is ErrLocked, and one that is missing though c.Existing is set
// ErrMissing.
func Open(c Config) (*Log, error) {
	if c.Engine == nil {
		c.Engine = Bolt()
	}
	switch exists, err := c.Engine.Exists(c.Path); {
	case err != nil:
		return nil, fmt.Errorf("open raft log: %w", err)
	case !exists && c.Existing:
		return nil, fmt.Errorf("%w: %s", ErrMissing, c.Path)
	case !exists:
		if err := c.Engine.Create(c.Path); err != nil {
			return nil, fmt.Errorf("create raft log: %w", err)
		}
	}
	if err := verify(c.Engine, c.Path); err != nil {
		return nil, explain(c.Path, err)
	}
	store, err := c.Engine.Open(c.Path, !c.NoSync)
	if err != nil {
		return nil, explain(c.Path, err)
	}
	l, err := Wrap(store, c)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return l, nil
}

// verify checks every entry of an existing file, read-only: opening it for
// writing would change it before the damage is found.
func verify(engine Engine, path string) error {
	store, err := engine.View(path)
	if err != nil {
		return err
	}
	log := &Log{inner: store, path: path, now: time.Now}
	return errors.Join(log.Verify(), store.Close())
}

// explain gives an error at opening its kind and its way out.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, ErrLocked):
		return fmt.Errorf("%w: %s: is another tinyurl running on this data directory?", ErrLocked, path)
	case isEnvironment(err):
		return fmt.Errorf("open raft log %s: %w", path, err)
	case !errors.Is(err, ErrDamaged):
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("open raft log %s: %w; nothing was changed. "+
		"If the rest of the cluster is alive: move this node's data directory away and start the node again, "+
		"it joins as a new member and copies everything from the others. "+
		"If not: restore this directory, or the cluster, from a backup", path, err)
}

// isEnvironment tells an error of the operating system from one of the file's
// content.
func isEnvironment(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno)
}
