package server

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// memoryOf returns how many bytes of memory this process may use, from the files of the Linux kernel under root: the
// machine's memory or the tightest limit of the cgroups it is in. 0 means that nothing could be read.
func memoryOf(root fs.FS) int64 {
	least := machineMemory(root)
	for _, limit := range cgroupLimits(root) {
		if least == 0 || limit < least {
			least = limit
		}
	}
	return least
}

// machineMemory reads MemTotal, which the kernel gives in KiB.
func machineMemory(root fs.FS) int64 {
	b, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == "MemTotal:" {
			if n, err := strconv.ParseInt(fields[1], 10, 53); err == nil {
				return n << 10
			}
		}
	}
	return 0
}

// cgroupLimits reads the limits of this process's cgroup and of every cgroup above it, version 2 and version 1. In a
// container the path of the cgroup is often that of the host and does not exist inside; its root is the limit then.
func cgroupLimits(root fs.FS) []int64 {
	b, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var limits []int64
	for line := range strings.Lines(strings.TrimSpace(string(b))) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, name := "sys/fs/cgroup", "memory.max"
		switch {
		case parts[1] == "memory":
			dir, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case parts[0] != "0":
			continue
		}
		for p := path.Clean("/" + parts[2]); ; p = path.Dir(p) {
			if limit, ok := readLimit(root, path.Join(dir, p, name)); ok {
				limits = append(limits, limit)
			}
			if p == "/" {
				break
			}
		}
	}
	return limits
}

// readLimit reads one limit; "max" and the huge numbers of version 1 mean none, the machine's memory is less anyway.
func readLimit(root fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil && n > 0
}
