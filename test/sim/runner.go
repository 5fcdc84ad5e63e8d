package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// runner lives one life after the other, each in a process of its own: a life that panics, hangs or eats the memory is a failure
// with a seed, and no more than that.
type runner struct {
	options options
	binary  string
	out     io.Writer
	began   time.Time
	scratch string

	mu     sync.Mutex
	next   uint64   // owned by mu: the next seed
	queue  []uint64 // owned by mu: the seeds left, if they were named
	over   bool     // owned by mu: no life begins any more
	totals totals   // owned by mu
	said   time.Time
}

// runAll runs what the options ask for and returns the exit code.
func runAll(o options, out io.Writer) int {
	binary, err := os.Executable()
	if err != nil {
		fmt.Fprintln(out, "sim:", err)
		return 2
	}
	return runWith(binary, o, out)
}

// runWith has the lives lived by a binary that takes the flags of this one.
func runWith(binary string, o options, out io.Writer) int {
	r := &runner{options: o, binary: binary, out: out, began: time.Now(), said: time.Now()}
	if err := r.prepare(); err != nil {
		fmt.Fprintln(out, "sim:", err)
		return 2
	}
	defer os.RemoveAll(r.scratch)
	var all sync.WaitGroup
	for range r.options.workers {
		all.Go(r.work)
	}
	all.Wait()
	return r.totals.print(out, r.options, time.Since(r.began))
}

func (r *runner) prepare() (err error) {
	o := &r.options
	if err := o.check(); err != nil {
		return err
	}
	if r.queue, err = o.list(); err != nil {
		return err
	}
	if o.workers == 0 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())%1_000_000_000_000 + 1
	}
	r.next = o.seed
	if r.scratch, err = os.MkdirTemp("", "sim"); err != nil {
		return err
	}
	if len(r.queue) > 0 {
		fmt.Fprintf(r.out, "sim: seeds %s\n", o.seeds)
	} else {
		fmt.Fprintf(r.out, "sim: %g virtual hours, from seed %d on, %d lives at once\n", o.hours, o.seed, o.workers)
	}
	return nil
}

// work lives lives until there are enough.
func (r *runner) work() {
	for {
		seed, ok := r.take()
		if !ok {
			return
		}
		got := r.live(seed)
		r.mu.Lock()
		r.totals.add(got)
		r.over = r.over || r.totals.hopeless()
		if len(got.Violations) > 0 {
			r.totals.tell(r.out, got, r.options)
			if r.options.first {
				r.over = true
				r.totals.first = fmt.Sprintf("violation %s after %v", got.Violations[0].Checker, time.Since(r.began).Round(time.Second))
			}
		}
		if time.Since(r.said) > 20*time.Second {
			r.said = time.Now()
			fmt.Fprintf(r.out, "sim: %v: %d lives, %s\n", time.Since(r.began).Round(time.Second), r.totals.lives, r.totals.line())
		}
		r.mu.Unlock()
	}
}

// take gives the next seed.
func (r *runner) take() (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over:
		return 0, false
	case r.options.seeds != "" && len(r.queue) == 0, r.options.seeds == "" && r.totals.virtual.Hours() >= r.options.hours:
		return 0, false
	case r.options.budget > 0 && time.Since(r.began) > r.options.budget:
		r.totals.spent = true
		return 0, false
	case r.options.seeds != "":
		seed := r.queue[0]
		r.queue = r.queue[1:]
		return seed, true
	}
	seed := r.next
	r.next++
	return seed, true
}

// live lives one life in a process of its own.
func (r *runner) live(seed uint64) result {
	file := filepath.Join(r.scratch, strconv.FormatUint(seed, 10))
	ctx, cancel := context.WithTimeout(context.Background(), r.options.within)
	defer cancel()
	command := exec.CommandContext(ctx, r.binary, r.arguments(file, seed)...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGQUIT) } // it says where it hangs
	command.WaitDelay = 10 * time.Second
	command.Env = append(os.Environ(), lifeEnvironment()...)
	var words bytes.Buffer
	var heard io.Writer = &words
	if r.options.verbose {
		heard = io.MultiWriter(&words, r.out)
	}
	command.Stdout, command.Stderr = heard, heard
	began := time.Now()
	err := command.Run()
	r.account(command.ProcessState)
	got := result{Seed: seed, Machines: r.options.nodes}
	data, missing := os.ReadFile(file)
	if missing == nil {
		missing = json.Unmarshal(data, &got)
	}
	_ = os.Remove(file)
	if missing == nil && err == nil {
		return got
	}
	got.Kept = r.keepWords(seed, words.Bytes())
	if exit := command.ProcessState; exit != nil && exit.ExitCode() == exitStill {
		accused := standsStill(words.String())
		if got.Broken = len(accused) == 0; !got.Broken {
			text := "virtual time stands still\n" + strings.Join(accused, "\n\n")
			got.Violations = append(got.Violations, violation{Checker: "still", Text: text[:min(len(text), 4000)]})
		}
		return got
	}
	why := fmt.Sprintf("the process ended with %v after %v", err, time.Since(began).Round(time.Second))
	got.Violations = append(got.Violations, violation{Checker: "process", Text: why + "\n" + tail(words.Bytes())})
	return got
}

// arguments are those of a process that lives one life.
func (r *runner) arguments(file string, seed uint64) []string {
	o := r.options
	return []string{
		"-test.run=^TestOneLife$", "-test.timeout=0", "-test.count=1", "-sim.life=" + file, fmt.Sprintf("-sim.seed=%d", seed),
		fmt.Sprintf("-sim.nodes=%d", o.nodes), "-sim.out=" + o.out, fmt.Sprintf("-sim.minutes=%g", o.minutes), fmt.Sprintf("-sim.verbose=%v", o.verbose),
		"-sim.stuck=" + o.stuck.String(),
	}
}

// account adds up what lives cost.
func (r *runner) account(s *os.ProcessState) {
	if s == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.totals.processor += s.UserTime() + s.SystemTime()
}

// exitStill is the code of a process whose virtual time stands still. Lives that standsStill forgives are broken off and counted.
const exitStill = 7

// lifeEnvironment makes a life as repeatable as the Go runtime allows (see the package's comment), and as cheap.
func lifeEnvironment() []string {
	return []string{"GOMAXPROCS=1", "GODEBUG=randautoseed=0,asyncpreemptoff=1,tlsmlkem=0", "GOGC=800", "GOMEMLIMIT=3GiB", "GOTRACEBACK=all"}
}

// keepWords keeps what a process that failed has printed.
func (r *runner) keepWords(seed uint64, words []byte) string {
	path := filepath.Join(r.options.out, fmt.Sprintf("seed-%d-output.txt", seed))
	if err := os.MkdirAll(r.options.out, 0o755); err != nil {
		return ""
	}
	if err := os.WriteFile(path, words, 0o600); err != nil {
		return ""
	}
	return path
}

// tail is the part of a crashed process's output that says why, without what goroutines do that only wait.
func tail(words []byte) string {
	text := string(words)
	for _, mark := range []string{"panic:", "fatal error:", "SIGQUIT", "WARNING: DATA RACE"} {
		at := strings.Index(text, mark)
		if at < 0 {
			continue
		}
		var kept []string
		for _, part := range strings.Split(text[at:], "\n\n") {
			if !strings.Contains(part, "(durable)") {
				kept = append(kept, part)
			}
		}
		text = strings.Join(kept, "\n\n")
		return text[:min(len(text), 4000)]
	}
	return text[max(0, len(text)-2000):]
}
