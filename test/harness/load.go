package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// LoadOptions say what is created and how. Ledger, Endpoints, Key and Source are required.
type LoadOptions struct {
	Ledger    *Ledger
	Endpoints Endpoints
	// Key is the API key.
	Key string
	// Source gives the next long URL, or false when there are no more. It is called from many goroutines.
	Source Source
	// Name sets the idempotency keys of this load apart from those of others; "load" if empty.
	Name string
	// Clients is how many create at once; 6 if 0.
	Clients int
	// BulkSize is the number of rows of a bulk, and BulkEvery makes every so manieth request one; 0 makes none.
	BulkSize, BulkEvery int
	// Pause is what a client waits between two creates.
	Pause time.Duration
	// Timeout is how long a client waits for one answer; 10 s if 0, as a node without a leader answers within 6 s.
	Timeout time.Duration
	// GiveUp is how long one create is tried again before it counts as abandoned; 60 s if 0.
	GiveUp time.Duration
}

// The pauses between tries of one create.
const (
	retryFirst = 10 * time.Millisecond
	retryMost  = 200 * time.Millisecond
)

// Load creates links through all nodes and writes down every one that was acknowledged. What is answered with 503 or not at
// all is tried again, on the next node, under its idempotency key.
type Load struct {
	options LoadOptions
	ctx     context.Context // ends when a create must be given up
	abort   context.CancelFunc
	stopped chan struct{}
	stop    sync.Once
	all     sync.WaitGroup
	http    *http.Client

	accepted, attempts, retries, abandoned atomic.Int64
	slowest                                atomic.Int64 // of the refusals with 503, ns
	gap                                    gap
	findings                               Findings
}

// LoadReport is what a Load did.
type LoadReport struct {
	// Accepted is the number of links acknowledged, Attempts that of requests, Retries of those again for the same links.
	Accepted, Attempts, Retries int64
	// Abandoned is the number of links that nobody acknowledged in time; they may exist.
	Abandoned int64
	// LongestGap is the longest time in which nothing was accepted, Took the whole.
	LongestGap, Took time.Duration
	// SlowestRefusal is the longest time until a 503.
	SlowestRefusal time.Duration
	// Findings are answers that must not come.
	Findings *Findings
}

// String is the report in one line.
func (r LoadReport) String() string {
	return fmt.Sprintf("%d creates accepted in %v (%.0f/s), %d requests, %d retries, %d abandoned, longest gap %v, slowest 503 %v",
		r.Accepted, r.Took.Round(time.Millisecond), float64(r.Accepted)/r.Took.Seconds(), r.Attempts, r.Retries, r.Abandoned,
		r.LongestGap.Round(time.Millisecond), r.SlowestRefusal.Round(time.Millisecond))
}

// StartLoad begins to create.
func StartLoad(o LoadOptions) *Load {
	orInt(&o.Clients, 6)
	orDuration(&o.GiveUp, time.Minute)
	orDuration(&o.Timeout, 10*time.Second)
	if o.Name == "" {
		o.Name = "load"
	}
	l := &Load{options: o, stopped: make(chan struct{}), http: newVisitor(o.Clients, o.Timeout)}
	l.ctx, l.abort = context.WithCancel(context.Background())
	l.gap.start()
	for n := range o.Clients {
		l.all.Go(func() { l.run(n) })
	}
	return l
}

// Accepted is the number of links acknowledged so far.
func (l *Load) Accepted() int64 { return l.accepted.Load() }

// Stop begins no more creates, lets those under way finish and reports.
func (l *Load) Stop() LoadReport {
	l.stop.Do(func() { close(l.stopped) })
	return l.Wait()
}

// Wait waits until the source is exhausted (or Stop was called) and reports.
func (l *Load) Wait() LoadReport {
	l.all.Wait()
	l.gap.end()
	l.abort()
	l.http.CloseIdleConnections()
	longest, took := l.gap.report()
	return LoadReport{
		Accepted: l.accepted.Load(), Attempts: l.attempts.Load(), Retries: l.retries.Load(), Abandoned: l.abandoned.Load(),
		LongestGap: longest, Took: took, SlowestRefusal: time.Duration(l.slowest.Load()), Findings: &l.findings,
	}
}

// Abort gives everything up at once, for a test that has failed.
func (l *Load) Abort() {
	l.stop.Do(func() { close(l.stopped) })
	l.abort()
}

// LongestGap is the longest time so far in which nothing was accepted.
func (l *Load) LongestGap() time.Duration {
	longest, _ := l.gap.report()
	return longest
}

// run is one client.
func (l *Load) run(number int) {
	for turn := 0; ; turn++ {
		select {
		case <-l.stopped:
			return
		default:
		}
		rows := 1
		if l.options.BulkEvery > 0 && turn%l.options.BulkEvery == l.options.BulkEvery-1 {
			rows = l.options.BulkSize
		}
		order := l.next(rows)
		if len(order.targets) == 0 {
			return
		}
		order.key = fmt.Sprintf("%s-%d-%d", l.options.Name, number, turn)
		order.first, order.bulk = number+turn, rows > 1
		l.fill(order)
		if l.options.Pause > 0 && !pause(l.ctx, l.options.Pause) {
			return
		}
	}
}

