package visits

import (
	"encoding/binary"
	"net/http"
	"net/netip"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"tinyurl/fsm/visit"
)

const (
	// maxLinks is how many links are told apart between two commands. Visits of others count for all links together alone.
	maxLinks = 64 << 10
	// maxAlike is how many sorts of visits of one link are told apart before they are added to its lists.
	maxAlike = 8
)

// counter adds visits up. It belongs to one goroutine.
type counter struct {
	country func(netip.Addr) string
	salt    func(visit.Day) [16]byte

	day  visit.Day
	key  [16 + 16 + 8]byte // the day's salt, and room for an address and a hash
	hour visit.Hour        // all of the following is of this hour
	// all are visits of all links, orphans those that led nowhere; nil for none.
	all, orphans *tallying
	links        map[string]*tallying // by code
	// over are tallies of hours before.
	over []visit.Tally
}

// tallying is a tally as it grows.
type tallying struct {
	built visit.Builder
	alike []alike
}

// sort is all that is counted of a visit of a person, but who it was.
type sort struct {
	agent, referrer, language *text
	country                   string
	status                    int16
}

// alike is a number of visits of one sort.
type alike struct {
	sort
	visits uint64
}

func newCounter(country func(netip.Addr) string, salt func(visit.Day) [16]byte) *counter {
	return &counter{country: country, salt: salt, links: make(map[string]*tallying)}
}

// add counts a visit. It gives what was found out of it.
func (c *counter) add(hour visit.Hour, s *seen) sort {
	if hour != c.hour {
		c.over, c.hour = append(c.over, c.settle()...), hour
	}
	s.agent.learnAgent()
	s.referrer.learnReferrer()
	s.language.learnLanguage()
	one := sort{agent: s.agent, referrer: s.referrer, language: s.language, country: c.country(s.address), status: s.status}
	if s.status >= http.StatusBadRequest {
		if c.orphans == nil {
			c.orphans = &tallying{}
		}
		c.orphans.addOrphan(s, &one)
		return one
	}
	if c.all == nil {
		c.all = &tallying{}
	}
	var visitor uint64
	if !s.bot() {
		visitor = c.visitor(s)
	}
	c.all.add(s, &one, visitor)
	link := c.links[s.code]
	if link == nil {
		if len(c.links)+len(c.over) >= maxLinks {
			return one // it counts for all links, and not for its own
		}
		link = &tallying{}
		c.links[s.code] = link
	}
	link.add(s, &one, visitor)
	return one
}

// add counts a redirect.
func (t *tallying) add(s *seen, one *sort, visitor uint64) {
	if s.bot() {
		t.built.Bots(1)
		return
	}
	t.built.Visitor(visitor)
	for i := range t.alike {
		if t.alike[i].sort == *one {
			t.alike[i].visits++
			return
		}
	}
	if len(t.alike) == maxAlike {
		t.settle()
	}
	t.alike = append(t.alike, alike{*one, 1})
}

// addOrphan counts a visit that led nowhere.
func (t *tallying) addOrphan(s *seen, one *sort) {
	if s.bot() {
		t.built.Bots(1)
		return
	}
	values := one.values()
	values[visit.Code] = s.code
	t.built.Human(&values, 1)
}

// bot says whether no person made the visit.
func (s *seen) bot() bool { return s.automatic || s.agent == nothing || s.agent.class.Bot }

// settle adds what is alike to the lists.
func (t *tallying) settle() {
	for i := range t.alike {
		values := t.alike[i].values()
		t.built.Human(&values, t.alike[i].visits)
	}
	t.alike = t.alike[:0]
}

// values are the sort's by dimensions.
func (s *sort) values() visit.Values {
	class := s.agent.class
	if s.agent == nothing {
		class = noAgent
	}
	return visit.Values{
		visit.Referrer: s.referrer.value, visit.Country: s.country, visit.Browser: class.Browser, visit.System: class.System,
		visit.Device: class.Device, visit.Language: s.language.value, visit.Status: strconv.Itoa(int(s.status)),
	}
}

// visitor is the hash of who made a visit, another one every day.
func (c *counter) visitor(s *seen) uint64 {
	if day := c.hour.Day(); day != c.day {
		salt := c.salt(day)
		c.day = day
		copy(c.key[:], salt[:])
	}
	from := s.address.As16()
	copy(c.key[16:], from[:])
	binary.LittleEndian.PutUint64(c.key[32:], s.agent.stable)
	return xxhash.Sum64(c.key[:])
}

// take gives what was counted, in order, and begins anew.
func (c *counter) take() []visit.Tally {
	tallies := slices.Concat(c.over, c.settle())
	c.over = nil
	return merged(tallies)
}

// merged brings tallies into order and adds up those of one subject and hour: a clock that is put back comes to an hour twice.
func merged(tallies []visit.Tally) []visit.Tally {
	slices.SortFunc(tallies, visit.Tally.Compare)
	sums := tallies[:0]
	for _, t := range tallies {
		if last := len(sums) - 1; last >= 0 && sums[last].Compare(t) == 0 {
			sums[last].Stats = sums[last].Stats.Merge(t.Stats)
			continue
		}
		sums = append(sums, t)
	}
	return sums
}

// settle gives what was counted in the hour, and begins anew.
func (c *counter) settle() []visit.Tally {
	tallies := make([]visit.Tally, 0, len(c.links)+2)
	give := func(kind visit.Kind, name string, t *tallying) {
		if t != nil {
			t.settle()
			tallies = append(tallies, visit.Tally{Hour: c.hour, Subject: visit.Subject{Kind: kind, Name: name}, Stats: t.built.Stats()})
		}
	}
	give(visit.OfAll, "", c.all)
	give(visit.OfOrphans, "", c.orphans)
	for code, t := range c.links {
		give(visit.OfLink, code, t)
	}
	c.all, c.orphans = nil, nil
	clear(c.links)
	return tallies
}
