package sim

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

var flags options

func TestMain(m *testing.M) {
	flags.register(flag.CommandLine)
	flag.Parse()
	if flags.life == "" && (flags.hours > 0 || flags.seeds != "") {
		os.Exit(runAll(flags, os.Stdout))
	}
	os.Exit(m.Run())
}

// TestAFewShortLives lives some, by the runner as it is used.
func TestAFewShortLives(t *testing.T) {
	if flags.life != "" {
		t.Skip("this process lives one life")
	}
	o := flags
	o.seeds, o.minutes = "1,2,3,4", 2.5
	var report bytes.Buffer
	if code := runAll(o, &report); code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Log(report.String())
	if !regexp.MustCompile(`\n\d+\.\d virtual hours, \d+ operations, 0 violations\n$`).Match(report.Bytes()) {
		t.Error("the last line is not as it should be")
	}
}

// TestOneLife is what the runner starts in a process of its own.
func TestOneLife(t *testing.T) {
	o := flags
	if o.life == "" {
		t.Skip("started by the runner")
	}
	cryptotest.SetGlobalRandom(t, o.seed)
	p := newPlan(o.seed, o.nodes, o.length())
	var out io.Writer
	if o.verbose {
		out = os.Stdout
		t.Log(p)
	}
	began := time.Now()
	var l lived
	var progress atomic.Int64
	go watch(&progress, o.stuck)
	synctest.Test(t, func(*testing.T) {
		l = live(p, out, &progress)
		progress.Store(lifeOver)          // judging may take as long as it likes
		if len(l.history.Run.Leaks) > 0 { // the bubble would not end
			finish(t, o, p, l, began)
			os.Exit(0)
		}
	})
	finish(t, o, p, l, began)
}

// lifeOver is the progress of a life that has ended.
const lifeOver = -1

// watch ends the process when virtual time has stood still for too long: either something computes without end, or somebody waits for a
// sync.Mutex whose holder waits for time to pass. The stacks tell which. Who waits so uses no processor either, and need not be watched
// for the whole of patience.
func watch(progress *atomic.Int64, patience time.Duration) {
	const looks = 10
	last, used := progress.Load(), processorTime()
	for still, idle := 0, 0; still < looks && idle < looks/4; {
		time.Sleep(patience / looks)
		now, spent := progress.Load(), processorTime()
		if now == lifeOver {
			return
		}
		still, idle = still+1, idle+1
		if now != last {
			still, idle = 0, 0
		}
		if spent-used > patience/looks/100 {
			idle = 0
		}
		last, used = now, spent
	}
	buf := make([]byte, 64<<20)
	fmt.Fprintf(os.Stderr, "fatal error: virtual time stands still\n%s\n", buf[:runtime.Stack(buf, true)])
	os.Exit(exitStill)
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// finish judges a life and writes its result.
func finish(t *testing.T, o options, p plan, l lived, began time.Time) {
	r, v := conclude(p, l, time.Since(began))
	if len(r.Violations) > 0 {
		var err error
		if r.Kept, err = keep(o.out, p, l, v); err != nil {
			t.Error(err)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.life, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
