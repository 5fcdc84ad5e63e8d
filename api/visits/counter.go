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

	day   visit.Day
	key   [16 + 16 + 8]byte // the day's salt, and room for an address and a hash
	tally map[subject]*tallying
}

// subject is what visits are counted of, in an hour.
type subject struct {
	hour visit.Hour
	of   visit.Subject
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
	return &counter{country: country, salt: salt, tally: make(map[subject]*tallying)}
}

// add counts a visit. It gives what was found out of it.
func (c *counter) add(hour visit.Hour, s *seen) sort {
	s.agent.learnAgent()
	s.referrer.learnReferrer()
	s.language.learnLanguage()
	one := sort{agent: s.agent, referrer: s.referrer, language: s.language, country: c.country(s.address), status: s.status}
	if s.status >= http.StatusBadRequest {
		c.addOrphan(c.of(hour, visit.Subject{Kind: visit.OfOrphans}), s, one)
		return one
	}
	c.count(c.of(hour, visit.Subject{Kind: visit.OfAll}), hour, s, one)
	link := subject{hour, visit.Subject{Kind: visit.OfLink, Name: s.code}}
	if c.tally[link] == nil && len(c.tally) >= maxLinks {
		return one // it counts for all links, and not for its own
	}
	c.count(c.of(link.hour, link.of), hour, s, one)
	return one
}

// of gives the tally of a subject.
func (c *counter) of(hour visit.Hour, of visit.Subject) *tallying {
	key := subject{hour, of}
	t := c.tally[key]
	if t == nil {
		t = &tallying{}
		c.tally[key] = t
	}
	return t
}

func (c *counter) count(t *tallying, hour visit.Hour, s *seen, one sort) {
	if s.bot() {
		t.built.Bots(1)
		return
	}
	t.built.Visitor(c.visitor(hour, s))
	for i := range t.alike {
		if t.alike[i].sort == one {
			t.alike[i].visits++
			return
		}
	}
	if len(t.alike) == maxAlike {
		t.settle()
	}
	t.alike = append(t.alike, alike{one, 1})
}

// addOrphan counts a visit that led nowhere.
func (c *counter) addOrphan(t *tallying, s *seen, one sort) {
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
func (c *counter) visitor(hour visit.Hour, s *seen) uint64 {
	if day := hour.Day(); day != c.day {
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
	tallies := make([]visit.Tally, 0, len(c.tally))
	for of, t := range c.tally {
		t.settle()
		tallies = append(tallies, visit.Tally{Hour: of.hour, Subject: of.of, Stats: t.built.Stats()})
	}
	clear(c.tally)
	slices.SortFunc(tallies, visit.Tally.Compare)
	return tallies
}
