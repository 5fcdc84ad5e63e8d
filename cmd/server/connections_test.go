package server

import (
	"testing"
)

func TestConnectionsLeaveHalfOfTheFilesToTheNode(t *testing.T) {
	for _, tc := range []struct {
		files     uint64
		listeners int
		want      int
	}{
		{0, 1, maxConnections},
		{20, 1, minConnections},
		{1024, 1, 512},
		{1024, 2, 256},
		{1020, 3, 170},
		{1024, 99, minConnections},
		{1 << 40, 3, maxConnections},
	} {
		if got := connections(tc.files, tc.listeners); got != tc.want {
			t.Errorf("of %d files and %d listeners %d connections, want %d", tc.files, tc.listeners, got, tc.want)
		}
	}
}
