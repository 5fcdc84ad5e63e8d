//go:build failpoints

package raftlog

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// failpointPoll is how often a stalled write looks whether it may go on.
const failpointPoll = 20 * time.Millisecond

// failpoint adds what the control file says to a hook.
func failpoint(hook func(Write) error) func(Write) error {
	control := os.Getenv("TINYURL_FAILPOINTS")
	if control == "" {
		return hook
	}
	return func(kind Write) error {
		if err := obey(control); err != nil {
			return err
		}
		if hook != nil {
			return hook(kind)
		}
		return nil
	}
}

// obey does to a write what the control file says; the package's comment has the orders.
func obey(control string) error {
	order := readOrder(control)
	verb, length, bounded := strings.Cut(order, " ")
	switch {
	case order == "" || order == "off":
		return nil
	case order == "eio":
		return syscall.EIO
	case order == "enospc":
		return syscall.ENOSPC
	case verb != "stall":
		return fmt.Errorf("failpoint %s: unknown order %q", control, order)
	case bounded:
		stall, err := time.ParseDuration(length)
		if err != nil {
			return fmt.Errorf("failpoint %s: %w", control, err)
		}
		time.Sleep(stall)
		return nil
	}
	for readOrder(control) == order {
		time.Sleep(failpointPoll)
	}
	return obey(control)
}

// readOrder is the content of the control file, empty where there is none.
func readOrder(control string) string {
	content, err := os.ReadFile(control)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
