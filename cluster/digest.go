package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tinyurl/cluster/member"
)

// auditor compares the digests of the replicas. A replica that differs from the majority stops: it must not serve, and it
// must not become the leader whose snapshot everybody copies.
type auditor struct {
	self   member.ID
	voters func() []member.ID
	mine   func() Stats
	ask    func(context.Context, member.ID) (Stats, error)
	fatal  func(error)
	log    *slog.Logger
}

// run compares every interval until ctx ends.
func (a *auditor) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.compare(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// compare asks the voters and judges this node alone; the others judge themselves.
func (a *auditor) compare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	voters := a.voters()
	mine := a.mine()
	if mine.DigestIndex == 0 {
		return
	}
	others := make([]member.ID, 0, len(voters))
	for _, id := range voters {
		if id != a.self {
			others = append(others, id)
		}
	}
	got, _ := askAll(ctx, others, a.ask)
	if err := judge(mine, got, len(voters)); err != nil {
		a.fatal(err)
		return
	}
	for id, s := range got {
		if s.DigestIndex == mine.DigestIndex && s.Digest != mine.Digest {
			a.log.Error("a replica differs", "id", id, "index", s.DigestIndex, "its_digest", s.Digest, "our_digest", mine.Digest)
		}
	}
}

// judge returns an error when a majority of all voters agree on another digest at the very index mine is of. Digests of
// other indexes say nothing.
func judge(mine Stats, others map[member.ID]Stats, voters int) error {
	count := map[string]int{}
	for _, s := range others {
		if s.DigestIndex == mine.DigestIndex {
			count[s.Digest]++
		}
	}
	for digest, n := range count {
		if digest != mine.Digest && n > voters/2 {
			return fmt.Errorf("the state of this node differs from that of %d of %d voters at index %d (digest %s here, %s there): "+
				"its data cannot be trusted; wipe its data directory and start it again, it will join as a new member",
				n, voters, mine.DigestIndex, mine.Digest, digest)
		}
	}
	return nil
}
