package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tinyurl/cluster/member"
)

const (
	// maxSkew is how far a leader's clock may be off the voters' median. Past it, it hands leadership over.
	maxSkew = 2 * time.Second
	// firstCheckTimeout bounds the check before the first stamp of a term; the next one follows soon.
	firstCheckTimeout = 200 * time.Millisecond
	// maxJump is a difference that no drift explains: the node stops.
	maxJump = time.Hour
)

// timekeeper watches the clock of a leader, as the leader stamps the time into every entry. It can judge only with the
// clocks of three voters or more: of two that differ nobody knows which is right.
type timekeeper struct {
	self     member.ID
	voters   func() []member.ID
	ask      func(context.Context, member.ID) (Stats, error)
	transfer func(context.Context) error
	fatal    func(error)
	log      *slog.Logger
}

// checkFirst is check for a leader that has not stamped yet: it does not wait long for voters that may just have died, as all
// writes wait for it.
func (k *timekeeper) checkFirst(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstCheckTimeout)
	defer cancel()
	k.check(ctx)
}

// check compares once. It hands leadership over, or stops the node, when this node's clock is the odd one; otherwise it
// returns and the leader may stamp. Voters that do not answer are left out.
func (k *timekeeper) check(ctx context.Context) {
	asked, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	others := slices.DeleteFunc(k.voters(), func(id member.ID) bool { return id == k.self })
	got, _ := askAll(asked, others, k.ask)
	skew, ok := skew(got)
	switch {
	case !ok || skew.Abs() <= maxSkew:
	case skew.Abs() > maxJump:
		k.fatal(fmt.Errorf("the clock of this node is %v off the other voters': set it right and start the node again", skew.Round(time.Second)))
	default:
		k.log.Warn("the clock of this node is off; handing leadership over", "skew", skew)
		transfer, cancel := context.WithTimeout(context.WithoutCancel(ctx), transferTimeout)
		defer cancel()
		if err := k.transfer(transfer); err != nil {
			k.log.Warn("could not hand leadership over; times may be off", "error", err)
		}
	}
}

// skew is how far this clock is ahead of the median of all clocks, this one (offset zero) included.
func skew(others map[member.ID]Stats) (time.Duration, bool) {
	if len(others) < 2 {
		return 0, false
	}
	offsets := []time.Duration{0}
	for _, s := range others {
		offsets = append(offsets, s.Offset)
	}
	slices.Sort(offsets)
	return -offsets[len(offsets)/2], true
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
