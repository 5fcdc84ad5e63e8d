package main

import "syscall"

// childAttributes put a child into a process group of its own, so that Ctrl-C in the terminal reaches only us and we stop
// the nodes in order, and have the kernel stop it when we die without a chance to.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
