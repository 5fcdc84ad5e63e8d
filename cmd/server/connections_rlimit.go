//go:build linux || darwin

package server

import "syscall"

// openFiles is how many files and connections this process may have open; 0 when that cannot be told. Go raises the soft limit
// to the hard one by itself.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Cur
}
