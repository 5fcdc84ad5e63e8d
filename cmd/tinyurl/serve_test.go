//go:build unix

package main

import (
	"syscall"
	"testing"
)

func TestAHangupReloadsUntilTheNodeStops(t *testing.T) {
	reloads := make(chan struct{})
	stop := onHangup(t.Context(), func() { reloads <- struct{}{} })
	for range 3 {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-reloads
	}
	stop()
}
