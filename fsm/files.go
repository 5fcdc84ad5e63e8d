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
