//go:build linux

// Package processors says on which processors of the machine threads run, so that servers and the load generator that measures
// them need not take each other's.
package processors

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// mask is how many processors the kernel's set has room for.
const mask = 1024

// Allowed gives those that the calling thread may run on.
func Allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("which processors there are: %w", err)
	}
	var all []int
	for i := range mask {
		if set.IsSet(i) {
			all = append(all, i)
		}
	}
	return all, nil
}

// Bind has the calling thread, and processes that it starts, run on these only. The goroutine must be locked to its thread and stay
// so until it ends, which ends the thread: nothing else is to run on a thread that is bound.
func Bind(processors []int) error {
	var set unix.CPUSet
	for _, p := range processors {
		set.Set(p)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("bind to the processors %v: %w", processors, err)
	}
	return nil
}

// On calls a function on a thread that is bound, as processes that it starts are; without processors on the calling one.
func On(on []int, call func() error) error {
	if len(on) == 0 {
		return call()
	}
	ended := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := Bind(on)
		if err == nil {
			err = call()
		}
		ended <- err
	}()
	return <-ended
}

// Halves deals processors out to servers and generator: the first half, and the rest. Of one processor nobody can have a part: both
// are nil.
func Halves(all []int) (servers, generator []int) {
	if len(all) < 2 {
		return nil, nil
	}
	return all[:len(all)/2], all[len(all)/2:]
}
