//go:build linux

// Package load is a load generator for HTTP/1.1 that takes as little of the machine as it can, since it shares the machine
// with the server it measures: a fixed number of keep-alive connections on a few threads, each thread with an epoll of its own
// and no goroutine switch between an answer and the next request; requests that are put together from prepared bytes; and
// answers of which only the status, the Location and the length are read. Linux only.
package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tinyurl/test/bench/processors"
)

// Source appends the bytes of the next request to dst. Each connection has its own: it need not be safe for concurrent use.
type Source func(dst []byte) []byte

// Config says what load is wanted. Targets, Connections, For, Status and Source are required.
type Config struct {
	// Targets are the servers, host:port, among which the connections are dealt out in turn. Where there are fewer connections
	// than targets, each client has one to every target instead, and goes round: one request here, the next one there.
	Targets []string
	// Connections is how many there are; each has one request in flight.
	Connections int
	// Warm is how long the load runs before it counts, For how long it counts.
	Warm, For time.Duration
	// Rate is how many requests a second are sent at most, by all connections together; 0 sends the next one upon the answer.
	Rate float64
	// Source makes the source of requests of a connection, numbered from 0.
	Source func(connection int) Source
	// Status is what a right answer has; Location says that it must have one, too.
	Status   int
	Location bool
	// Good judges the body of an answer with the right status, which is only valid during the call; nil takes every one. It is
	// called from several threads.
	Good func(body []byte) bool
	// Processors are those that the threads run on, one thread for each; none means a thread for each processor, bound to none.
	Processors []int
	// Begin and End, if given, are called where the counting begins and ends.
	Begin, End func()
	// Drain is how long answers are waited for that are not there at the end; 10 s if 0.
	Drain time.Duration
}

// roams reports whether clients go round.
func (c *Config) roams() bool { return c.Connections < len(c.Targets) }

// Result is what a load met with.
type Result struct {
	// Done counts right answers, Wrong all others; FirstWrong shows one of them.
	Done, Wrong uint64
	FirstWrong  string
	// Took is the time that was counted.
	Took time.Duration
	// Median, Tail and Longest are percentiles 50, 99 and 100 of the time from a request to its answer.
	Median, Tail, Longest time.Duration
	// CPU is what this process took while it counted.
	CPU time.Duration
}

// Rate is right answers a second.
func (r Result) Rate() float64 { return float64(r.Done) / r.Took.Seconds() }

// phase is where a load is.
const (
	warming = iota
	counting
	ending
)

// Run puts load on the targets. A connection that breaks is an error; a wrong answer only counts.
func Run(ctx context.Context, c Config) (Result, error) {
	if c.Connections < 1 || len(c.Targets) == 0 {
		return Result{}, errors.New("a load needs a target and a connection")
	}
	if c.Drain == 0 {
		c.Drain = 10 * time.Second
	}
	threads := min(runtime.NumCPU(), c.Connections)
	if len(c.Processors) > 0 {
		threads = min(len(c.Processors), c.Connections)
	}
	r := &run{config: c, failed: make(chan struct{})}
	for i := range threads {
		w, err := r.worker(i, threads)
		if err != nil {
			r.close()
			return Result{}, err
		}
		r.workers = append(r.workers, w)
	}
	defer r.close()
	var all sync.WaitGroup
	for _, w := range r.workers {
		all.Go(func() {
			runtime.LockOSThread() // for good: it may be bound
			if err := r.bind(); err != nil {
				r.fail(err)
				return
			}
			r.fail(w.loop())
		})
	}
	result := r.count(ctx)
	r.phase.Store(ending)
	all.Wait()
	if r.err != nil {
		return Result{}, r.err
	}
	r.sum(&result)
	return result, ctx.Err()
}

// run is one call of Run.
type run struct {
	config  Config
	workers []*worker
	phase   atomic.Int32

	once   sync.Once
	err    error         // set before failed is closed
	failed chan struct{} // closed by the first error
}

// bind has the calling thread run on the processors wanted.
func (r *run) bind() error {
	if len(r.config.Processors) == 0 {
		return nil
	}
	return processors.Bind(r.config.Processors)
}

// fail notes the first error and ends the run.
func (r *run) fail(err error) {
	if err == nil {
		return
	}
	r.once.Do(func() {
		r.err = err
		close(r.failed)
		r.phase.Store(ending)
	})
}

// broken reports whether an error has ended the run.
func (r *run) broken() bool {
	select {
	case <-r.failed:
		return true
	default:
		return false
	}
}

// count lets the load warm up and count for the times wanted.
func (r *run) count(ctx context.Context) Result {
	if !r.wait(ctx, r.config.Warm) {
		return Result{}
	}
	before, began := cpu(), time.Now()
	if r.config.Begin != nil {
		r.config.Begin()
	}
	r.phase.CompareAndSwap(warming, counting)
	r.wait(ctx, r.config.For)
	r.phase.Store(ending)
	result := Result{Took: time.Since(began), CPU: cpu() - before}
	if r.config.End != nil {
		r.config.End()
	}
	return result
}

// wait waits for a time, or until nothing is worth waiting for.
func (r *run) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-r.failed:
	}
	return false
}

// sum puts together what the workers counted.
func (r *run) sum(result *Result) {
	var all histogram
	for _, w := range r.workers {
		all.add(&w.times)
		result.Done += w.done
		result.Wrong += w.wrong
		result.Longest = max(result.Longest, w.longest)
		if result.FirstWrong == "" {
			result.FirstWrong = w.firstWrong
		}
	}
	result.Median, result.Tail = all.quantile(0.5), all.quantile(0.99)
}

func (r *run) close() {
	for _, w := range r.workers {
		w.close()
	}
}

// cpu is the processor time that this process has taken.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("getrusage: %v", err)) // it fails only for arguments that do not exist
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
