package server

import (
	"testing"
)

func TestConnectionsLeaveHalfOfTheFilesToTheNode(t *testing.T) {
	for files, want := range map[uint64]int{0: maxConnections, 20: minConnections, 1024: 512, 1 << 40: maxConnections} {
		if got := connections(files); got != want {
			t.Errorf("of %d files %d connections, want %d", files, got, want)
		}
	}
}
