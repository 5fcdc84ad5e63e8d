package gossip

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

const (
	// joinsAtOnce bounds the connections of one round; each may wait for a
	// dead machine until StreamTimeout.
	joinsAtOnce = 4
	// lostPause is the pace of looking for members that failed within lostRecently: one of them may be back with
	// an empty disk and nobody to ask, about to found a cluster of its own.
	lostPause    = 2 * time.Second
	lostRecently = 10 * time.Minute
	// lostAtOnce bounds the failed members one round looks for.
	lostAtOnce = 3
)

// joiner looks for company: at the seeds and the known peers for as long as
// this node is alone, and later, at a slower pace, at seeds and failed members
// that are not in touch. The latter heals a partition that outlasted
// memberlist's memory. It never gives up.
type joiner struct {
	seeds    []Seed
	known    *known
	table    *table
	resolver Resolver
	random   func() float64
	tuning   Tuning
	log      *quietLogger
	metrics  *metrics
	now      func() time.Time
	// join contacts an address; it is memberlist's Join.
	join func(addrs []string) (int, error)
	// own is the address this node gossips from.
	own string

	mu       sync.Mutex
	resolved []string        // guarded by mu: where the seeds are, as of the last round; nil before the first
	answered map[string]bool // guarded by mu: addresses that answered in this process
}

// silent lists the addresses of seeds that have not answered in this process
// and at which no living member is. Known is false before the first round.
func (j *joiner) silent() (addrs []string, known bool) {
	inTouch := make(map[string]bool)
	for _, m := range j.table.members() {
		if m.Status == member.Alive {
			inTouch[m.GossipAddr] = true
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, a := range j.resolved {
		if a != j.own && !inTouch[a] && !j.answered[a] {
			addrs = append(addrs, a)
		}
	}
	return addrs, j.resolved != nil
}

func (j *joiner) noteSeeds(addrs []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.resolved = append(make([]string, 0, len(addrs)), addrs...)
}

func (j *joiner) noteAnswer(addr string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.answered == nil {
		j.answered = make(map[string]bool)
	}
	j.answered[addr] = true
}

// run works until ctx ends.
func (j *joiner) run(ctx context.Context) {
	changes := j.table.watch()
	wait := j.tuning.RetryMin
	for {
		wasAlone := j.alone()
		j.round(ctx, wasAlone)
		j.table.forget(j.now().Add(-j.tuning.ForgetAfter))

		pause := j.tuning.Refresh
		if j.alone() {
			// Half to all of it: nodes started together should not knock together.
			pause = time.Duration(float64(wait) * (0.5 + j.random()/2))
			wait = min(2*wait, j.tuning.RetryMax)
		} else {
			wait = j.tuning.RetryMin
			if j.lostLately() {
				pause = min(pause, lostPause)
			}
		}
		if !j.pause(ctx, changes, pause) {
			return
		}
	}
}

// pause waits for the time given, or until this node has become alone. It
// returns false when ctx has ended.
func (j *joiner) pause(ctx context.Context, changes <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	alone := j.alone()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-changes:
			if !alone && j.alone() {
				return true
			}
			alone = j.alone()
		}
	}
}

// alone tells whether no other node is in touch.
func (j *joiner) alone() bool {
	for _, m := range j.table.members() {
		if m.ID != j.table.self.ID && m.Status == member.Alive {
			return false
		}
	}
	return true
}

// lostLately tells whether a member failed a short while ago.
func (j *joiner) lostLately() bool {
	for _, m := range j.table.members() {
		if m.Status == member.Failed && j.now().Sub(m.Since) < lostRecently {
			return true
		}
	}
	return false
}

// round tries every address that may lead to nodes not in touch, once.
func (j *joiner) round(ctx context.Context, alone bool) {
	var targets, unknown []string
	for _, seed := range j.seeds {
		addrs, err := seed.resolve(ctx, j.resolver)
		if err != nil && ctx.Err() == nil {
			j.log.Warn("could not resolve a seed, will try again", "seed", seed, "error", err)
			unknown = append(unknown, seed.String()) // behind it, too, there may be a cluster
		}
		targets = append(targets, addrs...)
	}
	j.noteSeeds(append(slices.Clone(targets), unknown...))
	if alone {
		targets = append(targets, j.known.addrs()...)
	}
	inTouch := make(map[string]bool)
	var lost []string
	for _, m := range j.table.members() {
		switch {
		case m.Status == member.Alive:
			inTouch[m.GossipAddr] = true
		case m.Status == member.Failed && m.ID != j.table.self.ID:
			lost = append(lost, m.GossipAddr)
		}
	}
	for range min(len(lost), lostAtOnce) {
		at := int(j.random() * float64(len(lost)))
		targets = append(targets, lost[at])
	}

	slices.Sort(targets)
	targets = slices.DeleteFunc(slices.Compact(targets), func(a string) bool { return inTouch[a] })
	j.contact(ctx, targets)
}

// contact joins each of the addresses, a few at once.
func (j *joiner) contact(ctx context.Context, targets []string) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, joinsAtOnce)
	for _, addr := range targets {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			_, err := j.join([]string{addr})
			if err == nil {
				j.noteAnswer(addr)
			} else if ctx.Err() == nil {
				j.metrics.joinFailed()
				text := strings.Join(strings.Fields(err.Error()), " ") // memberlist's come in several lines
				args := []any{"addr", addr, "error", text}
				if hint := hintFor(text); hint != "" {
					args = append(args, "hint", hint)
				}
				j.log.Warn("could not join through a node, will try again", args...)
			}
		})
	}
}
