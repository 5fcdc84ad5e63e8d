package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

// leaderDouble is a leader that the test speaks for.
type leaderDouble struct {
	mu      sync.Mutex
	id      member.ID
	changed chan struct{}
	batches []command.Batch
	answer  func(try int, b command.Batch) (uint64, []command.Result, error)
}

func newLeaderDouble(answer func(int, command.Batch) (uint64, []command.Result, error)) *leaderDouble {
	return &leaderDouble{id: "a-000000", changed: make(chan struct{}), answer: answer}
}

func (l *leaderDouble) current() (member.ID, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id, l.changed
}

func (l *leaderDouble) elect(id member.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id = id
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *leaderDouble) submit(_ context.Context, _ member.ID, p parcel) (uint64, []command.Result, error) {
	b, err := command.DecodeBatch(p.encoded)
	if err != nil {
		return 0, nil, err
	}
	l.mu.Lock()
	l.batches = append(l.batches, b)
	try := len(l.batches)
	l.mu.Unlock()
	return l.answer(try, b)
}

// done answers each operation of a batch with a link that names it.
func done(b command.Batch) []command.Result {
	results := make([]command.Result, len(b.Operations))
	for i, o := range b.Operations {
		results[i].Link.Code = link.Code(fmt.Sprint(o.Sequence))
	}
	return results
}

func appliedAtOnce(context.Context, uint64) error { return nil }

func (l *leaderDouble) proposer() *proposer {
	return newProposer(firstBoot(), 5*time.Second, l.submit, l.current, appliedAtOnce, slog.New(slog.DiscardHandler))
}

func creates(n int) []command.Command {
	commands := make([]command.Command, n)
	for i := range commands {
		commands[i] = command.Create{Draft: link.Draft{Fields: link.Fields{Target: "https://example.com/"}}}
	}
	return commands
}

func TestOperationsGatherWhileBatchesTravel(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) {
			time.Sleep(time.Second)
			return 1, done(b), nil
		})
		p := l.proposer()
		defer p.close()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if results, err := p.propose(t.Context(), "", creates(1)); err != nil || results[0].Err != nil {
					t.Error(results, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		// The first travels alone; the 99 that came meanwhile share the next.
		if len(l.batches) != 2 || len(l.batches[1].Operations) != 99 {
			t.Fatalf("%d batches, the last of %d operations", len(l.batches), len(l.batches[len(l.batches)-1].Operations))
		}
	})
}

func TestABatchNeverPassesTheLimits(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) { return 1, done(b), nil })
		p := l.proposer()
		defer p.close()
		big := make([]command.Command, 100)
		for i := range big {
			target := "https://example.com/" + string(make([]byte, link.MaxTarget-20))
			big[i] = command.Create{Draft: link.Draft{Fields: link.Fields{Target: link.Target(target)}}}
		}
		for _, commands := range [][]command.Command{creates(3000), big} {
			results, err := p.propose(t.Context(), "", commands)
			if err != nil || len(results) != len(commands) {
				t.Fatal(len(results), err)
			}
			for _, r := range results {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
		}
	})
}

func TestARetryCarriesTheSameIdentityAndFloor(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		failures := []error{ErrNotLeader, ErrUnknownOutcome, peer.ErrUnreachable, errors.New("broken pipe")}
		l := newLeaderDouble(nil)
		l.answer = func(try int, b command.Batch) (uint64, []command.Result, error) {
			if try <= len(failures) {
				return 0, nil, failures[try-1]
			}
			return 9, done(b), nil
		}
		p := l.proposer()
		defer p.close()
		results, err := p.propose(t.Context(), "", creates(2))
		if err != nil || results[0].Err != nil {
			t.Fatal(results, err)
		}
		for _, b := range l.batches {
			if b.Floor != 1 || b.Operations[0].Sequence != 1 || b.Operations[1].Sequence != 2 {
				t.Fatalf("a try carried %+v", b)
			}
		}
		if _, err := p.propose(t.Context(), "", creates(1)); err != nil {
			t.Fatal(err)
		}
		if last := l.batches[len(l.batches)-1]; last.Floor != 3 {
			t.Fatalf("floor %d after both were answered, want 3", last.Floor)
		}
	})
}

