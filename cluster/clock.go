package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

const (
	// maxSkew is how far a leader's clock may be off the voters' median. Past it, it hands leadership over.
	maxSkew = 2 * time.Second
	// firstCheckTimeout bounds the check before the first stamp of a term; the next one follows soon.
	firstCheckTimeout = 200 * time.Millisecond
	// loneDisputes is after how many checks a clock without witnesses is believed against the stamps.
	loneDisputes = 6
	// maxJump is a difference that no drift explains: the node stops.
	maxJump = time.Hour
)

// stampClock is the time a leader stamps into entries: the time that a check found right, and the monotonic time since. A jump
// of the wall clock never reaches the log, where it would end every link that has an end.
type stampClock struct {
	mu    sync.Mutex
	right time.Time // owned by mu
	since time.Time // owned by mu: when right was set, by the monotonic clock
}

// set takes t for the time it is now.
func (c *stampClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.right, c.since = t.Round(0), time.Now() // Round drops the monotonic reading: it is the wall clock that counts
}

func (c *stampClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.right.Add(time.Since(c.since))
}

// timekeeper watches the clock of a leader, as the leader stamps the time into every entry.
type timekeeper struct {
	self     member.ID
	voters   func() []member.ID
	ask      func(context.Context, member.ID) (Stats, error)
	wall     func() time.Time
	stamps   *stampClock
	transfer func(context.Context) error
	fatal    func(error)
	log      *slog.Logger

	disputed int // owned by the term's goroutine: checks in a row in which a lone clock disagreed with the stamps
}

// begin sets the stamps for a new term. It does not wait long for voters that may just have died, as all writes wait for it.
func (k *timekeeper) begin(ctx context.Context) {
	asked, cancel := context.WithTimeout(ctx, firstCheckTimeout)
	defer cancel()
	k.disputed = 0
	k.judge(ctx, k.askOthers(asked), true)
}

// check compares once more.
func (k *timekeeper) check(ctx context.Context) {
	asked, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	k.judge(ctx, k.askOthers(asked), false)
}

func (k *timekeeper) askOthers(ctx context.Context) map[member.ID]Stats {
	others := slices.DeleteFunc(k.voters(), func(id member.ID) bool { return id == k.self })
	got, _ := askAll(ctx, others, k.ask)
	return got
}

// judge decides what time it is. With the clocks of three voters or more the median is right, and a leader whose clock is the
// odd one hands over or stops. Otherwise, where they differ, nobody knows; the earliest is taken, as a stamp that is too low is mended
// by the next and one that is too high never. A lone clock is believed when it agrees with the stamps, or has gone on
// disagreeing for a while (a machine that slept).
func (k *timekeeper) judge(ctx context.Context, others map[member.ID]Stats, first bool) {
	now := k.wall().Round(0) // by the wall clock alone: with the monotonic one a jump would not show
	if skew, ok := skew(others); ok {
		k.stamps.set(now.Add(-excess(skew)))
		k.correct(ctx, skew)
		return
	}
	if len(others) > 0 {
		earliest := time.Duration(0)
		for id, s := range others {
			if s.Offset.Abs() > maxSkew {
				k.log.Warn("clocks differ and nobody knows which is right; taking the earliest", "other", id, "offset", s.Offset)
			}
			earliest = min(earliest, excess(s.Offset))
		}
		k.stamps.set(now.Add(earliest))
		return
	}
	if first || now.Sub(k.stamps.now()).Abs() <= maxSkew || k.disputed >= loneDisputes {
		k.disputed = 0
		k.stamps.set(now)
		return
	}
	k.disputed++
	k.log.Warn("the clock of this node has jumped; not believing it yet", "by", now.Sub(k.stamps.now()))
}

// excess is a difference of clocks that matters; a small one is left as it is.
func excess(d time.Duration) time.Duration {
	if d.Abs() <= maxSkew {
		return 0
	}
	return d
}

// correct hands leadership over, or stops the node, when its clock is the odd one.
func (k *timekeeper) correct(ctx context.Context, skew time.Duration) {
	switch {
	case skew.Abs() <= maxSkew:
	case skew.Abs() > maxJump:
		k.fatal(fmt.Errorf("the clock of this node is %v off the other voters': set it right and start the node again", skew.Round(time.Second)))
	default:
		k.log.Warn("the clock of this node is off; handing leadership over", "skew", skew)
		transfer, cancel := context.WithTimeout(context.WithoutCancel(ctx), transferTimeout)
		defer cancel()
		if err := k.transfer(transfer); err != nil {
			k.log.Warn("could not hand leadership over", "error", err)
		}
	}
}

// skew is how far this clock is ahead of the median of all clocks, this one (offset zero) included. It is unknown with fewer than
// three clocks, and when they fall into two halves that differ.
func skew(others map[member.ID]Stats) (time.Duration, bool) {
	if len(others) < 2 {
		return 0, false
	}
	offsets := []time.Duration{0}
	for _, s := range others {
		offsets = append(offsets, s.Offset)
	}
	slices.Sort(offsets)
	low, high := offsets[(len(offsets)-1)/2], offsets[len(offsets)/2]
	if high-low > maxSkew {
		return 0, false
	}
	return -low, true
}

// run checks every interval while this node leads.
func (k *timekeeper) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			k.check(ctx)
		case <-ctx.Done():
			return
		}
	}
}
