package disk

import (
	"io"
	"os"
	"regexp"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// files is the file system of a disk: one in memory, whose every change passes the gate.
type files struct {
	vfs.FS // the memory, for reads
	disk   *Disk
}

// vitalFile matches what Pebble panics about in goroutines of its own: what it writes into a generation of a store, but for
// tables, and the directory itself.
var vitalFile = regexp.MustCompile(`(^|/)\d{6}(/((\d{6}|temporary\.\d{6})\.(log|dbtmp)|(MANIFEST|OPTIONS)-.*|marker\..*)?)?$`)

// promptFile matches what takes no time: the few small files of a node itself, and the directories they are in. The product changes
// them under locks that others wait for, and nobody in a bubble may sleep with a sync.Mutex that another one waits for: time stands
// still then.
var promptFile = regexp.MustCompile(`^/?(data(/[^/]+\.json(\.tmp)?)?)?$`)

// change lets a change of the named file take effect once the gate lets it pass and take finds room.
func (f files) change(name string, take room, do func() error) error {
	d := f.disk
	if err := d.gate.pass(kindOf(name), take); err != nil {
		return &os.PathError{Op: "write", Path: name, Err: err}
	}
	d.moment.RLock()
	defer d.moment.RUnlock()
	return do()
}

// kindOf says how a change of the named file meets trouble.
func kindOf(name string) patience {
	switch {
	case vitalFile.MatchString(name):
		return vital
	case promptFile.MatchString(name):
		return prompt
	default:
		return usual
	}
}

// roomFor finds room for a name that is not there yet.
func (f files) roomFor(name string) room {
	return func(vital bool) error {
		if _, err := f.FS.Stat(name); err == nil {
			return nil
		}
		return f.disk.space.room(vital)
	}
}

func (f files) Create(name string, category vfs.DiskWriteCategory) (opened vfs.File, err error) {
	err = f.change(name, f.disk.space.room, func() error {
		if opened, err = f.FS.Create(name, category); err == nil {
			opened = &file{File: opened, files: f, name: name, node: f.disk.space.create(name)}
		}
		return err
	})
	return opened, err
}

func (f files) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (opened vfs.File, err error) {
	err = f.change(name, f.roomFor(name), func() error {
		if opened, err = f.FS.OpenReadWrite(name, category, options...); err == nil {
			opened = &file{File: opened, files: f, name: name, node: f.disk.space.find(name)}
		}
		return err
	})
	return opened, err
}

func (f files) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (opened vfs.File, err error) {
	err = f.change(newname, nil, func() error {
		if opened, err = f.FS.ReuseForWrite(oldname, newname, category); err == nil {
			f.disk.space.rename(oldname, newname)
			opened = &file{File: opened, files: f, name: newname, node: f.disk.space.find(newname)}
		}
		return err
	})
	return opened, err
}

func (f files) OpenDir(name string) (vfs.File, error) {
	opened, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &file{File: opened, files: f, name: name}, nil
}

func (f files) Link(oldname, newname string) error {
	return f.change(newname, f.disk.space.room, func() error {
		err := f.FS.Link(oldname, newname)
		if err == nil {
			f.disk.space.link(oldname, newname)
		}
		return err
	})
}

func (f files) Remove(name string) error {
	return f.removed(name, func() error { return f.FS.Remove(name) })
}

func (f files) RemoveAll(name string) error {
	return f.removed(name, func() error { return f.FS.RemoveAll(name) })
}

func (f files) removed(name string, remove func() error) error {
	err := f.change(name, nil, func() error {
		err := remove()
		if err == nil {
			f.disk.space.remove(name)
		}
		return err
	})
	f.disk.gate.wake() // there may be room now
	return err
}

func (f files) Rename(oldname, newname string) error {
	return f.change(newname, nil, func() error {
		err := f.FS.Rename(oldname, newname)
		if err == nil {
			f.disk.space.rename(oldname, newname)
		}
		return err
	})
}

func (f files) MkdirAll(name string, mode os.FileMode) error {
	return f.change(name, f.roomFor(name), func() error { return f.FS.MkdirAll(name, mode) })
}

// Lock takes a lock, which is no matter of the disk. It ends with the life of the disk.
func (f files) Lock(name string) (io.Closer, error) {
	f.disk.moment.RLock()
	defer f.disk.moment.RUnlock()
	return f.FS.Lock(name)
}

func (f files) GetDiskUsage(string) (vfs.DiskUsage, error) { return f.disk.space.usage(), nil }

// Unwrap names no file system: what is below must not be written to past the gate.
func (f files) Unwrap() vfs.FS { return nil }

// file is an open file, or a directory.
type file struct {
	vfs.File
	files files
	name  string
	node  *inode // nil for a directory
	at    int64  // where Write goes on; owned by the one writer that vfs.File allows
}

func (f *file) Write(p []byte) (n int, err error) {
	err = f.write(f.at+int64(len(p)), func() error {
		n, err = f.File.Write(p)
		f.at += int64(n)
		return err
	})
	return n, err
}

func (f *file) WriteAt(p []byte, offset int64) (n int, err error) {
	err = f.write(offset+int64(len(p)), func() error {
		n, err = f.File.WriteAt(p, offset)
		return err
	})
	return n, err
}

// write changes the content, which reaches to end then.
func (f *file) write(end int64, do func() error) error {
	return f.files.change(f.name, func(vital bool) error { return f.files.disk.space.grow(f.node, end, vital) }, do)
}

// Preallocate takes room for the file, durably as far as a crash leaves the file.
func (f *file) Preallocate(offset, length int64) error {
	return f.files.change(f.name, func(vital bool) error { return f.files.disk.space.reserve(f.node, offset+length, vital) }, func() error { return nil })
}

func (f *file) Sync() error {
	d := f.files.disk
	if err := d.gate.passSync(kindOf(f.name)); err != nil {
		return &os.PathError{Op: "sync", Path: f.name, Err: err}
	}
	d.moment.RLock()
	defer d.moment.RUnlock()
	return f.File.Sync()
}

func (f *file) SyncData() error { return f.Sync() }
