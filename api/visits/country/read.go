package country

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// MaxSize is the largest file that is read, in bytes. It is held in memory.
const MaxSize = 256 << 20

// ErrTooLarge is returned for a file of more than MaxSize bytes.
var ErrTooLarge = fmt.Errorf("the file is larger than %d MiB", MaxSize>>20)

// File is an open file.
type File = fs.File

// Source opens the database file. The Finder closes what it returns.
type Source func() (File, error)

// readAll is the contents of a source, of limit bytes at most. They are read rather than mapped into memory: where a mapped file is
// cut short, whoever looks at what was beyond kills the process.
func readAll(source Source, limit int64) (contents []byte, err error) {
	file, err := source()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, ErrTooLarge
	}
	// The size is a hint: the file may grow while it is read, or be none that has a size.
	var b bytes.Buffer
	b.Grow(int(max(info.Size(), 0)) + bytes.MinRead)
	switch n, err := b.ReadFrom(io.LimitReader(file, limit+1)); {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}
