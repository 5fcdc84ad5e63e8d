package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBenchWaitSeconds is the longest wait a node is granted, in seconds, whatever its Retry-After says.
	maxBenchWaitSeconds = 10
	// The pauses before a connection is opened again, doubled from one failure to the next.
	firstBenchPause = 100 * time.Millisecond
	maxBenchPause   = 2 * time.Second
	// unreached counts requests that had no answer.
	unreached = "connection"
)

// task is what one worker of a phase asks. It belongs to that worker.
type task interface {
	// compose appends the next request to buf; false when there is nothing more to ask.
	compose(buf []byte, to *benchNode) ([]byte, bool)
	// take takes the answer to it, which is nil if there was none, and gives how much of what is counted it brought.
	// Refused says why it brought nothing, and is a word of the API where there is one. An error ends the whole phase.
	take(a *answer) (brought int, refused string, err error)
}

// phase is one kind of load for a time.
type phase struct {
	name    string
	workers int
	// atMost is when no more is asked; 0 for no end. total is what makes it complete, for the progress; 0 if only time does.
	atMost time.Duration
	total  int
	// patience is how long the phase may bring nothing before it fails; 0 for ever.
	patience time.Duration
	// task makes the task of worker i.
	task func(i int, random *rand.Rand) task

	began   time.Time
	brought atomic.Int64
	last    atomic.Int64 // when something was brought last, in nanoseconds since began
	end     context.CancelFunc
	failure onceError
}

// onceError keeps the first error it is given.
type onceError struct {
	once sync.Once
	err  error // read when all who write are done
}

func (e *onceError) set(err error) { e.once.Do(func() { e.err = err }) }

// run drives the phase until its time is over, its tasks have nothing more to ask, it fails or ctx ends.
func (ph *phase) run(ctx context.Context, nodes []*benchNode, random *rand.Rand, progress *progress) (phaseResult, error) {
	ctx, ph.end = context.WithCancel(ctx)
	defer ph.end()
	workers := make([]*benchWorker, ph.workers)
	for i := range workers {
		workers[i] = &benchWorker{phase: ph, nodes: nodes, at: i % len(nodes), task: ph.task(i, branch(random)), tally: newTally()}
	}
	ph.began = time.Now()
	shown := make(chan struct{})
	watching, enough := context.WithCancel(ctx)
	go func() {
		defer close(shown)
		ph.watch(watching, progress)
	}()
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() { w.run(ctx) })
	}
	all.Wait()
	took := time.Since(ph.began)
	enough()
	<-shown
	sum := newTally()
	for _, w := range workers {
		sum.add(w.tally)
	}
	return sum.result(ph.name, took), ph.failure.err
}

// branch makes a source of chance for another goroutine.
func branch(random *rand.Rand) *rand.Rand {
	return rand.New(rand.NewPCG(random.Uint64(), random.Uint64())) //nolint:gosec // it chooses links, and keeps no secret
}

// watch shows how far the phase is, every second, and ends it when it has lost patience.
func (ph *phase) watch(ctx context.Context, progress *progress) {
	defer progress.end()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var before int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, since := ph.brought.Load(), time.Since(ph.began)
		progress.show(ph.line(since, now, now-before))
		before = now
		if ph.patience > 0 && since-time.Duration(ph.last.Load()) > ph.patience {
			ph.fail(fmt.Errorf("nothing came of it for %v", ph.patience))
		}
	}
}

// line is the state of the phase in words.
func (ph *phase) line(since time.Duration, brought, perSecond int64) string {
	if ph.total > 0 {
		return fmt.Sprintf("%s: %d of %d links, %d/s", ph.name, brought, ph.total, perSecond)
	}
	return fmt.Sprintf("%s: %v of %v, %d/s", ph.name, since.Round(time.Second), ph.atMost, perSecond)
}

// fail ends the phase for everybody.
func (ph *phase) fail(err error) {
	ph.failure.set(err)
	ph.end()
}

// over reports whether the time of the phase is.
func (ph *phase) over(now time.Time) bool { return ph.atMost > 0 && now.Sub(ph.began) >= ph.atMost }

