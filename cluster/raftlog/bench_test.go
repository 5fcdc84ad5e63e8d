package raftlog

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

// BenchmarkStoreLogs measures appends with fsync, by engine, entries a batch and bytes an entry.
func BenchmarkStoreLogs(b *testing.B) {
	for _, engine := range []kind{{Bolt(), "bolt"}, {WAL(), "wal"}} {
		for _, shape := range []struct{ batch, size int }{{1, 128}, {1, 64 << 10}, {32, 128}, {32, 8 << 10}} {
			b.Run(fmt.Sprintf("engine=%s/batch=%d/bytes=%d", engine.name, shape.batch, shape.size), func(b *testing.B) {
				storeLogs(b, engine, shape.batch, shape.size)
			})
		}
	}
}

func storeLogs(b *testing.B, engine Engine, batch, size int) {
	l, err := Open(Config{Engine: engine, Path: filepath.Join(b.TempDir(), "raft"), Fatal: func(err error) { b.Error(err) }})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	data := make([]byte, size)
	b.SetBytes(int64(batch * size))
	index := uint64(0)
	for b.Loop() {
		entries := make([]*raft.Log, batch)
		for i := range entries {
			index++
			entries[i] = &raft.Log{Index: index, Term: 1, Data: data}
		}
		if err := l.StoreLogs(entries); err != nil {
			b.Fatal(err)
		}
	}
}
