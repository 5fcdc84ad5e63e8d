//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc: a hundredth of a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// stat is what is of interest in /proc/PID/stat.
type stat struct {
	pid, parent int
	// own is the processor time of all threads, also of those that have ended; children that of children waited for.
	own, children time.Duration
	// faults is how often it touched memory that it had not yet, or no more.
	faults int64
}

// parseStat reads a line of /proc/PID/stat. The name, second and in parentheses, may hold anything.
func parseStat(line []byte) (stat, error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 1 || end < open {
		return stat{}, fmt.Errorf("no process: %q", line)
	}
	fields := strings.Fields(string(line[end+1:]))
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("no process: %q", line)
	}
	var numbers [8]int64
	for i, text := range []string{strings.TrimSpace(string(line[:open])), fields[1], fields[11], fields[12], fields[13], fields[14], fields[7], fields[9]} {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("no process: %w", err)
		}
		numbers[i] = n
	}
	return stat{
		pid: int(numbers[0]), parent: int(numbers[1]),
		own: time.Duration(numbers[2]+numbers[3]) * tick, children: time.Duration(numbers[4]+numbers[5]) * tick,
		faults: numbers[6] + numbers[7],
	}, nil
}

// all reads every process of the machine, by id.
func all() (map[int]stat, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	found := make(map[int]stat, len(entries))
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		if s, err := parseStat(line); err == nil {
			found[s.pid] = s
		}
	}
	return found, nil
}

// CPU is the processor time that the processes have taken until now, with all their descendants. A descendant that ended and
// was waited for counts; a process that has itself ended is an error.
func CPU(processes ...*Process) (time.Duration, error) {
	sum, err := sumOf(processes)
	return sum.own + sum.children, err
}

// Faults is how often the processes, with all their descendants that run, were given a page of memory on touching it. While it grows
// with every request, a heap is fresh.
func Faults(processes ...*Process) (int64, error) {
	sum, err := sumOf(processes)
	return sum.faults, err
}

// sumOf adds up processes with their descendants.
func sumOf(processes []*Process) (sum stat, err error) {
	found, err := all()
	if err != nil {
		return sum, err
	}
	below := map[int][]int{}
	for pid, s := range found {
		below[s.parent] = append(below[s.parent], pid)
	}
	for _, p := range processes {
		if err := p.Ended(); err != nil {
			return stat{}, err
		}
		sum.add(p.PID(), found, below)
	}
	return sum, nil
}

// add adds what a process and all below it took.
func (s *stat) add(pid int, found map[int]stat, below map[int][]int) {
	one := found[pid]
	s.own, s.children, s.faults = s.own+one.own, s.children+one.children, s.faults+one.faults
	for _, child := range below[pid] {
		s.add(child, found, below)
	}
}

// Memory is what a process holds, in bytes.
type Memory struct {
	// Resident is all of it; Anonymous the part that is not pages of files.
	Resident, Anonymous int64
}

// Memory reads what the process, without its descendants, holds.
func (p *Process) Memory() (Memory, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Memory{}, p.Ended()
		}
		return Memory{}, err
	}
	return parseMemory(string(status))
}

func parseMemory(status string) (m Memory, err error) {
	for _, want := range []struct {
		name string
		into *int64
	}{{"VmRSS:", &m.Resident}, {"RssAnon:", &m.Anonymous}} {
		_, rest, ok := strings.Cut(status, "\n"+want.name)
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 || fields[1] != "kB" {
			return m, fmt.Errorf("no %s in the status of a process", want.name)
		}
		kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return m, err
		}
		*want.into = kilobytes << 10
	}
	return m, nil
}
