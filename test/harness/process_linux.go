package harness

import "syscall"

// childAttributes put a process into a group of its own and have the kernel kill it when this one dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
