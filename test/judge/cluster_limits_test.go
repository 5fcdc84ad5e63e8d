package judge

import "tinyurl/test/history"

func (l liveLink) usedUp() bool { return l.limit != 0 && l.visits >= l.limit }

// visit is a redirect of a link that may have a limit; those that have none are read as any.
func (c *cluster) visit(o *history.Operation) {
	l := c.links[o.Code]
	switch {
	case l == nil || l.limit == 0:
		c.read(o)
		o.Version, o.Visits, o.Counted = 0, 0, false
	case l.deleted:
		o.Outcome = history.Gone
	case l.usedUp() && (c.bug != "lets visitors in without end" || c.random.IntN(4) > 0):
		o.Outcome = history.Gone
	case c.bug == "closes too early" && l.visits+1 == l.limit:
		o.Outcome = history.Gone
	default:
		o.Outcome, o.Target = history.OK, l.target
		counted := *l
		counted.visits++
		if c.bug == "forgets to count" && c.random.IntN(8) == 0 {
			counted.visits--
		}
		c.write(o, counted)
	}
}

// grant makes and revokes API keys.
func (c *cluster) grant(o *history.Operation) {
	e := history.Entry{Node: o.Node, Index: uint64(len(c.log)) + 1, Term: 1, Grants: []string{o.Holder}}
	if o.Kind == history.Revoke {
		e.Grants, e.Revokes = nil, []string{o.Holder}
		if c.recorder.Entry(e); !c.held[o.Holder] {
			o.Outcome = history.NotFound
			return
		}
	}
	o.Outcome = history.OK
	c.recorder.Entry(e)
	c.held[o.Holder] = o.Kind == history.Grant
	if c.bug == "forgets to revoke" && c.random.IntN(4) == 0 {
		c.held[o.Holder] = true
	}
}

// authorized does something if the API key it is asked with holds.
func (c *cluster) authorized(do func(*history.Operation)) func(*history.Operation) {
	return func(o *history.Operation) {
		if o.Holder != "" && !c.held[o.Holder] || o.Holder != "" && c.bug == "refuses at random" && c.random.IntN(8) == 0 {
			o.Outcome = history.Unauthorized
			return
		}
		do(o)
	}
}
