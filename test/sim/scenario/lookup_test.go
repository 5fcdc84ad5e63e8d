package scenario

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster"
	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

// watchedLog tells when entries were stored.
type watchedLog struct {
	cluster.Log
	stored func()
}

func (l watchedLog) StoreLogs(entries []*raft.Log) error {
	err := l.Log.StoreLogs(entries)
	l.stored()
	return err
}

// insistent asks a node for links, over and over without waiting for a leader, until the node has an answer of its own. All of it
// happens while the node applies what it has just stored: virtual time stands still.
type insistent struct {
	stage *stage
	node  *machine

	mu    sync.Mutex
	codes []string // owned by mu: what is asked for
	busy  sync.WaitGroup
}

// askers is how many ask at once for each code.
const askers = 3

// ask is called when the node has stored entries.
func (i *insistent) ask() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, code := range i.codes {
		for range askers {
			i.busy.Go(func() { i.insist(code) })
		}
	}
}

func (i *insistent) wants(codes []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.codes = codes
}

// insist asks until there is an answer; not for ever, as what was stored may not be committed yet.
func (i *insistent) insist(code string) {
	impatient, cancel := context.WithCancel(context.Background())
	cancel() // nobody else is asked
	p := i.stage.recorder.Begin(history.Operation{Client: 2, Node: i.node.name, Kind: history.Follow, Code: code})
	for range 2000 {
		route, err := i.node.node.Resolve(impatient, link.Code(code))
		if outcome := outcomeOf(err); outcome != history.Unknown {
			p.End(func(o *history.Operation) { o.Outcome, o.Target = outcome, string(route.Target) })
			return
		}
		runtime.Gosched()
	}
	p.End(nil)
}

// A node hears of links late, all at once, and while it applies them it is asked for them without pause: it finds each, or knows
// nothing yet, but never knows that there is none.
func TestALookupWhileItsLinkIsAppliedIsNeverProvenAbsent(t *testing.T) {
	var here *insistent
	var mu sync.Mutex
	play(t, 3, func(c *cluster.Config) {
		open := c.Environment.OpenLog
		name := c.Name
		c.Environment.OpenLog = func(lc cluster.LogConfig) (cluster.Log, error) {
			log, err := open(lc)
			if err != nil {
				return nil, err
			}
			return watchedLog{log, func() {
				mu.Lock()
				defer mu.Unlock()
				if here != nil && here.node.name == name {
					here.ask()
				}
			}}, nil
		}
	}, func(s *stage) {
		leader, others := s.leader()
		late := others[0]
		for round := range 40 {
			late.host.Pause()
			var codes []string
			for i := range 4 {
				s.create(leader, "", fmt.Sprintf("https://example.org/%d/%d", round, i))
				codes = append(codes, s.made[len(s.made)-1])
			}
			mu.Lock()
			here = &insistent{stage: s, node: late}
			here.wants(codes)
			mu.Unlock()
			late.host.Resume()
			s.writable(late)
			mu.Lock()
			done := here
			here = nil
			mu.Unlock()
			done.busy.Wait()
			time.Sleep(50 * time.Millisecond)
		}
	})
}
