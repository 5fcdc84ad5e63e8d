package partition

import (
	"math/rand/v2"
	"sync"
	"time"

	"tinyurl/test/harness"
)

// Link is a link that some node acknowledged and that no client ever deletes.
type Link struct {
	Code, Target string
	// Node is the name of the node that answered, At when the answer had come.
	Node string
	At   time.Time
	// Place is the link's number in its book.
	Place int
}

// Book is every link that was acknowledged to the clients of one cluster, in the order of acknowledgement. It is safe for
// concurrent use; the zero value is empty.
type Book struct {
	mu     sync.Mutex
	links  []Link
	byCode map[string]int
	// doomed are the codes of links that a client deletes, and ended those whose deletion was acknowledged.
	doomed map[string]string
	ended  []string
}

// recent is the number of newest links from which half of the visits choose: what was just made is lost most easily.
const recent = 48

// Add writes a link down. It returns the target of another link that had the code before, if there is one.
func (b *Book) Add(l Link) (other string, twice bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, twice = b.given(l.Code); twice && other != l.Target {
		return other, true
	}
	if twice {
		return "", false // one key, asked again
	}
	if b.byCode == nil {
		b.byCode = make(map[string]int)
	}
	l.Place = len(b.links)
	b.byCode[l.Code] = l.Place
	b.links = append(b.links, l)
	return "", false
}

// Doom writes down a link that is about to be deleted, like Add.
func (b *Book) Doom(code, target string) (other string, twice bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, twice = b.given(code); twice {
		return other, true
	}
	if b.doomed == nil {
		b.doomed = make(map[string]string)
	}
	b.doomed[code] = target
	return "", false
}

// given tells whether a code was given out before, and for what. The caller holds the lock.
func (b *Book) given(code string) (target string, ok bool) {
	if place, ok := b.byCode[code]; ok {
		return b.links[place].Target, true
	}
	target, ok = b.doomed[code]
	return target, ok
}

// End writes down that the deletion of a doomed link was acknowledged.
func (b *Book) End(code string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = append(b.ended, code)
}

// Len is the number of links, without the doomed.
func (b *Book) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.links)
}

// Pick chooses one of the newest links, or of all if newest is 0; false while there is none.
func (b *Book) Pick(r *rand.Rand, newest int) (Link, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.links)
	if n == 0 {
		return Link{}, false
	}
	if newest == 0 || newest > n {
		newest = n
	}
	return b.links[n-1-r.IntN(newest)], true
}

// Ledger is the links from a place on, for the verifier of every node.
func (b *Book) Ledger(from int) *harness.Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	ledger := &harness.Ledger{}
	for _, l := range b.links[min(from, len(b.links)):] {
		ledger.Add(harness.Acknowledged{Code: l.Code, Target: l.Target, Node: l.Node, At: l.At})
	}
	return ledger
}

// Ended are the codes of acknowledged deletions, from a place on.
func (b *Book) Ended(from int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.ended[min(from, len(b.ended)):]...)
}

// Codes are all codes ever acknowledged.
func (b *Book) Codes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var codes []string
	for _, l := range b.links {
		codes = append(codes, l.Code)
	}
	for code := range b.doomed {
		codes = append(codes, code)
	}
	return codes
}

// at is the link with a number.
func (b *Book) at(place int) Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.links[place]
}