// benchWorker asks one thing after the other over one connection. It belongs to one goroutine until the phase is over.
type benchWorker struct {
	phase *phase
	nodes []*benchNode
	at    int // the node asked, an index of nodes
	task  task
	tally *tally

	wire    *wire         // nil when there is no connection
	pause   time.Duration // before the next connection
	request []byte
	answer  answer // here, so that none is made for every request
}

func (w *benchWorker) run(ctx context.Context) {
	defer w.hangUp()
	for now := time.Now(); ctx.Err() == nil && !w.phase.over(now); now = time.Now() {
		var more bool
		if w.request, more = w.task.compose(w.request[:0], w.nodes[w.at]); !more {
			return
		}
		err := w.ask(ctx, now)
		if ctx.Err() != nil {
			return // broken off by us, which says nothing about the node
		}
		if wait := w.judge(err, now); wait > 0 {
			w.rest(ctx, wait)
		}
	}
}

// ask sends the request, over a new connection if there is none.
func (w *benchWorker) ask(ctx context.Context, now time.Time) (err error) {
	if w.wire == nil {
		if w.wire, err = w.nodes[w.at].dial(ctx); err != nil {
			return err
		}
	}
	w.answer, err = w.wire.ask(w.request, now)
	return err
}

// judge counts an answer, or that there was none, and gives how long to wait before the next request.
func (w *benchWorker) judge(err error, asked time.Time) time.Duration {
	if err != nil {
		return w.unanswered()
	}
	w.pause = 0
	now := time.Now()
	brought, refused, err := w.task.take(&w.answer)
	if err != nil {
		w.phase.fail(err)
	}
	if refused != "" {
		w.tally.refused(refused)
	}
	if brought > 0 {
		w.tally.done(now.Sub(asked), brought)
		w.phase.brought.Add(int64(brought))
		w.phase.last.Store(int64(now.Sub(w.phase.began)))
	}
	if w.answer.last {
		w.hangUp()
	}
	if w.answer.retryAfter > 0 {
		w.tally.waited++
	}
	return w.answer.retryAfter
}

// unanswered counts a request without an answer. The node may be gone: the next one is asked, after a pause.
func (w *benchWorker) unanswered() time.Duration {
	w.tally.refused(unreached)
	if _, _, err := w.task.take(nil); err != nil {
		w.phase.fail(err)
	}
	w.hangUp()
	w.at = (w.at + 1) % len(w.nodes)
	w.pause = min(max(2*w.pause, firstBenchPause), maxBenchPause)
	return w.pause
}

// rest waits, but not beyond the end of the phase.
func (w *benchWorker) rest(ctx context.Context, wait time.Duration) {
	if w.phase.atMost > 0 {
		wait = min(wait, w.phase.atMost-time.Since(w.phase.began))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (w *benchWorker) hangUp() {
	if w.wire != nil {
		_ = w.wire.close()
		w.wire = nil
	}
}

// reason is why a request was refused: the word of the API, or the status of a stranger.
func reason(a *answer) string {
	if word := field(a.body, `"code":"`); len(word) > 0 && !slices.ContainsFunc(word, func(c byte) bool { return c != '_' && (c < 'a' || c > 'z') }) {
		return string(word)
	}
	return fmt.Sprintf("status %d", a.status)
}

// field finds the first value that follows a name in a JSON document of ours, up to the next quote. Documents are read so,
// not parsed, because they are read as fast as they come; neither codes nor words hold anything that JSON would escape.
func field(document []byte, name string) []byte {
	value, _ := cutField(document, name)
	return value
}

// cutField is field that also gives what follows the value; nil where the name does not occur.
func cutField(document []byte, name string) (value, rest []byte) {
	at := bytes.Index(document, []byte(name))
	if at < 0 {
		return nil, nil
	}
	value, rest, ok := bytes.Cut(document[at+len(name):], []byte(`"`))
	if !ok {
		return nil, nil
	}
	return value, rest
}

var errNoCodes = errors.New("the answer holds no short code")