func TestAnOperationWithUnknownOutcomeHoldsTheFloorUntilItIsGivenUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(nil)
		l.answer = func(_ int, b command.Batch) (uint64, []command.Result, error) {
			if b.Operations[0].Sequence == 1 {
				return 0, nil, ErrUnknownOutcome
			}
			return 1, done(b), nil
		}
		p := l.proposer()
		defer p.close()
		lost := make(chan error, 1)
		go func() {
			results, _ := p.propose(t.Context(), "", creates(1))
			lost <- results[0].Err
		}()
		synctest.Wait()
		floor := func() uint64 {
			if _, err := p.propose(t.Context(), "", creates(1)); err != nil {
				t.Fatal(err)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.batches[len(l.batches)-1].Floor
		}
		if f := floor(); f != 1 {
			t.Fatalf("floor %d while the first may still be answered", f)
		}
		start := time.Now()
		if err := <-lost; !errors.Is(err, link.ErrNoLeader) {
			t.Fatalf("err = %v", err)
		}
		if waited := time.Since(start); waited > 6*time.Second {
			t.Fatalf("gave up after %v", waited)
		}
		synctest.Wait()
		if f := floor(); f != 3 {
			t.Fatalf("floor %d after it was given up", f)
		}
	})
}

func TestNoLeaderAnswersInTimeAndALateLeaderIsFound(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) { return 1, done(b), nil })
		l.id = ""
		p := l.proposer()
		defer p.close()
		start := time.Now()
		results, err := p.propose(t.Context(), "", creates(1))
		if err != nil || !errors.Is(results[0].Err, link.ErrNoLeader) || time.Since(start) != 5*time.Second {
			t.Fatal(results, err, time.Since(start))
		}
		go func() {
			time.Sleep(time.Second)
			l.elect("b-000000")
		}()
		start = time.Now()
		results, err = p.propose(t.Context(), "", creates(1))
		if err != nil || results[0].Err != nil || time.Since(start) != time.Second {
			t.Fatal(results, err, time.Since(start))
		}
	})
}

func TestATryIsGivenUpWhenAnotherLeaderIsHeardOf(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(nil)
		submit := func(ctx context.Context, to member.ID, b parcel) (uint64, []command.Result, error) {
			if to == "a-000000" { // paused: it will never answer
				<-ctx.Done()
				return 0, nil, ctx.Err()
			}
			batch, _ := command.DecodeBatch(b.encoded)
			return 1, done(batch), nil
		}
		p := newProposer(firstBoot(), 5*time.Second, submit, l.current, appliedAtOnce, slog.New(slog.DiscardHandler))
		defer p.close()
		go func() {
			time.Sleep(2 * time.Second)
			l.elect("b-000000")
		}()
		start := time.Now()
		results, err := p.propose(t.Context(), "", creates(1))
		if err != nil || results[0].Err != nil {
			t.Fatal(results, err)
		}
		if waited := time.Since(start); waited > 2*time.Second+retryMost {
			t.Fatalf("waited %v", waited)
		}
	})
}

func TestTooManyOperationsAreShedWhole(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) { return 1, done(b), nil })
		l.id = ""
		p := l.proposer()
		defer p.close()
		go p.propose(t.Context(), "", creates(operationsInFlight-10))
		synctest.Wait()
		if _, err := p.propose(t.Context(), "", creates(11)); !errors.Is(err, link.ErrOverloaded) {
			t.Fatalf("err = %v", err)
		}
		l.elect("a-000000")
		results, err := p.propose(t.Context(), "", creates(10))
		if err != nil || results[9].Err != nil {
			t.Fatal(results, err)
		}
	})
}

func TestOverloadIsOnlyReportedWhenNothingCanHaveHappened(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(nil)
		l.answer = func(try int, b command.Batch) (uint64, []command.Result, error) {
			switch try {
			case 1:
				return 0, nil, link.ErrOverloaded
			case 2:
				return 0, nil, ErrUnknownOutcome
			case 3:
				return 0, nil, link.ErrOverloaded
			}
			return 1, done(b), nil
		}
		p := l.proposer()
		defer p.close()
		results, _ := p.propose(t.Context(), "", creates(1))
		if !errors.Is(results[0].Err, link.ErrOverloaded) {
			t.Fatalf("a clean refusal was answered with %v", results[0].Err)
		}
		results, _ = p.propose(t.Context(), "", creates(1))
		if results[0].Err != nil {
			t.Fatalf("after an unknown outcome it must go on trying: %v", results[0].Err)
		}
	})
}

