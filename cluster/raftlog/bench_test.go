package raftlog

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

// BenchmarkStoreLogs measures appends with fsync, by entries a batch and bytes
// an entry.
func BenchmarkStoreLogs(b *testing.B) {
	for _, shape := range []struct{ batch, size int }{{1, 128}, {1, 64 << 10}, {32, 128}, {32, 8 << 10}} {
		b.Run(fmt.Sprintf("batch=%d/bytes=%d", shape.batch, shape.size), func(b *testing.B) {
			l, err := Open(Config{Path: filepath.Join(b.TempDir(), "raft.db"), Fatal: func(err error) { b.Error(err) }})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			data := make([]byte, shape.size)
			b.SetBytes(int64(shape.batch * shape.size))
			index := uint64(0)
			for b.Loop() {
				entries := make([]*raft.Log, shape.batch)
				for i := range entries {
					index++
					entries[i] = &raft.Log{Index: index, Term: 1, Data: data}
				}
				if err := l.StoreLogs(entries); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
