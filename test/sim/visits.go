package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/store"
	"tinyurl/fsm/visit"
)

// How visits are told.
const (
	// tellEvery is the time between two times that a process tells the cluster what it has counted.
	tellEvery = time.Second
	// toldAtOnce is the most links that are told of in one command, far below its bound.
	toldAtOnce = 500
	// tellPatience is how long a process may need, when all is healed, until it has told all.
	tellPatience = time.Minute
)

// visits counts redirects as the program does beside its node: each process counts what it answers, and tells the cluster every second.
// What it could not tell goes when it dies, and no more than that; what was told is counted once, however often it was sent.
type visits struct {
	mu     sync.Mutex
	closed bool   // owned by mu: the counting is over
	seen   uint64 // owned by mu: redirects that were counted by processes
	// dropped is what processes had not told when they died, unsure what they had told and were not answered. Owned by mu.
	dropped, unsure uint64
}

// counter is what one process has counted. It belongs to the lock of visits.
type counter struct {
	over     bool
	pending  map[string]uint64 // by code
	sequence uint64
	// flight is what was told and not answered yet, of so many visits: it is sent again as it is, since nobody knows what became of it.
	flight *command.Visits
	flying uint64
}

// saw counts a redirect that a process is about to answer.
func (v *visits) saw(p *process, code string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || p.counter.over {
		return
	}
	if p.counter.pending == nil {
		p.counter.pending = map[string]uint64{}
	}
	p.counter.pending[code]++
	v.seen++
}

// run tells what a process counts, for as long as it lives.
func (v *visits) run(p *process) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			<-p.paused.passage()
			v.tell(p)
		case <-p.over:
			return
		}
	}
}

// tell tells the cluster what is next, if there is anything.
func (v *visits) tell(p *process) {
	next := v.next(p)
	if next == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	results, err := p.node.Propose(ctx, "", []command.Command{*next})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return // whatever it says, the same may be sent again
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !p.counter.over {
		p.counter.flight, p.counter.flying = nil, 0
	}
}

// next is what is to be told: what was not answered, or what was counted since; nil for nothing.
func (v *visits) next(p *process) *command.Visits {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &p.counter
	if c.over || c.flight != nil || len(c.pending) == 0 {
		return c.flight
	}
	c.sequence++
	// A life is too short to see an hour end. So some is told late, of hours that the leader may have added to their day already.
	hour := visit.HourOf(p.machine.now()) - visit.Hour(c.sequence%3)
	var tallies []visit.Tally
	for _, code := range slices.Sorted(maps.Keys(c.pending)) {
		if len(tallies) == toldAtOnce {
			break
		}
		n := c.pending[code]
		tallies = append(tallies, tallyOf(hour, visit.Subject{Kind: visit.OfLink, Name: code}, n))
		c.flying += n
		delete(c.pending, code)
	}
	tallies = slices.Insert(tallies, 0, tallyOf(hour, visit.Subject{Kind: visit.OfAll}, c.flying))
	c.flight = &command.Visits{
		Node: string(p.node.ID()), Boot: p.node.Boot(), Sequence: c.sequence, Tallies: string(visit.AppendTallies(nil, tallies)),
	}
	return c.flight
}

func tallyOf(hour visit.Hour, of visit.Subject, n uint64) visit.Tally {
	var b visit.Builder
	b.Human(&visit.Values{}, n)
	return visit.Tally{Hour: hour, Subject: of, Stats: b.Stats()}
}

// died is the end of a process: what it has not told is lost.
func (v *visits) died(p *process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &p.counter
	if c.over {
		return
	}
	c.over = true
	for _, n := range c.pending {
		v.dropped += n
	}
	v.unsure += c.flying
}

// toldAll reports whether a process has nothing left to tell.
func (v *visits) toldAll(p *process) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return p.counter.over || p.counter.flight == nil && len(p.counter.pending) == 0
}

// bounds are how many visits must have been counted at least, and at most.
func (v *visits) bounds() (least, most uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	most = v.seen - v.dropped
	return most - v.unsure, most
}

// tellAll ends the counting, and waits until all members have told what they counted.
func (w *world) tellAll() {
	w.visits.mu.Lock()
	w.visits.closed = true
	w.visits.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), tellPatience)
	defer cancel()
	for _, m := range w.members() {
		for p := m.current(); p != nil && !w.visits.toldAll(p); {
			if !sleep(ctx, tellEvery) {
				w.problem("visits", "%s could not tell what it has counted in %v", m.name, tellPatience)
				return
			}
		}
	}
}

// counts is how many visits a store has counted.
func counts(s *store.Store) (uint64, error) {
	totals, err := s.VisitTotals(context.Background(), []visit.Subject{{Kind: visit.OfAll}})
	if err != nil {
		return 0, err
	}
	return totals[0].Total(), nil
}

// miscounts says what is wrong with the numbers of visits that nodes hold in the end, by their names.
func miscounts(held map[string]uint64, least, most uint64) (wrong []string) {
	first := ""
	for _, name := range slices.Sorted(maps.Keys(held)) {
		if first == "" {
			first = name
		}
		if n := held[name]; n < least || n > most {
			wrong = append(wrong, fmt.Sprintf("%s counts %d visits, want %d to %d", name, n, least, most))
		} else if n != held[first] {
			wrong = append(wrong, fmt.Sprintf("%s counts %d visits, %s %d", name, n, first, held[first]))
		}
	}
	return wrong
}
