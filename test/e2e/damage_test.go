package e2e

import (
	"bytes"
	"os"
	"testing"

	"tinyurl/test/harness"
)

// damagedLog damages raft.db in ways that disks and people do.
func damagedLog(t *testing.T, _ *harness.Cluster, n *harness.Node) {
	for what, damage := range map[string]func([]byte) []byte{
		"cut in half":       func(b []byte) []byte { return b[:len(b)/2] },
		"empty":             func([]byte) []byte { return nil },
		"both heads zeroed": func(b []byte) []byte { clear(b[:2*4096]); return b },
		"bytes flipped": func(b []byte) []byte {
			for i := 2 * 4096; i < len(b); i += 512 {
				b[i] ^= 0xff
			}
			return b
		},
		"a byte of every link flipped": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("example"), []byte("axample")) },
		"all of it gone":               nil,
	} {
		t.Run(what, func(t *testing.T) {
			path := n.DataFile("groups", "0", "raft.db")
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer write(t, path, good)
			if damage == nil {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, path, damage(bytes.Clone(good)))
			}
			refusedStart(t, n, "data directory", "new member")
		})
	}
}
