package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// watchEvery is how often a leader is looked after.
	watchEvery = time.Second
	// transferLimit is how long a leader may stay in a transfer of leadership. raft can stay there for ever (raft#696),
	// taking no writes while it keeps its followers; only a new process helps.
	transferLimit = 10 * time.Second
)

// watchdog ends a node whose raft is wedged in a way that no message can mend.
type watchdog struct {
	transferring func() time.Time // since when writes are refused for a transfer; zero when they are not
	probe        func() error     // a write of our own, so that silence is noticed without traffic
	fatal        func(error)
}

// run watches until the term ends.
func (w *watchdog) run(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		since := w.transferring()
		if since.IsZero() {
			continue
		}
		// The traffic that noticed the transfer may have ended with it.
		if err := w.probe(); err == nil || !errors.Is(err, raft.ErrLeadershipTransferInProgress) {
			continue
		}
		if time.Since(since) > transferLimit {
			w.fatal(fmt.Errorf("a transfer of leadership has blocked writes for %v (raft#696): the process must start again", time.Since(since)))
			return
		}
	}
}
