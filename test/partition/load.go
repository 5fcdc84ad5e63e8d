package partition

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// LoadOptions say what the clients of one row work with. All but Seed, DiskMayFill and Known are required.
type LoadOptions struct {
	// Nodes are the nodes that clients talk to; nodes may come and go.
	Nodes func() []harness.Endpoint
	// Key is the API key.
	Key string
	// Recorder takes every operation, Book every link that was acknowledged.
	Recorder *history.Recorder
	Book     *Book
	// Name is part of every target, slug and idempotency key, so that rows do not meet.
	Name string
	Seed uint64
	// Known is the number of links, from the beginning of the book, that all nodes are known to have.
	Known int
	// Client numbers the clients; it goes on from row to row.
	Client *atomic.Int64
	// DiskMayFill says that 507 is no wonder.
	DiskMayFill bool
}

// Load is the clients of one row: some create through one node each, some under idempotency keys wherever they are answered, some
// race for slugs, some edit and delete, use links up, or make and revoke API keys, and the others read what was just made on every node.
type Load struct {
	options  LoadOptions
	ctx      context.Context // ends when requests under way must be given up
	abort    context.CancelFunc
	stopped  chan struct{}
	stop     sync.Once
	all      sync.WaitGroup
	http     *http.Client
	visitors *http.Client
	counted  *http.Client // of visitors who are counted: it never sends a request twice
	figures  figures
	contest  contest

	violations harness.Findings
	broken     chan struct{} // closed at the first violation
	breaking   sync.Once
}

// The numbers of clients of each kind, but for those that belong to a node: one that creates and one that follows.
const (
	keyedClients = 2
	racers       = 3
	enders       = 1
	getters      = 1
	editors      = 1
	spenders     = 1
	granters     = 1
)

// The pauses of clients: between requests, and after a request that nobody answered.
const (
	makePause  = 15 * time.Millisecond
	readPause  = 6 * time.Millisecond
	racePause  = 12 * time.Millisecond
	afterwards = 100 * time.Millisecond
)

// StartLoad begins.
func StartLoad(o LoadOptions) *Load {
	l := &Load{options: o, stopped: make(chan struct{}), broken: make(chan struct{}), http: newHTTP(), visitors: newHTTP(), counted: newHTTP()}
	l.counted.Transport.(*http.Transport).DisableKeepAlives = true // a connection that was used before may break, and the request go out again
	l.ctx, l.abort = context.WithCancel(context.Background())
	l.contest.began = time.Now()
	for _, node := range o.Nodes() {
		l.Add(node.Name())
	}
	for _, some := range []struct {
		number int
		work   func(*user)
	}{
		{keyedClients, (*user).insist},
		{racers, (*user).race},
		{enders, (*user).end},
		{getters, (*user).look},
		{editors, (*user).change},
		{spenders, (*user).spend},
		{granters, (*user).grant},
	} {
		for range some.number {
			l.start(some.work)
		}
	}
	return l
}

// Add adds the clients that belong to a node.
func (l *Load) Add(node string) {
	l.start(func(u *user) { u.make(node) })
	l.start(func(u *user) { u.read(node) })
}

// start runs one client.
func (l *Load) start(run func(*user)) {
	u := l.user()
	l.all.Go(func() { run(u) })
}

// user makes a client with a number and a sequence of chance of its own.
func (l *Load) user() *user {
	number := int(l.options.Client.Add(1))
	return &user{load: l, number: number, r: rand.New(rand.NewPCG(l.options.Seed, uint64(number))), unanswered: map[string]int{}}
}

// Queue sends requests of all kinds to one node, all at once, and waits long for their answers: for a node that stands still.
func (l *Load) Queue(node harness.Endpoint, each int, patience time.Duration) {
	for range each {
		l.start(func(u *user) {
			u.patience = patience
			u.makeOne(node)
		})
		for _, read := range []func(*user, harness.Endpoint, Link){(*user).visitLink, (*user).getLink} {
			l.start(func(u *user) {
				u.patience = patience
				if link, ok := l.options.Book.Pick(u.r, recent); ok {
					read(u, node, link)
				}
			})
		}
	}
}

// Stop begins no more requests, waits for those under way and closes all connections.
func (l *Load) Stop() {
	l.stop.Do(func() { close(l.stopped) })
	l.all.Wait()
	l.abort()
	l.http.CloseIdleConnections()
	l.visitors.CloseIdleConnections()
}

// Abort is Stop that waits for no answer: the operations under way stay unknown.
func (l *Load) Abort() {
	l.abort()
	l.Stop()
}

// Broken is closed when a promise was seen broken.
func (l *Load) Broken() <-chan struct{} { return l.broken }

// violate notes a broken promise.
func (l *Load) violate(format string, args ...any) {
	l.violations.Add(format, args...)
	l.breaking.Do(func() { close(l.broken) })
}

// rest waits, or returns false when the load is over.
func (l *Load) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stopped:
		return false
	}
}

// node is a random one.
func (u *user) node() (harness.Endpoint, bool) {
	nodes := u.load.options.Nodes()
	if len(nodes) == 0 {
		return nil, false
	}
	return nodes[u.r.IntN(len(nodes))], true
}

// named is the node of that name, if it is still one.
func (l *Load) named(name string) (harness.Endpoint, bool) {
	for _, n := range l.options.Nodes() {
		if n.Name() == name {
			return n, true
		}
	}
	return nil, false
}

// newHTTP makes an HTTP client that keeps its connections and follows nothing. Requests bring their own deadlines.
func newHTTP() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: readPatience}).DialContext,
			MaxIdleConnsPerHost: 8,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
