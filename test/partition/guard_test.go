//go:build linux

package partition

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// guard is the testing.TB of a cluster: what fails, fails the row that is under way, and the rows that follow go on with another
// cluster. What may fail fatally has to be called inside run.
type guard struct {
	testing.TB

	mu     sync.Mutex
	result *Result // the row under way
}

// row says which row is under way.
func (g *guard) row(r *Result) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.result = r
}

// run calls f in a goroutine of its own and reports whether it came to its end.
func (g *guard) run(f func()) (done bool) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
		done = true
	}()
	<-ended
	return done
}

func (g *guard) note(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.result != nil {
		g.result.Failures = append(g.result.Failures, text)
	}
}

// Error fails the row.
func (g *guard) Error(args ...any) {
	g.Helper()
	g.note(fmt.Sprint(args...))
	g.TB.Error(args...)
}

// Errorf fails the row.
func (g *guard) Errorf(format string, args ...any) {
	g.Helper()
	g.note(fmt.Sprintf(format, args...))
	g.TB.Errorf(format, args...)
}

// Fatal fails and ends the row.
func (g *guard) Fatal(args ...any) {
	g.Helper()
	g.Error(args...)
	runtime.Goexit()
}

// Fatalf fails and ends the row.
func (g *guard) Fatalf(format string, args ...any) {
	g.Helper()
	g.Errorf(format, args...)
	runtime.Goexit()
}

// FailNow fails and ends the row.
func (g *guard) FailNow() {
	g.Fail()
	runtime.Goexit()
}
