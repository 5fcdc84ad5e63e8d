package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/test/bubble"
)

// watched runs a watchdog for a while and gives what it ended the node with, and when.
func watched(t *testing.T, w *watchdog, during time.Duration) (after time.Duration, reason error) {
	t.Helper()
	began := time.Now()
	w.fatal = func(err error) {
		if reason != nil {
			t.Error("the node was ended twice")
		}
		reason, after = err, time.Since(began)
	}
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	w.run(ctx)
	return after, reason
}

// raft can stay in a transfer of leadership for ever (raft#696): it keeps its followers and takes no write.
func TestATransferOfLeadershipThatNeverEndsEndsTheNode(t *testing.T) {
	stuck := raft.ErrLeadershipTransferInProgress
	for name, c := range map[string]struct {
		since func(begin time.Time) time.Time
		probe func(begin time.Time) error
		ends  bool
	}{
		"no transfer": {
			func(time.Time) time.Time { return time.Time{} },
			func(time.Time) error { return stuck }, false,
		},
		"one that writes pass again": {
			func(begin time.Time) time.Time { return begin },
			func(time.Time) error { return nil }, false,
		},
		"one that ended with the leadership": {
			func(begin time.Time) time.Time { return begin },
			func(time.Time) error { return raft.ErrNotLeader }, false,
		},
		"one that ends in time": {
			func(begin time.Time) time.Time { return begin },
			func(begin time.Time) error {
				if time.Since(begin) > transferLimit/2 {
					return nil
				}
				return stuck
			}, false,
		},
		"one that hangs": {
			func(begin time.Time) time.Time { return begin },
			func(time.Time) error { return stuck }, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				begin := time.Now()
				w := &watchdog{
					transferring: func() time.Time { return c.since(begin) },
					probe:        func() error { return c.probe(begin) },
				}
				after, reason := watched(t, w, time.Minute)
				if (reason != nil) != c.ends {
					t.Fatalf("the node was ended: %v", reason)
				}
				if c.ends && (after <= transferLimit || after > transferLimit+2*watchEvery) {
					t.Errorf("ended after %v", after)
				}
			})
		})
	}
}

func TestATransferIsNoticedByTheWritesItRefuses(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		q := &intake{}
		if !q.transferringSince().IsZero() {
			t.Error("a transfer before any write")
		}
		q.noteTransfer(raft.ErrLeadershipTransferInProgress)
		began := q.transferringSince()
		time.Sleep(3 * time.Second)
		q.noteTransfer(errors.Join(raft.ErrLeadershipTransferInProgress, errors.New("as seen by a later write")))
		if since := q.transferringSince(); !since.Equal(began) || time.Since(since) != 3*time.Second {
			t.Errorf("the transfer is %v old", time.Since(since))
		}
		for _, other := range []error{nil, raft.ErrNotLeader, raft.ErrLeadershipLost} {
			q.noteTransfer(raft.ErrLeadershipTransferInProgress)
			if q.noteTransfer(other); !q.transferringSince().IsZero() {
				t.Errorf("a transfer is still seen after %v", other)
			}
		}
	})
}
