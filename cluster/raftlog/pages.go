package raftlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// Sizes and marks of bbolt's page format (internal/common in its source).
const (
	pageHeader  = 16 // id uint64, flags uint16, count uint16, overflow uint32
	pageElement = 16 // branch: position, key size uint32, page uint64; leaf: flags, position, key size, value size uint32
	pageBranch  = 0x01
	pageLeaf    = 0x02
	maxDepth    = 32
)

// pageWalk checks the trees of a bolt file page by page: each page is what its
// parent says, is used once, and its elements lie inside it, in order. These
// are the conditions bolt itself panics on while it looks for free pages.
type pageWalk struct {
	file *os.File
	size int64 // bytes a page
	end  int64 // first page past those in use
	used map[int64]bool
}

// walkPages checks everything below the root of tx.
func walkPages(path string, tx *bbolt.Tx) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := &pageWalk{file: file, size: int64(tx.DB().Info().PageSize), used: make(map[int64]bool)}
	w.end = tx.Size() / w.size
	root := tx.Cursor().Bucket()
	if err := w.tree(int64(root.Root()), nil, nil, 0); err != nil {
		return err
	}
	return root.ForEachBucket(func(name []byte) error {
		id := int64(root.Bucket(name).Root())
		if id == 0 {
			return nil // a small bucket lives inside its parent's page
		}
		return w.tree(id, nil, nil, 0)
	})
}

// tree checks the page id and those below it. Its keys must be at least low
// and below high, if those are not nil.
func (w *pageWalk) tree(id int64, low, high []byte, depth int) error {
	p, err := w.page(id)
	if err != nil {
		return err
	}
	flags, count := binary.NativeEndian.Uint16(p.first[8:]), int(binary.NativeEndian.Uint16(p.first[10:]))
	if flags != pageBranch && flags != pageLeaf || depth > maxDepth {
		return fmt.Errorf("%w: page %d is neither branch nor leaf", ErrDamaged, id)
	}
	keys, children := make([][]byte, count), make([]int64, count)
	last := low
	for i := range keys {
		child, key, err := p.element(flags, i)
		if err != nil {
			return err
		}
		order := bytes.Compare(last, key)
		if last != nil && (order > 0 || order == 0 && i > 0) || high != nil && bytes.Compare(key, high) >= 0 {
			return fmt.Errorf("%w: page %d: keys out of order", ErrDamaged, id)
		}
		keys[i], children[i], last = key, child, key
	}
	if flags == pageLeaf {
		return nil
	}
	for i, key := range keys {
		next := high
		if i+1 < count {
			next = keys[i+1]
		}
		if err := w.tree(children[i], key, next, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// page finds a page with those it overflows into, and marks them as used.
func (w *pageWalk) page(id int64) (*page, error) {
	if id < 2 || id >= w.end { // the first two are the meta pages
		return nil, fmt.Errorf("%w: page %d is out of bounds", ErrDamaged, id)
	}
	head := make([]byte, pageHeader)
	if _, err := w.file.ReadAt(head, id*w.size); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	overflow := int64(binary.NativeEndian.Uint32(head[12:]))
	if own := int64(binary.NativeEndian.Uint64(head)); own != id || id+overflow >= w.end {
		return nil, fmt.Errorf("%w: page %d says it is page %d of %d more", ErrDamaged, id, own, overflow)
	}
	for p := id; p <= id+overflow; p++ {
		if w.used[p] {
			return nil, fmt.Errorf("%w: page %d is used twice", ErrDamaged, p)
		}
		w.used[p] = true
	}
	p := &page{file: w.file, at: id * w.size, size: (overflow + 1) * w.size, first: make([]byte, w.size)}
	if _, err := w.file.ReadAt(p.first, p.at); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return p, nil
}

// page is one page with those it overflows into. Only what is asked for is
// read: the long tail holds values, which have checksums of their own.
type page struct {
	file  *os.File
	at    int64  // offset in the file
	size  int64  // with overflow
	first []byte // the page itself
}

// bytes returns n bytes from offset from.
func (p *page) bytes(from, n int64) ([]byte, error) {
	switch {
	case n < 0 || from+n > p.size:
		return nil, fmt.Errorf("%w: page at %d: element out of bounds", ErrDamaged, p.at)
	case from+n <= int64(len(p.first)):
		return p.first[from : from+n], nil
	}
	b := make([]byte, n)
	if _, err := p.file.ReadAt(b, p.at+from); err != nil {
		return nil, fmt.Errorf("read page at %d: %w", p.at, err)
	}
	return b, nil
}

// element returns the key of the i-th element and, of a branch, the page it
// leads to. Key and value must lie inside the page.
func (p *page) element(flags uint16, i int) (child int64, key []byte, err error) {
	at := int64(pageHeader + i*pageElement)
	e, err := p.bytes(at, pageElement)
	if err != nil {
		return 0, nil, err
	}
	field := func(n int) int64 { return int64(binary.NativeEndian.Uint32(e[4*n:])) }
	start, keySize, valueSize := at+field(0), field(1), int64(0)
	if flags == pageLeaf {
		start, keySize, valueSize = at+field(1), field(2), field(3)
	}
	if keySize == 0 || keySize > bbolt.MaxKeySize || start+keySize+valueSize > p.size {
		return 0, nil, fmt.Errorf("%w: page at %d: element %d is out of bounds", ErrDamaged, p.at, i)
	}
	key, err = p.bytes(start, keySize)
	return int64(binary.NativeEndian.Uint64(e[8:])), key, err
}
