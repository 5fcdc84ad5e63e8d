package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

// graveyard has links that came due, and a cluster that may refuse.
type graveyard struct {
	t     *testing.T
	began time.Time

	mu       sync.Mutex
	left     int           // guarded by mu
	commands int           // guarded by mu
	last     time.Duration // guarded by mu: of the last command that was not refused
	refuse   bool          // guarded by mu: the next command
}

func (g *graveyard) ended(before time.Time) (bool, error) {
	if !before.Equal(time.Now().Add(-link.ExpiredKept)) {
		g.t.Errorf("asked for links that ended before %v", before)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.left > 0, nil
}

func (g *graveyard) propose(_ context.Context, c command.Command) (command.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commands++
	if g.refuse {
		g.refuse = false
		return command.Result{}, errors.New("refused")
	}
	g.left = max(0, g.left-int(c.(command.Sweep).Limit))
	g.last = time.Since(g.began)
	return command.Result{}, nil
}

// expect lets time pass and says what was done by then.
func (g *graveyard) expect(after time.Duration, left, commands int) {
	g.t.Helper()
	time.Sleep(after)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left != left || g.commands != commands {
		g.t.Errorf("%d are left after %d commands, want %d and %d", g.left, g.commands, left, commands)
	}
}

func TestASweepDeletesAllThatIsDueAndWaits(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		g := &graveyard{t: t, began: time.Now(), left: 600}
		s := &sweeper{ended: g.ended, propose: g.propose, stamp: time.Now, log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.run(ctx) }()
		g.expect(time.Minute, 0, 3)
		g.mu.Lock()
		if g.last != 2*sweepPause {
			t.Errorf("the last command came after %v", g.last)
		}
		g.left, g.refuse = 1, true
		g.mu.Unlock()
		g.expect(sweepEvery, 1, 4)
		g.expect(sweepEvery, 0, 5)
		cancel()
		<-done
	})
}
