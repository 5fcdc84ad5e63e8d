package sim

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

// workload is the clients. Each request goes to a node by chance; a client does one thing at a time, but sends out helpers that follow
// what it was just given.
type workload struct {
	world   *world
	stopped chan struct{}
	all     sync.WaitGroup
	clients atomic.Int64 // numbers given to clients and helpers
	targets atomic.Int64
	races   atomic.Int64

	mu      sync.Mutex
	known   []known  // owned by mu: acknowledged links, oldest first
	limited []string // owned by mu: the codes of those with a limit
	keys    []apiKey // owned by mu: API keys whose making was acknowledged
}

// known is a link that was acknowledged.
type known struct {
	code, target string
}

// startWorkload sets the clients to work.
func startWorkload(w *world) *workload {
	l := &workload{world: w, stopped: make(chan struct{})}
	for n := range w.plan.clients {
		r := randOf(w.plan.seed, streamWorkload+uint64(n+1)<<8)
		client := l.number()
		l.all.Go(func() { l.work(client, r) })
	}
	return l
}

// stop begins nothing more and waits for what is under way.
func (l *workload) stop() {
	close(l.stopped)
	l.all.Wait()
}

func (l *workload) number() int { return int(l.clients.Add(1)) }

func (l *workload) target() link.Target {
	return link.Target(fmt.Sprintf("https://t.test/%d", l.targets.Add(1)))
}

// pause waits about d, and reports whether the work goes on.
func (l *workload) pause(r *rand.Rand, d time.Duration) bool {
	d = time.Duration(r.ExpFloat64() * float64(d))
	if l.world.haste.Load() > 0 {
		d /= hasteFactor
	}
	t := time.NewTimer(min(d, time.Minute) + time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.stopped:
		return false
	}
}

// hasteFactor is how much faster clients are around the moments that matter.
const hasteFactor = 10

// work is one client.
func (l *workload) work(client int, r *rand.Rand) {
	w := l.world
	for l.pause(r, w.plan.think) {
		up := w.running()
		if len(up) == 0 {
			continue
		}
		m := pick(r, up)
		p := m.current()
		if p == nil {
			continue
		}
		wait := w.plan.patience
		if r.IntN(6) == 0 {
			wait = between(r, 5*time.Millisecond, time.Second)
		}
		l.ask(p, client, wait, r)
	}
}

// ask asks for something.
func (l *workload) ask(p *process, client int, wait time.Duration, r *rand.Rand) {
	switch at := r.IntN(100); {
	case at < 26:
		l.make(p, client, wait, r)
	case at < 38:
		l.makeOnce(client, wait, r)
	case at < 48:
		l.look(p, client, wait, r, history.Get)
	case at < 59:
		l.look(p, client, wait, r, history.Follow)
	case at < 63:
		l.edit(client, wait, r)
	case at < 68:
		l.miss(p, client, wait, r)
	case at < 74:
		l.forget(p, client, wait, r)
	case at < 83:
		l.race(client, wait, r)
	case at < 90:
		l.bulk(p, client, wait, r)
	case at < 96:
		l.spend(client, wait, r)
	default:
		l.keep(p, client, wait, r)
	}
}

// limit is a limit of visits, for some links.
func limit(r *rand.Rand) uint64 {
	if r.IntN(5) > 0 {
		return 0
	}
	return 1 + r.Uint64N(4)
}

// make creates a link and has it followed everywhere the moment it is acknowledged.
func (l *workload) make(p *process, client int, wait time.Duration, r *rand.Rand) {
	d := link.Draft{Fields: link.Fields{Target: l.target(), MaxVisits: limit(r)}}
	if r.IntN(5) == 0 {
		d.Slug = link.Code(fmt.Sprintf("slug-%d", l.races.Add(1)))
	}
	l.celebrate(l.world.create(p, client, wait, d), r)
}

// makeOnce creates a link under a key, and tries again on other nodes until it is told what became of it. Now and then it asks once
// more after the answer, as a client does whose connection broke.
func (l *workload) makeOnce(client int, wait time.Duration, r *rand.Rand) {
	n := l.races.Add(1)
	d := link.Draft{Fields: link.Fields{Target: l.target(), MaxVisits: limit(r)}}
	if r.IntN(4) == 0 {
		d.Slug = link.Code(fmt.Sprintf("once-%d", n))
	}
	d.Once = &link.Once{Scope: "sim", Key: fmt.Sprintf("key-%d", n), Body: sha256.Sum256([]byte(d.Target))}
	again := r.IntN(4) == 0
	for range 6 {
		up := l.world.running()
		if len(up) == 0 {
			return
		}
		p := pick(r, up).current()
		if p == nil {
			continue
		}
		got := l.world.create(p, client, wait, d)
		l.celebrate(got, r)
		if got[0].Outcome != history.Unknown {
			if !again || got[0].Outcome != history.OK {
				return
			}
			again = false
		}
		if !l.pause(r, wait/8) {
			return
		}
	}
}

// bulk creates many links in one request; several of them want the same slug.
func (l *workload) bulk(p *process, client int, wait time.Duration, r *rand.Rand) {
	drafts := make([]link.Draft, 2+r.IntN(12))
	slug := link.Code(fmt.Sprintf("bulk-%d", l.races.Add(1)))
	for i := range drafts {
		drafts[i].Target = l.target()
		if r.IntN(2) == 0 {
			drafts[i].Slug = slug
		}
	}
	l.celebrate(l.world.create(p, client, wait, drafts...), r)
}

