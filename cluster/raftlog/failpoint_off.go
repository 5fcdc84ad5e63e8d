//go:build !failpoints

package raftlog

// failpoint returns the hook as it is: this build has no failpoints.
func failpoint(hook func(Write) error) func(Write) error { return hook }
