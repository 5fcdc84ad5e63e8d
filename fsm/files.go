package fsm

import (
	"errors"
	"io"

	"tinyurl/fsm/store"
)

// writeFile makes a small file and syncs it, but not its directory.
func writeFile(fs store.FS, name string, data []byte) error {
	f, err := fs.Create(name, "snapshot")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readFile reads at most limit bytes of a file.
func readFile(fs store.FS, name string, limit int64) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	return data, errors.Join(err, f.Close())
}

// syncDir makes the names in a directory durable.
func syncDir(fs store.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// makeDir makes a directory and what is missing above it, and makes their names durable.
func makeDir(fs store.FS, dir string) error {
	parent := fs.PathDir(dir)
	if _, err := fs.Stat(parent); err != nil && parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if parent == "" || parent == dir {
		return nil
	}
	return syncDir(fs, parent)
}
