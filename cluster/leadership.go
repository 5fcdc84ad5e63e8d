package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// leadership turns raft's edge ("leadership changed") into terms: while this node leads a term, begin runs, and its
// context ends with the term. A term is *ready* once begin has said so, which it does after an entry of its own was
// applied: only then does the leader know everything that was committed before it.
type leadership struct {
	raft *raft.Raft
	// begin serves one term until its context ends. It calls ready once this node's first entry is applied.
	begin  func(ctx context.Context, term uint64, ready func())
	logger *slog.Logger

	readyTerm atomic.Uint64 // the term in which this node is ready; 0 when none

	term   uint64             // owned by run: the term being served, 0 when none
	end    context.CancelFunc // owned by run
	served sync.WaitGroup

	stop    context.CancelFunc
	stopped chan struct{}
}

// leadershipRecheck bounds how long a lost edge goes unnoticed: raft keeps one edge only, so two quick changes may look
// like none.
const leadershipRecheck = 500 * time.Millisecond

func newLeadership(r *raft.Raft, logger *slog.Logger, begin func(context.Context, uint64, func())) *leadership {
	return &leadership{raft: r, begin: begin, logger: logger, stopped: make(chan struct{})}
}

// open starts following raft's edges.
func (l *leadership) open() {
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go l.run(ctx)
}

func (l *leadership) run(ctx context.Context) {
	defer close(l.stopped)
	defer l.finish()
	recheck := time.NewTicker(leadershipRecheck)
	defer recheck.Stop()
	for {
		select {
		case <-l.raft.LeaderCh():
		case <-recheck.C:
		case <-ctx.Done():
			return
		}
		l.follow(ctx)
	}
}

// follow brings what is served in line with what raft says now. A new term while one is served means that leadership was
// lost and regained in between.
func (l *leadership) follow(ctx context.Context) {
	term := l.leading()
	if term == l.term {
		return
	}
	l.finish()
	if term == 0 {
		return
	}
	l.term = term
	serve, cancel := context.WithCancel(ctx)
	l.end = cancel
	l.logger.Info("leading", "term", term)
	l.served.Go(func() {
		l.begin(serve, term, func() { l.readyTerm.Store(term) })
	})
}

// leading returns the term this node leads, 0 when it does not. The term is read before and after the role, so that it
// is the term of that very role.
func (l *leadership) leading() uint64 {
	before := l.raft.CurrentTerm()
	if l.raft.State() != raft.Leader || l.raft.CurrentTerm() != before {
		return 0
	}
	return before
}

// finish ends the term being served and waits until nothing runs in its name.
func (l *leadership) finish() {
	if l.term == 0 {
		return
	}
	l.logger.Info("no longer leading", "term", l.term)
	l.readyTerm.Store(0) // before anything else: nobody may be answered in the name of a term that is over
	l.end()
	l.served.Wait()
	l.term = 0
}

// ready returns the term in which this node leads and has applied an entry of its own, and whether there is one.
func (l *leadership) ready() (uint64, bool) {
	term := l.readyTerm.Load()
	return term, term != 0 && l.leading() == term
}

func (l *leadership) close() {
	l.stop()
	<-l.stopped
}
