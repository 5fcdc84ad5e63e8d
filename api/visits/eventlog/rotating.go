package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// errStillFull: what is at the path after the full file was renamed is full as well. Somebody else writes there.
var errStillFull = errors.New("the file is full also after it was renamed")

// rotating is a file that is renamed when it is full. It belongs to one goroutine.
type rotating struct {
	files    FileSystem
	path     string
	maxBytes int64
	maxFiles int

	file File  // nil where it could not be opened, or writing to it failed
	size int64 // of file, in bytes
	torn bool  // file does not end where a line ends
}

// write writes whole lines, each of maxBytes at most, and tells how many were lost. After a failure the file is opened anew for what
// comes next.
func (r *rotating) write(lines []byte) (lost int, err error) {
	for len(lines) > 0 {
		n, err := r.writeSome(lines)
		lines = lines[n:]
		if err != nil {
			// Of a line that was written in part, the rest is still here with its end.
			lost = bytes.Count(lines, lineEnd)
			return lost, errors.Join(err, r.close())
		}
	}
	return 0, nil
}

var lineEnd = []byte{'\n'}

// writeSome writes as many of the lines as one file has room for, and tells how many bytes of them are written.
func (r *rotating) writeSome(lines []byte) (int, error) {
	if err := r.prepare(); err != nil {
		return 0, err
	}
	fit := r.fit(lines)
	if fit == 0 {
		if err := r.rotate(); err != nil {
			return 0, err
		}
		if fit = r.fit(lines); fit == 0 {
			return 0, errStillFull
		}
	}
	n, err := r.file.Write(lines[:fit])
	r.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	return n, nil
}

// prepare makes sure that the file is open, and that a line can begin where it ends.
func (r *rotating) prepare() error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	if !r.torn {
		return nil
	}
	n, err := r.file.Write(lineEnd)
	r.size += int64(n)
	if err != nil {
		return fmt.Errorf("end an unfinished line: %w", err)
	}
	r.torn = false
	return nil
}

// fit is how many bytes of whole lines the file has room for.
func (r *rotating) fit(lines []byte) int {
	room := min(max(r.maxBytes-r.size, 0), int64(len(lines)))
	return bytes.LastIndexByte(lines[:room], '\n') + 1
}

// open opens the file. An unfinished line at its end is ended with the next write.
func (r *rotating) open() error {
	file, err := r.files.OpenAppend(r.path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	size, torn, err := examine(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.file, r.size, r.torn = file, size, torn
	return nil
}

// examine tells how large a file is and whether its last line has no end.
func examine(file File) (size int64, torn bool, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("size: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, false, ErrNotRegular
	}
	size = info.Size()
	if size == 0 {
		return 0, false, nil
	}
	var last [1]byte
	if n, err := file.ReadAt(last[:], size-1); n != len(last) {
		return 0, false, fmt.Errorf("read the end: %w", err)
	}
	return size, last[0] != '\n', nil
}

// rotate renames the file, and all before it, and begins a new one.
func (r *rotating) rotate() error {
	if err := r.close(); err != nil {
		return err
	}
	free, err := r.free()
	if err != nil {
		return err
	}
	for i := free; i > 0; i-- {
		// What is gone needs no new name; an outside tool may have taken it away.
		if err := r.files.Rename(r.numbered(i-1), r.numbered(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate: %w", err)
		}
	}
	return r.open()
}

// free is the least number that no file has, or the last that a file may have. Only what is below it is renamed, so that trying
// again and again to rename the rest does not push every file out.
func (r *rotating) free() (int, error) {
	for i := 1; i < r.maxFiles; i++ {
		_, err := r.files.Lstat(r.numbered(i))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return i, nil
		case err != nil:
			return 0, fmt.Errorf("rotate: %w", err)
		}
	}
	return r.maxFiles, nil
}

// numbered is the name of an earlier file; 0 is the current one.
func (r *rotating) numbered(i int) string {
	if i == 0 {
		return r.path
	}
	return r.path + "." + strconv.Itoa(i)
}

// reopen closes the file and opens what has its name now.
func (r *rotating) reopen() error { return errors.Join(r.close(), r.open()) }

// close closes the file, if it is open.
func (r *rotating) close() error {
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
