package cluster

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// Visitors of a link that has ten visits, on all nodes at once.
func TestALimitedLinkIsFollowedAsOftenAsItMayBe(t *testing.T) {
	const most, visits = 10, 60
	c := newTestCluster(t, 3, nil)
	made := c.create(c.nodes[0], link.Draft{Slug: "ten", Fields: link.Fields{Target: "https://example.com/", MaxVisits: most}})
	for _, node := range c.nodes {
		c.eventually("the link is there", func() bool {
			l, err := node.Lookup(made.Code)
			return err == nil && l.Target == made.Target
		})
	}
	var followed, refused atomic.Int64
	var all sync.WaitGroup
	for i := range visits {
		all.Go(func() {
			route, err := c.nodes[i%len(c.nodes)].Consume(t.Context(), made.Code)
			switch {
			case err == nil && route.Target == made.Target && route.Limited:
				followed.Add(1)
			case errors.Is(err, link.ErrGone):
				refused.Add(1)
			default:
				t.Errorf("%+v, %v", route, err)
			}
		})
	}
	all.Wait()
	if followed.Load() != most || refused.Load() != visits-most {
		t.Errorf("%d visits were let through and %d refused, want %d and %d", followed.Load(), refused.Load(), most, visits-most)
	}
	c.agreed()
	for _, node := range c.nodes {
		if l, err := node.Lookup(made.Code); err != nil || l.Visits != most || !l.Route().UsedUp {
			t.Errorf("%s: %d visits, %v", node.config.Name, l.Visits, err)
		}
	}
}

func TestVisitsAreCountedOfLinksThatRedirect(t *testing.T) {
	c := newTestCluster(t, 1, nil)
	node := c.nodes[0]
	soon := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	for slug, want := range map[link.Code]struct {
		fields link.Fields
		err    error
	}{
		"any":      {fields: link.Fields{}},
		"one":      {fields: link.Fields{MaxVisits: 1}},
		"disabled": {fields: link.Fields{MaxVisits: 1, Disabled: true}, err: link.ErrGone},
		"future":   {fields: link.Fields{MaxVisits: 1, ValidSince: soon}, err: link.ErrNotFound},
	} {
		want.fields.Target = "https://example.com/"
		made := c.create(node, link.Draft{Slug: slug, Fields: want.fields})
		route, err := node.Consume(t.Context(), slug)
		if !errors.Is(err, want.err) || err == nil && route.Target != made.Target {
			t.Errorf("%s: %+v, %v; want %v", slug, route, err, want.err)
		}
		after, err := node.Lookup(slug)
		if counted := want.err == nil && want.fields.MaxVisits > 0; err != nil || (after.Visits == 1) != counted || after.Version != made.Version {
			t.Errorf("%s: %d visits, version %d, %v", slug, after.Visits, after.Version, err)
		}
	}
	if _, err := node.Consume(t.Context(), "one"); !errors.Is(err, link.ErrGone) {
		t.Errorf("used up: %v", err)
	}
	if _, err := node.Consume(t.Context(), "unknown"); !errors.Is(err, link.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if err := links.Delete(t.Context(), node, "any"); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Consume(t.Context(), "any"); !errors.Is(err, link.ErrGone) {
		t.Errorf("deleted: %v", err)
	}
}

func TestWithoutAQuorumNothingIsCounted(t *testing.T) {
	c := newTestCluster(t, 3, func(c *Config) { c.Tuning.Propose = 500 * time.Millisecond })
	made := c.create(c.nodes[0], link.Draft{Slug: "alone", Fields: link.Fields{Target: "https://example.com/", MaxVisits: 3}})
	c.agreed()
	c.stop(c.nodes[1])
	c.stop(c.nodes[2])
	if route, err := c.nodes[0].Consume(t.Context(), made.Code); !errors.Is(err, link.ErrNoLeader) || route != (link.Route{}) {
		t.Errorf("%+v, %v", route, err)
	}
	if l, err := c.nodes[0].Lookup(made.Code); err != nil || l.Target != made.Target || l.Visits != 0 {
		t.Errorf("what is known here: %+v, %v", l, err)
	}
}

func TestANodeOfNoClusterCountsNothing(t *testing.T) {
	n := &Node{}
	if _, err := n.Lookup("abc"); !errors.Is(err, link.ErrNoLeader) {
		t.Errorf("Lookup: %v", err)
	}
	p := &parked{reads: &reads{local: &stateDouble{links: map[link.Code]link.Link{"abc": {Code: "abc"}}}}}
	n.parked.Store(p)
	if l, err := n.Lookup("abc"); err != nil || l.Code != "abc" {
		t.Errorf("parked, Lookup: %+v, %v", l, err)
	}
	if _, err := n.Consume(t.Context(), "abc"); !errors.Is(err, link.ErrDiskFull) {
		t.Errorf("parked, Consume: %v", err)
	}
}
