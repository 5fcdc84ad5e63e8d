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

// pile is something to do, and a cluster that may refuse.
type pile struct {
	t     *testing.T
	began time.Time
	// takes is how much a command does; the test fails if it is not the one it should be.
	takes func(command.Command) int

	mu       sync.Mutex
	left     int           // guarded by mu
	commands int           // guarded by mu
	last     time.Duration // guarded by mu: when the last command came
	refusal  error         // guarded by mu: of the next command
}

func (p *pile) due() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left > 0, nil
}

func (p *pile) propose(_ context.Context, c command.Command) (command.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands++
	if err := p.refusal; err != nil {
		p.refusal = nil
		return command.Result{}, err
	}
	p.left = max(0, p.left-p.takes(c))
	p.last = time.Since(p.began)
	return command.Result{}, nil
}

// add makes more to do; the next command is refused with an error, if there is one.
func (p *pile) add(n int, refusal error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.refusal = p.left+n, refusal
}

// expect lets time pass and says what was done by then.
func (p *pile) expect(after time.Duration, left, commands int) {
	p.t.Helper()
	time.Sleep(after)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left != left || p.commands != commands {
		p.t.Errorf("%d are left after %d commands, want %d and %d", p.left, p.commands, left, commands)
	}
}

// testChore has a chore do what three of its commands do, and then what is refused at first. most is what one command does.
func testChore(t *testing.T, most int, takes func(command.Command) int, of func(p *pile, log *slog.Logger) chore) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		p := &pile{t: t, began: time.Now(), left: 2*most + 1, takes: takes}
		var said counted
		c := of(p, slog.New(&said))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); c.run(ctx) }()
		p.expect(c.every-time.Second, 0, 3)
		if p.last != 2*c.pause {
			t.Errorf("the last command came after %v, want %v", p.last, 2*c.pause)
		}
		p.add(1, errors.New("refused"))
		p.expect(c.every, 1, 4)
		p.expect(c.every, 0, 5)
		p.add(1, link.ErrNoLeader)
		p.expect(2*c.every, 0, 7)
		if said.lines != 1 {
			t.Errorf("%d warnings, want one, of what was refused", said.lines)
		}
		cancel()
		<-done
	})
}

// counted is a logger's handler that counts what is said.
type counted struct {
	slog.Handler
	lines int // of one goroutine at a time
}

func (c *counted) Enabled(context.Context, slog.Level) bool { return true }

func (c *counted) Handle(context.Context, slog.Record) error {
	c.lines++
	return nil
}

// A chore whose look fails leaves it at that until the next one.
func TestAChoreThatCannotLookLooksLater(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		looks := 0
		var said counted
		c := chore{
			every: time.Minute, pause: time.Second, log: slog.New(&said),
			due: func() (bool, error) { looks++; return true, errors.New("unreadable") },
			propose: func(context.Context, command.Command) (command.Result, error) {
				t.Error("something is proposed unseen")
				return command.Result{}, nil
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		c.run(ctx)
		if looks != 3 || said.lines != 3 {
			t.Errorf("%d looks and %d warnings in two minutes and a half, want three", looks, said.lines)
		}
	})
}
