//go:build unix && !linux

package main

import "syscall"

// childAttributes put a child into a process group of its own, so that Ctrl-C in the terminal reaches only us. These
// systems have no signal for a parent's death.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
