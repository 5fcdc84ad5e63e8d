package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// trailerSize is the length of the checksum at the end of an entry's
// Extensions and of a stable value.
const trailerSize = crc32.Size

// FirstIndex returns the index of the oldest entry, 0 if there is none.
func (l *Log) FirstIndex() (index uint64, err error) {
	err = l.read("first index", func() error {
		index, err = l.inner.FirstIndex()
		return err
	})
	return index, err
}

// LastIndex returns the index of the newest entry, 0 if there is none.
func (l *Log) LastIndex() (index uint64, err error) {
	err = l.read("last index", func() error {
		index, err = l.inner.LastIndex()
		return err
	})
	return index, err
}

// GetLog reads the entry at index into entry, which is left alone on an error:
// raft.ErrLogNotFound if there is none, or a failure of the log. The entry
// shares no memory with what it held before, which may live on in a cache.
func (l *Log) GetLog(index uint64, entry *raft.Log) error {
	var fresh raft.Log
	err := l.read(fmt.Sprintf("read entry %d", index), func() error {
		if err := l.inner.GetLog(index, &fresh); err != nil {
			return err
		}
		return unseal(index, &fresh)
	})
	if err != nil {
		return err
	}
	*entry = fresh
	return nil
}

// StoreLog stores one entry durably.
func (l *Log) StoreLog(entry *raft.Log) error {
	return l.StoreLogs([]*raft.Log{entry})
}

// StoreLogs stores entries durably, all or none. The caller's entries are not
// altered: raft applies them and its cache keeps them.
func (l *Log) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return l.usable()
	}
	what := fmt.Sprintf("store entries %d to %d", entries[0].Index, entries[len(entries)-1].Index)
	return l.write(WriteAppend, what, func() error {
		return l.inner.StoreLogs(seal(entries))
	})
}

// DeleteRange removes the entries from low to high, both included.
func (l *Log) DeleteRange(low, high uint64) error {
	what := fmt.Sprintf("delete entries %d to %d", low, high)
	return l.write(WriteTruncate, what, func() error {
		return l.inner.DeleteRange(low, high)
	})
}

// Verify reads every entry and returns the first damage it finds, wrapping
// ErrDamaged. Unlike a read on behalf of raft it is not a failure of the log:
// it serves a check before raft is opened. Its cost is that of reading the
// whole file.
func (l *Log) Verify() error {
	if err := l.usable(); err != nil {
		return err
	}
	return l.guard(func() error {
		first, err := l.inner.FirstIndex()
		if err != nil {
			return err
		}
		last, err := l.inner.LastIndex()
		if err != nil {
			return err
		}
		for index := first; index != 0 && index <= last; index++ {
			var entry raft.Log
			err := l.inner.GetLog(index, &entry)
			if errors.Is(err, raft.ErrLogNotFound) {
				continue // a gap, as an installed snapshot leaves one
			}
			if err != nil {
				return fmt.Errorf("%w: entry %d: %w", ErrDamaged, index, err)
			}
			if err := unseal(index, &entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// seal returns copies of entries that carry their checksum at the end of
// Extensions.
func seal(entries []*raft.Log) []*raft.Log {
	copies := make([]raft.Log, len(entries))
	sealed := make([]*raft.Log, len(entries))
	room := make([]byte, 0, trailerSize*len(entries)) // one allocation for the usual case
	for i, e := range entries {
		copies[i] = *e
		if len(e.Extensions) == 0 {
			room = binary.BigEndian.AppendUint32(room, checksum(e.Index, e))
			copies[i].Extensions = room[len(room)-trailerSize:]
		} else {
			own := append(make([]byte, 0, len(e.Extensions)+trailerSize), e.Extensions...)
			copies[i].Extensions = binary.BigEndian.AppendUint32(own, checksum(e.Index, e))
		}
		sealed[i] = &copies[i]
	}
	return sealed
}

// unseal checks an entry read from the store against its checksum and the
// index it was asked for, and takes the checksum off.
func unseal(index uint64, e *raft.Log) error {
	cut := len(e.Extensions) - trailerSize
	if cut < 0 {
		return fmt.Errorf("%w: entry %d carries no checksum", ErrDamaged, index)
	}
	stored := binary.BigEndian.Uint32(e.Extensions[cut:])
	e.Extensions = e.Extensions[:cut:cut]
	if cut == 0 {
		e.Extensions = nil
	}
	if e.Index != index {
		return fmt.Errorf("%w: entry %d says it is entry %d", ErrDamaged, index, e.Index)
	}
	if computed := checksum(index, e); computed != stored {
		return fmt.Errorf("%w: entry %d has checksum %08x, stored %08x", ErrDamaged, index, computed, stored)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC32C of everything an entry means: its index, term and
// type, its extensions, its data, and the leader's time, which the encoding on
// disk could otherwise lose unseen.
func checksum(index uint64, e *raft.Log) uint32 {
	head := make([]byte, 0, 64)
	head = binary.BigEndian.AppendUint64(head, index)
	head = binary.BigEndian.AppendUint64(head, e.Term)
	head = append(head, byte(e.Type))
	head = binary.BigEndian.AppendUint64(head, uint64(e.AppendedAt.Unix()))
	head = binary.BigEndian.AppendUint32(head, uint32(e.AppendedAt.Nanosecond()))
	// Lengths keep a byte from wandering between extensions and data.
	head = binary.BigEndian.AppendUint64(head, uint64(len(e.Extensions)))
	sum := crc32.Checksum(head, castagnoli)
	sum = crc32.Update(sum, castagnoli, e.Extensions)
	return crc32.Update(sum, castagnoli, e.Data)
}
