package visits

import (
	"hash/maphash"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"tinyurl/api/visits/agent"
)

// text is something that many visitors say alike. said is immutable; the rest belongs to the counter, which finds it out when it sees
// the text for the first time.
type text struct {
	said  string
	hash  uint64 // of this process
	known bool

	class  agent.Class // of a User-Agent
	stable uint64      // a hash of a User-Agent, the same on all nodes
	value  string      // of a referrer or a language
}

const (
	// textRoom is how many texts of a kind are kept. The latest of those that share a place stays.
	textRoom = 4096
	// maxText is how much of a text is kept, in bytes.
	maxText = 512
)

// texts finds texts that were said before, without a lock.
type texts struct {
	seed   maphash.Seed
	places [textRoom]atomic.Pointer[text]
}

func newTexts() *texts { return &texts{seed: maphash.MakeSeed()} }

// nothing is what is said by who says nothing.
var nothing = &text{}

// of gives the text, which is copied only if it is new. said need not live longer than the call.
func (t *texts) of(said string) *text {
	if said == "" {
		return nothing
	}
	said = said[:min(len(said), maxText)]
	hash := maphash.String(t.seed, said)
	place := &t.places[hash%textRoom]
	if found := place.Load(); found != nil && found.hash == hash && found.said == said {
		return found
	}
	fresh := &text{said: strings.Clone(said), hash: hash}
	place.Store(fresh)
	return fresh
}

// learnAgent finds out what a User-Agent says.
func (t *text) learnAgent() {
	if t.known || t == nothing {
		return
	}
	t.known, t.class, t.stable = true, agent.Classify(t.said), xxhash.Sum64String(t.said)
}

// learnReferrer finds out the host of a referrer.
func (t *text) learnReferrer() {
	if t.known || t == nothing {
		return
	}
	t.known = true
	if u, err := url.Parse(t.said); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		t.value = strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	}
}

// learnLanguage finds out the first language of an Accept-Language, without its country.
func (t *text) learnLanguage() {
	if t.known || t == nothing {
		return
	}
	t.known = true
	first := strings.TrimLeft(t.said, " ")
	end := strings.IndexFunc(first, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') })
	if end < 0 {
		end = len(first)
	}
	if end == 2 || end == 3 {
		t.value = strings.ToLower(first[:end])
	}
}

// noAgent is what is known of who sends no User-Agent.
var noAgent = agent.Classify("")
