package forming

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// maxBackoff bounds how many times Retry lies between two attempts.
const maxBackoff = 8

// tellFor bounds how long a proposer pushes its decision to nodes that do not
// answer; they ask for it themselves when they are back.
const tellFor = time.Minute

// hunt is what one Run remembers from look to look.
type hunt struct {
	backoff   int       // in Retry, before the next attempt
	notBefore time.Time // no attempt before
	attempt   string    // whose proposer is waited for
	heard     time.Time // from that proposer, or when waiting for it began
	reminded  time.Time // when the log last said what this node waits for
}

// Run takes part in founding until this node knows, durably, that it is one of
// the founders, whose sorted ids it returns; it does so at once when it was
// known from an earlier start. ErrFormedElsewhere: a cluster exists and this
// node is bound to no attempt, so it is to join; from then on it promises
// nothing any more. Other errors are ctx's or the store's. What Run leaves
// running, to tell the others of a decision, ends with ctx. Call it once.
func (f *Former) Run(ctx context.Context) ([]member.ID, error) {
	h := &hunt{backoff: 1, reminded: f.conf.Now()}
	for {
		r, err := f.current()
		if err != nil {
			return nil, err
		}
		switch r.State {
		case formed:
			if r.Proposal.Proposer() == f.conf.Self {
				f.tell(ctx, r.Proposal)
			}
			return slices.Clone(r.Proposal.Set), nil
		case promised:
			err = f.follow(ctx, r.Proposal, h)
		case proposing:
			err = f.attempt(ctx, r.Proposal, h)
		default:
			err = f.look(h)
		}
		if err != nil {
			return nil, err
		}
		now, err := f.current()
		if err == nil && now.State == r.State {
			err = f.pause(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
}

// pause waits for news, or for a while.
func (f *Former) pause(ctx context.Context) error {
	timer := time.NewTimer(f.jitter(f.conf.Tuning.Retry))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-f.conf.Changes:
	case <-f.wake:
	}
	return nil
}

// look proposes the first N nodes in sight if this one is the first of them.
func (f *Former) look(h *hunt) error {
	view := f.conf.View()
	if f.seal(clusterInSight(f.conf.Self, view)) {
		return ErrFormedElsewhere
	}
	seen := f.candidates(view)
	now := f.conf.Now()
	if f.conf.Expect == 0 || len(seen) < f.conf.Expect || seen[0] != f.conf.Self || now.Before(h.notBefore) {
		if now.Sub(h.reminded) >= f.conf.Tuning.Remind {
			h.reminded = now
			f.conf.Logger.Info("waiting to found a cluster", "expected", f.conf.Expect, "in_sight", seen)
		}
		return nil
	}
	id, err := newAttempt(f.conf.Rand)
	if err != nil {
		return err
	}
	p := Proposal{Set: seen[:f.conf.Expect], Attempt: id}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.record.State != free {
		return f.broken // bound by a message meanwhile
	}
	return f.save(record{State: proposing, Proposal: p})
}

// seal ends all promising if there is a cluster to join and no promise is
// held, or if this node belonged to one all along.
func (f *Former) seal(exists bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if exists && f.record.State == free {
		f.sealed = true
	}
	return f.sealed
}

// candidates lists the nodes that want to found a cluster of this size, this
// one among them, sorted. A lone founder looks for nobody.
func (f *Former) candidates(view []member.Member) []member.ID {
	ids := []member.ID{f.conf.Self}
	if f.conf.Expect <= 1 {
		return ids[:f.conf.Expect]
	}
	for _, m := range view {
		if m.ID != f.conf.Self && m.Status == member.Alive && m.ClusterID.IsZero() && !m.Replica && m.Expect == f.conf.Expect {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func newAttempt(random io.Reader) (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("make an attempt id: %w", err)
	}
	return fmt.Sprintf("%x", b), nil
}

// attempt asks everyone for the promise and decides, or abandons.
func (f *Former) attempt(ctx context.Context, p Proposal, h *hunt) error {
	log := f.conf.Logger.With("set", p.Set, "attempt", p.Attempt)
	log.Info("proposing to found a cluster")
	refusal := f.gather(ctx, p)
	if ctx.Err() != nil {
		return ctx.Err() // undecided; the next start goes on with it
	}
	if refusal == nil && clusterInSight(f.conf.Self, f.conf.View()) {
		refusal = ErrFormedElsewhere
	}
	if refusal == nil {
		_, err := f.move(p.Attempt, proposing, formed)
		return err
	}
	if _, err := f.move(p.Attempt, proposing, free); err != nil {
		return err
	}
	log.Info("abandoned the attempt, will try again", "reason", refusal)
	f.forEachOther(p, func(id member.ID) {
		ctx, cancel := context.WithTimeout(ctx, f.conf.Tuning.Call)
		defer cancel()
		if err := f.conf.Peers.Release(ctx, id, p); err != nil {
			log.Debug("could not release a node, it will ask", "node", id, "error", err)
		}
	})
	h.notBefore = f.conf.Now().Add(f.jitter(time.Duration(h.backoff) * f.conf.Tuning.Retry))
	h.backoff = min(2*h.backoff, maxBackoff)
	return nil
}

// gather returns nil once all have promised, or why not all will.
func (f *Former) gather(ctx context.Context, p Proposal) error {
	ctx, cancel := context.WithTimeoutCause(ctx, f.conf.Tuning.Attempt, errors.New("not everyone answered in time"))
	defer cancel()
	var mu sync.Mutex
	var refusal error
	refuse := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if refusal == nil {
			refusal = err
		}
		cancel() // no need to bind the rest
	}
	f.forEachOther(p, func(id member.ID) {
		switch answer, err := f.insist(ctx, id, p); {
		case err != nil:
			refuse(fmt.Errorf("%s: %w", id, err))
		case answer != Promised:
			refuse(fmt.Errorf("%s has %s", id, map[Answer]string{
				Refused: "promised another attempt", Formed: "a cluster",
			}[answer]))
		}
	})
	return refusal
}

// insist asks one node until it answers or ctx ends.
func (f *Former) insist(ctx context.Context, id member.ID, p Proposal) (Answer, error) {
	for {
		call, cancel := context.WithTimeout(ctx, f.conf.Tuning.Call)
		answer, err := f.conf.Peers.Promise(call, id, p)
		cancel()
		if err == nil {
			return answer, nil
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(context.Cause(ctx), err)
		case <-time.After(f.jitter(f.conf.Tuning.Retry)):
		}
	}
}

// follow finds out what has become of a promised attempt: from gossip, where a
// cluster's id tells its founders, or from the proposer.
func (f *Former) follow(ctx context.Context, p Proposal, h *hunt) error {
	if h.attempt != p.Attempt {
		h.attempt, h.heard, h.reminded = p.Attempt, f.conf.Now(), f.conf.Now()
	}
	switch f.evidence(p) {
	case Formed:
		_, err := f.move(p.Attempt, promised, formed)
		return err
	case Refused:
		_, err := f.release(p)
		return err
	}
	call, cancel := context.WithTimeout(ctx, f.conf.Tuning.Call)
	defer cancel()
	answer, err := f.conf.Peers.Promise(call, p.Proposer(), p)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		f.remind(p, h, err)
		return nil
	}
	h.heard, h.reminded = f.conf.Now(), f.conf.Now()
	switch answer {
	case Formed:
		_, err = f.move(p.Attempt, promised, formed)
	case Refused:
		_, err = f.release(p)
	}
	return err
}

// evidence reads the fate of a promised attempt out of the view. Formed: the
// cluster of this very set exists. Refused: another of the set belongs to
// another cluster, so it does not hold its promise, gives none any more, and
// can not have been counted: a promise that was counted is never given up.
func (f *Former) evidence(p Proposal) Answer {
	own := member.Founding(p.Set, 0)
	fate := Promised
	for _, m := range f.conf.View() {
		switch {
		case m.ID == f.conf.Self || m.ClusterID.IsZero():
		case m.ClusterID == own:
			return Formed
		case slices.Contains(p.Set, m.ID):
			fate = Refused
		}
	}
	return fate
}

// remind says, now and then, what a person must do if the proposer is gone.
func (f *Former) remind(p Proposal, h *hunt, cause error) {
	now := f.conf.Now()
	if now.Sub(h.heard) < f.conf.Tuning.Remind || now.Sub(h.reminded) < f.conf.Tuning.Remind {
		return
	}
	h.reminded = now
	f.conf.Logger.Warn("this node has promised to found a cluster and does not hear from the proposer. It waits, since the cluster "+
		"may have been founded. Start the proposer again; only if that node is gone for good, and none of the set belongs to a "+
		"cluster: stop this node, delete the file, start it again",
		"proposer", p.Proposer(), "set", p.Set, "attempt", p.Attempt, "file", f.conf.Store.Name(),
		"silent_for", now.Sub(h.heard).Round(time.Second), "error", cause)
}

// tell pushes the decision to the other founders in the background.
func (f *Former) tell(ctx context.Context, p Proposal) {
	for _, id := range p.Set[1:] {
		go f.tellOne(ctx, id, p)
	}
}

// tellOne works until the node has taken the decision, for tellFor at most, or
// until ctx ends.
func (f *Former) tellOne(ctx context.Context, id member.ID, p Proposal) {
	ctx, cancel := context.WithTimeout(ctx, tellFor)
	defer cancel()
	wait := f.conf.Tuning.Retry
	for {
		call, cancel := context.WithTimeout(ctx, f.conf.Tuning.Call)
		err := f.conf.Peers.Form(call, id, p)
		cancel()
		if err == nil {
			return
		}
		f.conf.Logger.Debug("could not tell a founder of the decision, it will ask", "node", id, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.jitter(wait)):
			wait *= 2
		}
	}
}

// forEachOther calls do for every node of the set but this one, all at once,
// and waits for them.
func (f *Former) forEachOther(p Proposal, do func(member.ID)) {
	var wg sync.WaitGroup
	for _, id := range p.Set {
		if id != f.conf.Self {
			wg.Go(func() { do(id) })
		}
	}
	wg.Wait()
}