// celebrate notes the links that were made and sends helpers to all nodes at once to follow them: whoever answers 404 now is wrong.
func (l *workload) celebrate(made []history.Operation, r *rand.Rand) {
	follow := r.IntN(2) == 0
	for _, op := range made {
		if op.Outcome != history.OK {
			continue
		}
		l.mu.Lock()
		l.known = append(l.known, known{op.Code, op.Target})
		if op.Limit != 0 {
			l.limited = append(l.limited, op.Code)
		}
		l.mu.Unlock()
		if op.Limit != 0 && r.IntN(3) == 0 {
			l.all.Go(l.visits(op.Code, l.world.plan.patience, r))
		}
		if follow {
			l.everywhere(op.Code, r)
			follow = r.IntN(4) == 0 // of a bulk not every one
		}
	}
}

// everywhere asks every running node for a code at this very instant.
func (l *workload) everywhere(code string, r *rand.Rand) {
	for _, m := range l.world.running() {
		p := m.current()
		if p == nil {
			continue
		}
		kind := history.Follow
		if r.IntN(5) == 0 {
			kind = history.Get
		}
		client := l.number()
		l.all.Go(func() { l.world.read(p, client, l.world.plan.patience, kind, code) })
	}
}

// look reads a link that was acknowledged before, half the time one of the latest.
func (l *workload) look(p *process, client int, wait time.Duration, r *rand.Rand, kind history.Kind) {
	if k, ok := l.choose(r); ok {
		l.world.read(p, client, wait, kind, k.code)
	}
}

func (l *workload) choose(r *rand.Rand) (known, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) == 0 {
		return known{}, false
	}
	if r.IntN(2) == 0 {
		return l.known[len(l.known)-1-r.IntN(min(8, len(l.known)))], true
	}
	return pick(r, l.known), true
}

// miss asks for what is not there: a code that only might be one, or a slug that is about to be made.
func (l *workload) miss(p *process, client int, wait time.Duration, r *rand.Rand) {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	code := fmt.Sprintf("slug-%d", l.races.Load()+1+r.Int64N(3))
	if r.IntN(2) == 0 {
		b := make([]byte, link.CodeLength)
		for i := range b {
			b[i] = digits[r.IntN(len(digits))]
		}
		code = string(b)
	}
	l.world.read(p, client, wait, pick(r, []history.Kind{history.Follow, history.Follow, history.Get}), code)
}

// forget deletes a link, and asks everywhere for it once that is acknowledged.
func (l *workload) forget(p *process, client int, wait time.Duration, r *rand.Rand) {
	k, ok := l.choose(r)
	if !ok {
		return
	}
	if l.world.remove(p, client, wait, k.code) == history.OK {
		l.everywhere(k.code, r)
	}
}

// edit has one or more clients change a link at the same instant, on different nodes: all at once from one version, of which one may
// succeed, or each whatever the version.
func (l *workload) edit(client int, wait time.Duration, r *rand.Rand) {
	k, ok := l.choose(r)
	if !ok {
		return
	}
	expected := uint64(0)
	if r.IntN(3) > 0 {
		expected = 1 + uint64(r.IntN(2)) // most links are at one of them
	}
	var all sync.WaitGroup
	for n := range 1 + r.IntN(3) {
		up := l.world.running()
		if len(up) == 0 {
			break
		}
		p := pick(r, up).current()
		if p == nil {
			continue
		}
		number := client
		if n > 0 {
			number = l.number()
		}
		target := l.target()
		all.Go(func() { l.world.edit(p, number, wait, k.code, target, expected) })
	}
	all.Wait()
	if r.IntN(2) == 0 {
		l.everywhere(k.code, r)
	}
}

// race has several clients want one slug at the same instant, on different nodes, while others look for it; a deletion may follow,
// and whoever wants the slug then comes too late.
func (l *workload) race(client int, wait time.Duration, r *rand.Rand) {
	slug := fmt.Sprintf("race-%d", l.races.Add(1))
	var all sync.WaitGroup
	one := func(p *process, client int, d link.Draft, read history.Kind, seed uint64) {
		own := randOf(seed, streamWorkload)
		if read != "" {
			l.world.read(p, client, wait, read, slug)
			return
		}
		l.celebrate(l.world.create(p, client, wait, d), own)
	}
	for range 2 + r.IntN(4) {
		up := l.world.running()
		if len(up) == 0 {
			break
		}
		p := pick(r, up).current()
		if p == nil {
			continue
		}
		read := pick(r, []history.Kind{"", "", "", history.Follow, history.Get})
		number, seed := l.number(), r.Uint64()
		d := link.Draft{Fields: link.Fields{Target: l.target(), MaxVisits: limit(r)}, Slug: link.Code(slug)}
		if r.IntN(4) == 0 {
			d.Once = &link.Once{Scope: "sim", Key: "key-" + slug + "-" + string(d.Target), Body: sha256.Sum256([]byte(d.Target))}
		}
		all.Go(func() { one(p, number, d, read, seed) })
	}
	all.Wait()
	if up := l.world.running(); len(up) > 0 && r.IntN(3) == 0 {
		if p := pick(r, up).current(); p != nil {
			l.world.remove(p, client, wait, slug)
			l.world.create(p, client, wait, link.Draft{Fields: link.Fields{Target: l.target()}, Slug: link.Code(slug)})
		}
	}
}

// acknowledged are all links made so far.
func (l *workload) acknowledged() []known {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]known(nil), l.known...)
}

// writable tries to write on one node until it is let, and returns how long that took; false when ctx ended first.
func (l *workload) writable(ctx context.Context, m *machine) (time.Duration, bool) {
	began := time.Now()
	client := l.number()
	for ctx.Err() == nil {
		if p := m.current(); p != nil {
			got := l.world.create(p, client, 2*time.Second, link.Draft{Fields: link.Fields{Target: l.target()}})
			if got[0].Outcome == history.OK {
				return time.Since(began), true
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return 0, false
}
