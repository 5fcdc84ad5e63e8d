//go:build unix

package main

import (
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestAnInterruptedBenchShowsWhatItMeasured(t *testing.T) {
	f := newBenchFake(t, 1)
	var once sync.Once
	f.refuse = func(_ http.ResponseWriter, r *http.Request) bool {
		if f.creates.Load() > 20 {
			once.Do(func() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) })
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client is gone
			<-r.Context().Done()               // an answer that never comes must not be waited for
		}
		return false
	}
	began := time.Now()
	code, report, said := f.bench(t, "--duration", "10m", "--concurrency", "1")
	if code != 0 || !report.Interrupted || len(report.Phases) != 1 || report.Phases[0].Count != 20 || len(report.Phases[0].Errors) != 0 {
		t.Errorf("exit %d, %+v; %s", code, report, said)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v to stop", took)
	}
}
