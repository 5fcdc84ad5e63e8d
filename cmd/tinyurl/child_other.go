//go:build !unix

package main

import "syscall"

// childAttributes asks for nothing: process groups are a Unix matter.
func childAttributes() *syscall.SysProcAttr { return nil }