func TestTheAnswerWaitsUntilThisNodeHasAppliedTheEntry(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) { return 42, done(b), nil })
		var waitedFor uint64
		applied := func(_ context.Context, index uint64) error {
			waitedFor = index
			time.Sleep(time.Second)
			return nil
		}
		p := newProposer(firstBoot(), 5*time.Second, l.submit, l.current, applied, slog.New(slog.DiscardHandler))
		defer p.close()
		start := time.Now()
		if _, err := p.propose(t.Context(), "", creates(1)); err != nil {
			t.Fatal(err)
		}
		if waitedFor != 42 || time.Since(start) != time.Second {
			t.Fatalf("answered after %v, waited for index %d", time.Since(start), waitedFor)
		}
	})
}

func TestCloseFailsWhatWaits(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(int, command.Batch) (uint64, []command.Result, error) { return 0, nil, ErrUnknownOutcome })
		p := l.proposer()
		answered := make(chan error, 1)
		go func() {
			results, _ := p.propose(t.Context(), "", creates(1))
			answered <- results[0].Err
		}()
		synctest.Wait()
		p.close()
		if err := <-answered; !errors.Is(err, link.ErrNoLeader) {
			t.Fatalf("err = %v", err)
		}
		if _, err := p.propose(t.Context(), "", creates(1)); !errors.Is(err, errClosed) {
			t.Fatalf("after close: %v", err)
		}
	})
}

func TestIdleWaitsForEveryOutcome(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) {
			time.Sleep(time.Second)
			return 1, done(b), nil
		})
		p := l.proposer()
		defer p.close()
		if err := p.idle(t.Context()); err != nil {
			t.Fatal(err)
		}
		go p.propose(t.Context(), "", creates(1))
		synctest.Wait()
		start := time.Now()
		if err := p.idle(t.Context()); err != nil || time.Since(start) != time.Second {
			t.Fatalf("idle after %v: %v", time.Since(start), err)
		}
	})
}

func TestWhatIsKnownAtTheDeadlineIsAnswered(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(nil)
		l.answer = func(_ int, b command.Batch) (uint64, []command.Result, error) {
			if b.Operations[0].Sequence == 1 {
				return 0, nil, ErrUnknownOutcome // the first batch has no luck
			}
			return 1, done(b), nil
		}
		p := l.proposer()
		defer p.close()
		results, err := p.propose(t.Context(), "", creates(3000)) // three batches
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if known := i >= command.MaxOperations; known != (r.Err == nil) {
				t.Fatalf("row %d: %v", i, r.Err)
			}
		}
	})
}

func TestAShortDeadlineDoesNotEndTheBatchOfOthers(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) { return 1, done(b), nil })
		l.id = ""
		p := l.proposer()
		defer p.close()
		for range travelling { // so that the next ones gather
			go p.propose(t.Context(), "", creates(1))
			time.Sleep(overdueMost)
		}
		patient := make(chan error, 1)
		go func() { results, _ := p.propose(t.Context(), "", creates(1)); patient <- results[0].Err }()
		synctest.Wait()
		hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		go p.propose(hasty, "", creates(1))
		synctest.Wait()
		time.Sleep(time.Second)
		l.elect("a-000000")
		if err := <-patient; err != nil {
			t.Fatal(err)
		}
	})
}

// firstBoot is the number of a start that nothing contradicts.
func firstBoot() *boots {
	none := func(string) (uint64, error) { return 0, nil }
	never := func(uint64) (uint64, error) { return 0, errors.New("nothing asks for a later boot") }
	return newBoots(1, "n-000000", none, never, slog.New(slog.DiscardHandler))
}

// Closing can take the queue away between the moment in which a batch is due and the one in which it is taken.
func TestABatchThatClosingTookAwayIsNotSent(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLeaderDouble(func(_ int, b command.Batch) (uint64, []command.Result, error) { return 1, done(b), nil })
		p := &proposer{
			boots: firstBoot(), timeout: 5 * time.Second, submit: l.submit, leader: l.current, applied: appliedAtOnce,
			log: slog.New(slog.DiscardHandler), next: 1, kick: make(chan struct{}, 1), life: newLifetime(),
		}
		p.pace = newPace(func() int {
			p.mu.Lock()
			defer p.mu.Unlock()
			n := len(p.queue)
			p.queue = nil
			return n
		})
		p.life.Go(p.run)
		if results, err := p.propose(t.Context(), "", creates(1)); err != nil || !errors.Is(results[0].Err, link.ErrNoLeader) {
			t.Error(results, err)
		}
		if len(l.batches) != 0 {
			t.Errorf("%d batches were sent", len(l.batches))
		}
		p.close()
	})
}
