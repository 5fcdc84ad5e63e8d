package disk

import (
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// defaultCapacity is the size of a disk in bytes: enough for a node to hold its ballast.
const defaultCapacity = 1 << 30

// space keeps the books of a disk's bytes. A file that is removed while it is open is free at once.
type space struct {
	mu       sync.Mutex
	capacity int64             // immutable
	others   int64             // guarded by mu: what other programs hold
	used     int64             // guarded by mu: the sum over names, each inode once
	names    map[string]*inode // guarded by mu: files alone, by clean path
	full     bool              // guarded by mu: others have filled the disk
	endless  bool              // guarded by mu: nothing is refused any more
}

// inode is what one file takes. Its fields are guarded by space.mu.
type inode struct {
	size     int64 // bytes, of the content or reserved
	reserved int64 // bytes, by Preallocate
	links    int
}

func newSpace(capacity int64) *space { return &space{capacity: capacity, names: map[string]*inode{}} }

func clean(name string) string { return strings.TrimPrefix(path.Clean(name), "/") }

// after gives the books of a disk that a crash left. What a file that is still there had reserved stays reserved.
func (s *space) after(mem *vfs.MemFS) *space {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := newSpace(s.capacity)
	next.others, next.full = s.others, s.full
	next.count(mem, "", s.names, map[*inode]*inode{})
	return next
}

// count enters all files below dir. Names that were one file before are one file again: the memory copies it for each.
func (s *space) count(mem *vfs.MemFS, dir string, before map[string]*inode, again map[*inode]*inode) {
	names, err := mem.List("/" + dir)
	if err != nil {
		return // removed, or no directory
	}
	for _, name := range names {
		name = path.Join(dir, name)
		info, err := mem.Stat("/" + name)
		switch {
		case err != nil:
		case info.IsDir():
			s.count(mem, name, before, again)
		default:
			n := &inode{}
			if old := before[name]; old != nil && again[old] != nil {
				n = again[old]
			} else if old != nil {
				n.reserved, again[old] = old.reserved, n
			}
			n.links++
			s.names[name] = n
			if more := max(info.Size(), n.reserved) - n.size; more > 0 {
				n.size += more
				s.used += more
			}
		}
	}
}

func (s *space) free() int64 { return max(0, s.capacity-s.used-s.others) }

// usage is what the node is told.
func (s *space) usage() vfs.DiskUsage {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := s.free()
	return vfs.DiskUsage{AvailBytes: uint64(free), TotalBytes: uint64(s.capacity), UsedBytes: uint64(s.capacity - free)}
}

// leave has others take all but so many bytes.
func (s *space) leave(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = max(0, s.capacity-s.used-bytes)
}

// fill has others take everything, once, or give it back.
func (s *space) fill(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case full && !s.full:
		s.others = max(0, s.capacity-s.used)
	case !full:
		s.others = 0
	}
	s.full = full
}

// unlimit refuses nothing any more.
func (s *space) unlimit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endless = true
}

// room is an error on a disk without a free byte: not even a name fits then.
func (s *space) room(vital bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free() == 0 && !s.endless && !vital {
		return syscall.ENOSPC
	}
	return nil
}

// grow makes a file take size bytes at least.
func (s *space) grow(n *inode, size int64, vital bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	more := size - n.size
	switch {
	case more <= 0:
		return nil
	case n.links == 0: // removed: the bytes are nobody's
	case more > s.free() && !s.endless && !vital:
		return syscall.ENOSPC
	default:
		s.used += more
	}
	n.size = size
	return nil
}

// reserve holds room for a file.
func (s *space) reserve(n *inode, size int64, vital bool) error {
	if err := s.grow(n, size, vital); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n.reserved = max(n.reserved, size)
	return nil
}

// create enters a new file under a name, in place of one that was there.
func (s *space) create(name string) *inode {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(clean(name))
	n := &inode{links: 1}
	s.names[clean(name)] = n
	return n
}

// find is the file of a name, or a new one.
func (s *space) find(name string) *inode {
	s.mu.Lock()
	n := s.names[clean(name)]
	s.mu.Unlock()
	if n == nil {
		n = s.create(name)
	}
	return n
}

func (s *space) link(oldname, newname string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.names[clean(oldname)]; n != nil {
		n.links++
		s.names[clean(newname)] = n
	}
}

// rename moves a file, or all files below a directory.
func (s *space) rename(oldname, newname string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := clean(oldname), clean(newname)
	if n := s.names[from]; n != nil {
		delete(s.names, from)
		s.drop(to)
		s.names[to] = n
		return
	}
	moved := map[string]*inode{}
	for name, n := range s.names {
		if rest, below := strings.CutPrefix(name, from+"/"); below {
			delete(s.names, name)
			moved[path.Join(to, rest)] = n
		}
	}
	for name, n := range moved {
		s.drop(name)
		s.names[name] = n
	}
}

// remove forgets a file, or all files below a directory.
func (s *space) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = clean(name)
	s.drop(name)
	for other := range s.names {
		if strings.HasPrefix(other, name+"/") {
			s.drop(other)
		}
	}
}

// drop takes a name off; the caller holds mu.
func (s *space) drop(name string) {
	n := s.names[name]
	if n == nil {
		return
	}
	delete(s.names, name)
	if n.links--; n.links == 0 {
		s.used -= n.size
	}
}
