package sim

import (
	"maps"
	"slices"
	"sync"
	"time"

	"tinyurl/test/history"
)

// lookedAt is how many links at most every member is asked for in the end; their stores are read whole.
const lookedAt = 120

// readAll follows acknowledged links on every member, and gets some. All is well by now, so that every read has to be answered.
func (l *life) readAll() {
	var all sync.WaitGroup
	for _, m := range l.world.members() {
		client := l.load.number()
		all.Go(func() { l.readOn(m, client) })
	}
	all.Wait()
}

func (l *life) readOn(m *machine, client int) {
	made := l.load.acknowledged()
	for i := 0; i < len(made); i += 1 + len(made)/lookedAt {
		p := m.current()
		if p == nil {
			l.world.problem("unanswered", "%s is down, though all is healed", m.name)
			return
		}
		kind := history.Follow
		if i%4 == 0 {
			kind = history.Get
		}
		switch l.world.read(p, client, 8*time.Second, kind, made[i].code) {
		case history.Unknown, history.Refused:
			l.world.problem("unanswered", "%s does not answer a %s of %q, though all is healed", m.name, kind, made[i].code)
			return // the others would say the same
		}
	}
}

// oftenTried is how many operations of one kind cannot all fail by faults.
const oftenTried = 20

// neverDone accuses a cluster on which no operation of some kind ever succeeded.
func (w *world) neverDone(operations []history.Operation) {
	tried, done := map[history.Kind]int{}, map[history.Kind]int{}
	for _, op := range operations {
		tried[op.Kind]++
		if op.Outcome == history.OK {
			done[op.Kind]++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(tried)) {
		if tried[kind] >= oftenTried && done[kind] == 0 {
			w.problem("never", "none of %d operations of kind %s succeeded", tried[kind], kind)
		}
	}
}
