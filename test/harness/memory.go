//go:build unix

package harness

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// PeakMemory is the most memory that the node's process has held since it was started, in bytes: pages of files it has mapped included.
// It is known on Linux alone, and of real processes.
func (n *Node) PeakMemory() (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	life, ok := n.life.(*process)
	if !ok {
		return 0, errNoProcess
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", life.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	kilobytes, _, found := strings.Cut(rest, "kB")
	if !found {
		return 0, fmt.Errorf("no peak in the status of %s", n.name)
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(kilobytes), 10, 64)
	return kib << 10, err
}
