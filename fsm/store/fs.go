package store

import "github.com/cockroachdb/pebble/v2/vfs"

// OSFS is the operating system's file system.
func OSFS() FS { return vfs.Default }
