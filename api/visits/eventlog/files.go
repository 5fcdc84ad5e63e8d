package eventlog

import (
	"io"
	"io/fs"
	"os"
)

// FileSystem is what a Log needs of a file system. Only one goroutine at a time uses it.
type FileSystem interface {
	// OpenAppend opens a file to read it and to write at its end. One that is not there is made, for its owner alone (0600).
	OpenAppend(path string) (File, error)
	// Rename renames a file, and replaces what has the new name. fs.ErrNotExist where there is no such file.
	Rename(from, to string) error
	// Lstat tells of what has a name. fs.ErrNotExist where nothing has.
	Lstat(path string) (fs.FileInfo, error)
}

// File is what a Log needs of a file. Writes go to its end.
type File interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// OS is the file system of the machine.
type OS struct{}

// fileMode is for the owner alone: visits are nobody else's business.
const fileMode = 0o600

// OpenAppend opens a file; see FileSystem.
func (OS) OpenAppend(path string) (File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, fileMode)
}

// Rename renames a file; see FileSystem.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Lstat tells of what has a name; see FileSystem.
func (OS) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }
