//go:build linux

package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tinyurl/test/bench/processors"
)

// shell runs a script as a process.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	p, err := Start(Command{Name: "script", Path: path, Args: []string{"-c", script}, Env: os.Environ(), Log: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no %s", what)
		}
	}
}

func TestProcessorTimeOfDescendantsCounts(t *testing.T) {
	p := shell(t, `(i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; exec sleep 60) & wait`)
	eventually(t, "processor time", func() bool {
		took, err := CPU(p)
		if err != nil {
			t.Fatal(err)
		}
		return took >= 2*tick
	})
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := parseStat(own); err != nil || s.pid != os.Getpid() || s.parent != os.Getppid() {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestMemoryIsRead(t *testing.T) {
	p := shell(t, "exec sleep 60")
	eventually(t, "memory", func() bool {
		m, err := p.Memory()
		return err == nil && m.Resident > 100<<10 && m.Anonymous > 0 && m.Anonymous <= m.Resident
	})
	if _, err := parseMemory("Name:\tx\nVmRSS:\t 12 kB\n"); err == nil {
		t.Error("half a status was read")
	}
}

func TestAProcessHasTheProcessorsThatItIsGiven(t *testing.T) {
	all, err := processors.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	last := all[len(all)-1]
	p, err := Start(Command{Name: "bound", Path: "/bin/sh", Args: []string{"-c", "grep Cpus_allowed_list /proc/self/status"}, Log: log, Processors: []int{last}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got, want := strings.Fields(p.Last()), strconv.Itoa(last); len(got) != 2 || got[1] != want {
		t.Errorf("it has %v, not %s", got, want)
	}
	if _, err := Start(Command{Name: "unbound", Path: "/bin/sh", Log: log, Processors: []int{1000}}); err == nil {
		t.Error("it runs on a processor that is not there")
	}
}

func TestPagesGivenAreCounted(t *testing.T) {
	p := shell(t, `x=x; i=0; while [ $i -lt 18 ]; do x=$x$x; i=$((i+1)); done; echo up; exec sleep 60`)
	eventually(t, "pages", func() bool {
		faults, err := Faults(p)
		if err != nil {
			t.Fatal(err)
		}
		return faults > 50
	})
}

func TestAProcessIsAskedToStopAndKilledIfItDoesNot(t *testing.T) {
	polite := shell(t, "trap 'exit 0' TERM; while :; do sleep 0.01; done")
	if err := polite.Stop(time.Minute); err != nil {
		t.Error(err)
	}
	stubborn := shell(t, "trap '' TERM; echo up; while :; do sleep 0.01; done")
	eventually(t, "trap", func() bool { return stubborn.Last() == "up" })
	if err := stubborn.Ended(); err != nil {
		t.Error(err)
	}
	if err := stubborn.Stop(10 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if err := stubborn.Stop(time.Minute); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}

func TestWhoEndsByItselfIsNoticedWithItsLastWords(t *testing.T) {
	p := shell(t, "echo out of luck; exit 3")
	<-p.Done()
	if err := p.Ended(); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("error = %v", err)
	}
	if _, err := CPU(p); err == nil {
		t.Error("a process that has ended takes processor time")
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a signal to nobody: %v", err)
	}
	if _, err := Start(Command{Name: "none", Path: "/no/such/program", Log: filepath.Join(t.TempDir(), "log")}); err == nil {
		t.Error("no program was started")
	}
}

func TestStatLinesWithStrangeNames(t *testing.T) {
	line := []byte("12 (a) b) (c) S 7 1 1 0 -1 4194560 6 0 3 0 150 50 30 20 20 0 1 0 5 0 0")
	s, err := parseStat(line)
	want := stat{pid: 12, parent: 7, own: 2 * time.Second, children: 500 * time.Millisecond, faults: 9}
	if err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 2", "x (x) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 30 20 20 0"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestPortsAreGivenOnce(t *testing.T) {
	var ports Ports
	seen := map[string]bool{}
	for range 20 {
		address, err := ports.Take()
		if err != nil || seen[address] {
			t.Fatalf("%s, %v", address, err)
		}
		seen[address] = true
	}
}
