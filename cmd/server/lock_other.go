//go:build !unix

package server

import (
	"errors"
	"io"
	"os"
)

// errLocked is never met here: these systems lock the files of the log and the store, and that has to do.
var errLocked = errors.New("locked")

// lockFile only proves that the directory can be written.
func lockFile(path string) (io.Closer, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