// order is one request, to be repeated until it is done.
type order struct {
	key     string
	targets []string
	bulk    bool
	first   int      // where to try first
	codes   []string // of the rows acknowledged so far
}

// next takes up to rows URLs from the source.
func (l *Load) next(rows int) *order {
	o := &order{}
	for range rows {
		target, ok := l.options.Source()
		if !ok {
			break
		}
		o.targets = append(o.targets, target)
	}
	o.codes = make([]string, len(o.targets))
	return o
}

// fill tries an order until every row of it is acknowledged, refused for good, or given up.
func (l *Load) fill(o *order) {
	ctx, cancel := context.WithTimeout(l.ctx, l.options.GiveUp)
	defer cancel()
	wait := retryFirst
	for try := 0; ; try++ {
		nodes := l.options.Endpoints()
		if len(nodes) > 0 {
			node := nodes[(o.first+try)%len(nodes)]
			l.attempts.Add(1)
			began := time.Now()
			done, err := l.attempt(ctx, node, o)
			if done || l.final(node, o, err, time.Since(began)) {
				return
			}
		}
		if !pause(ctx, wait) {
			l.abandoned.Add(int64(o.open()))
			return
		}
		l.retries.Add(1)
		wait = min(2*wait, retryMost)
	}
}

// open is the number of rows without an answer.
func (o *order) open() int {
	n := 0
	for _, code := range o.codes {
		if code == "" {
			n++
		}
	}
	return n
}

// attempt sends an order once. It is done when every row has an answer for good.
func (l *Load) attempt(ctx context.Context, node Endpoint, o *order) (done bool, err error) {
	api, err := client.New(node.URL(), l.options.Key, l.http)
	if err != nil {
		return false, err
	}
	if !o.bulk {
		made, err := api.Create(ctx, v1.CreateLink{LongURL: o.targets[0]}, o.key)
		if err == nil {
			l.acknowledge(node, o, 0, made)
		}
		return err == nil, err
	}
	rows := make([]v1.CreateLink, len(o.targets))
	for i, target := range o.targets {
		rows[i].LongURL = target
	}
	results, err := api.CreateBulk(ctx, rows, o.key)
	if err != nil {
		return false, err
	}
	for i, r := range results {
		switch {
		case r.Link != nil && r.Status == http.StatusCreated:
			l.acknowledge(node, o, i, *r.Link)
		case r.Status != http.StatusServiceUnavailable:
			l.findings.Add("%s refused row %d of %s (%q) with status %d, %+v", node.Name(), i, o.key, o.targets[i], r.Status, r.Error)
			return true, nil
		}
	}
	return o.open() == 0, nil
}

// acknowledge writes one row down, once. The same key must give the same link, however often it is asked.
func (l *Load) acknowledge(node Endpoint, o *order, row int, made v1.Link) {
	if made.LongURL != o.targets[row] || made.ShortCode == "" {
		l.findings.Add("%s made %s for %q of %q", node.Name(), made.ShortCode, made.LongURL, o.targets[row])
	}
	if o.codes[row] != "" {
		if o.codes[row] != made.ShortCode {
			l.findings.Add("%s made %s for key %s, row %d, which had got %s before", node.Name(), made.ShortCode, o.key, row, o.codes[row])
		}
		return
	}
	o.codes[row] = made.ShortCode
	now := time.Now()
	l.options.Ledger.Add(Acknowledged{Code: made.ShortCode, Target: o.targets[row], Node: node.Name(), At: now})
	l.accepted.Add(1)
	l.gap.accept(now)
}

// final reports whether err ends an order: all but 503 and a lost connection does, and must not happen.
func (l *Load) final(node Endpoint, o *order, err error, took time.Duration) bool {
	var refusal *client.Error
	if !errors.As(err, &refusal) {
		return false // no answer, or some rows of a bulk with 503
	}
	if refusal.Status != http.StatusServiceUnavailable {
		l.findings.Add("%s refused %s (%q): %v", node.Name(), o.key, o.targets[0], err)
		return true
	}
	if refusal.RetryAfter == 0 {
		l.findings.Add("%s answered %s with 503 and no Retry-After: %v", node.Name(), o.key, err)
	}
	for {
		slowest := l.slowest.Load()
		if int64(took) <= slowest || l.slowest.CompareAndSwap(slowest, int64(took)) {
			return false
		}
	}
}

// gap measures the longest time in which nothing was accepted.
type gap struct {
	mu                sync.Mutex
	began, last, over time.Time
	longest           time.Duration
}

func (g *gap) start() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.began = time.Now()
	g.last = g.began
}

func (g *gap) accept(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.longest = max(g.longest, now.Sub(g.last))
	if now.After(g.last) {
		g.last = now
	}
}

func (g *gap) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over.IsZero() {
		g.over = time.Now()
	}
}

// report counts the stretch that is still open, too: a load that never got on must not look good.
func (g *gap) report() (longest, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.over
	if until.IsZero() {
		until = time.Now()
	}
	return max(g.longest, until.Sub(g.last)), until.Sub(g.began)
}
