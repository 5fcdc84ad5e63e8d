package forming

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Store keeps one small piece of data.
type Store interface {
	// Load returns what was last saved, nil if nothing was.
	Load() ([]byte, error)
	// Save replaces it, in one step. It is durable when Save returns.
	Save(data []byte) error
	// Name is the file, for what people are told.
	Name() string
}

// File is a Store in a file of its own.
type File struct{ path string }

// NewFile returns the Store in the file at path, whose directory must exist.
func NewFile(path string) *File { return &File{path} }

// Name implements Store.
func (f *File) Name() string { return f.path }

// Load implements Store.
func (f *File) Load() ([]byte, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save implements Store: write aside, sync, rename, sync the directory.
func (f *File) Save(data []byte) error {
	fresh := f.path + ".new"
	if err := writeSynced(fresh, data); err != nil {
		return err
	}
	if err := os.Rename(fresh, f.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}
