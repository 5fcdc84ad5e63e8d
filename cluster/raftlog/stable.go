package raftlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The keys raft keeps in its stable store. CurrentTerm is written at bootstrap
// and whenever a term begins, so every node that ever was part of a group has
// it. The other two are written together when the node first grants a vote (to
// itself too): a follower that only ever heard a leader has neither.
var (
	keyCurrentTerm = []byte("CurrentTerm")
	keyVoteTerm    = []byte("LastVoteTerm")
	keyVoteFor     = []byte("LastVoteCand")
)

// Set stores a value durably.
func (l *Log) Set(key, value []byte) error {
	sealed := append(make([]byte, 0, len(value)+trailerSize), value...)
	sealed = binary.BigEndian.AppendUint32(sealed, valueChecksum(key, value))
	return l.write(WriteState, fmt.Sprintf("store %s", key), func() error {
		return l.inner.Set(key, sealed)
	})
}

// Get returns the value of key, or an error that reads "not found", the text
// raft expects.
func (l *Log) Get(key []byte) (value []byte, err error) {
	err = l.read(fmt.Sprintf("read %s", key), func() error {
		sealed, err := l.inner.Get(key)
		if err != nil {
			return err
		}
		cut := len(sealed) - trailerSize
		if cut < 0 || binary.BigEndian.Uint32(sealed[cut:]) != valueChecksum(key, sealed[:cut]) {
			return fmt.Errorf("%w: value of %s does not match its checksum", ErrDamaged, key)
		}
		value = sealed[:cut:cut]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// SetUint64 stores a number durably.
func (l *Log) SetUint64(key []byte, value uint64) error {
	return l.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 returns the number of key; errors as Get.
func (l *Log) GetUint64(key []byte) (uint64, error) {
	value, err := l.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, l.fail(fmt.Sprintf("read %s", key),
			fmt.Errorf("%w: number of %d bytes", ErrDamaged, len(value)))
	}
	return binary.BigEndian.Uint64(value), nil
}

// Term returns the current term and whether one was ever stored. A node that
// was part of a group always has one: missing beside a store, the log is not
// the store's own. After a failure, which Fatal was told of, it is false.
func (l *Log) Term() (uint64, bool) {
	term, err := l.GetUint64(keyCurrentTerm)
	return term, err == nil
}

// Voted tells whether the node ever granted a vote. False proves nothing
// wrong: a node that never stood for election and was never asked has none.
func (l *Log) Voted() bool {
	for _, key := range [][]byte{keyVoteTerm, keyVoteFor} {
		if _, err := l.Get(key); err != nil {
			return false
		}
	}
	return true
}

func valueChecksum(key, value []byte) uint32 {
	sum := crc32.Checksum(key, castagnoli)
	sum = crc32.Update(sum, castagnoli, []byte{0}) // ends the key
	return crc32.Update(sum, castagnoli, value)
}
