package harness

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Acknowledged is a link that a node answered for with 201.
type Acknowledged struct {
	Code, Target string
	// Node is the name of the node that answered, At when the answer had come.
	Node string
	At   time.Time
}

// Ledger is every link that was ever acknowledged. The zero value is empty; it is safe for concurrent use.
type Ledger struct {
	mu     sync.Mutex
	links  []Acknowledged
	byCode map[string]int // place in links

	// Findings are codes that were given out twice.
	Findings Findings
}

// Add writes a link down. A code that is in the ledger already is a finding: no code is ever given to two links.
func (l *Ledger) Add(a Acknowledged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if place, twice := l.byCode[a.Code]; twice {
		was := l.links[place]
		l.Findings.Add("code %s was given out twice: by %s for %q and by %s for %q", a.Code, was.Node, was.Target, a.Node, a.Target)
		return
	}
	if l.byCode == nil {
		l.byCode = make(map[string]int)
	}
	l.byCode[a.Code] = len(l.links)
	l.links = append(l.links, a)
}

// Len is the number of links.
func (l *Ledger) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.links)
}

// Links are all links, in the order of their acknowledgement.
func (l *Ledger) Links() []Acknowledged {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Acknowledged(nil), l.links...)
}

// pick chooses one of the newest links, or of all if newest is 0; false while there is none.
func (l *Ledger) pick(newest int) (Acknowledged, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.links)
	if n == 0 {
		return Acknowledged{}, false
	}
	if newest == 0 || newest > n {
		newest = n
	}
	return l.links[n-1-rand.IntN(newest)], true
}
