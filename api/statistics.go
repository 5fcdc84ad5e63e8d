package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
)

// tagStatsPath is where visits of a tag are told of.
const tagStatsPath = base + "/tags/:tag/stats"

// statisticsCalls are the operations that tell of visits.
type statisticsCalls struct {
	statistics Statistics // nil leaves the operations out
	links      Links
	now        func() time.Time
	lateness   func(local bool) []headerLine
	bodies     *budget
}

// newStatisticsCalls makes the operations of s.
func newStatisticsCalls(s *Server) *statisticsCalls {
	return &statisticsCalls{
		statistics: s.config.Statistics, links: s.config.Links, now: s.config.Resolver.Now, lateness: s.links.lateness, bodies: &s.bodies,
	}
}

// endpoints are the operations, within limits.
func (o *statisticsCalls) endpoints(l Limits) []endpoint {
	if o.statistics == nil {
		return nil
	}
	of := func(path string, serve func(context.Context, *call) (reply, error)) endpoint {
		return endpoint{
			method: http.MethodGet, path: base + path, scope: access.StatsRead, query: periodQuery(),
			bodyLimit: l.Body, timeout: l.Call, serve: serve,
		}
	}
	return []endpoint{
		of("/links/:code/stats", o.linkStats),
		of("/stats", o.clusterStats),
		of("/stats/orphans", o.orphanStats),
		of(strings.TrimPrefix(tagStatsPath, base), o.tagStats),
	}
}

// linkStats serves GET /links/{code}/stats, to whom the link itself is shown.
func (o *statisticsCalls) linkStats(ctx context.Context, c *call) (reply, error) {
	p, err := o.periodOf(c)
	if err != nil {
		return reply{}, err
	}
	code, err := link.ParseCode(c.code)
	if err != nil {
		return reply{}, err
	}
	if _, err := o.links.Get(ctx, c.by, code, p.local); err != nil {
		return reply{}, err
	}
	return o.answer(ctx, c, p, visit.Subject{Kind: visit.OfLink, Name: string(code)})
}

// clusterStats serves GET /stats.
func (o *statisticsCalls) clusterStats(ctx context.Context, c *call) (reply, error) {
	return o.ofEverybody(ctx, c, visit.Subject{Kind: visit.OfAll})
}

// orphanStats serves GET /stats/orphans.
func (o *statisticsCalls) orphanStats(ctx context.Context, c *call) (reply, error) {
	return o.ofEverybody(ctx, c, visit.Subject{Kind: visit.OfOrphans})
}

// tagStats serves GET /tags/{tag}/stats. A tag that no link has or had is without visits, and no error: nobody keeps a list of those.
func (o *statisticsCalls) tagStats(ctx context.Context, c *call) (reply, error) {
	tag, ok := tagIn(c.request.URL)
	if !ok || !link.ValidTag(tag) {
		return reply{}, missing(link.ErrNotFound, "no link can have such a tag")
	}
	return o.ofEverybody(ctx, c, visit.Subject{Kind: visit.OfTag, Name: tag})
}

// ofEverybody answers with visits of links of several owners.
func (o *statisticsCalls) ofEverybody(ctx context.Context, c *call, of visit.Subject) (reply, error) {
	p, err := o.periodOf(c)
	if err != nil {
		return reply{}, err
	}
	if c.by.OwnOnly {
		return reply{}, link.ErrForbidden
	}
	return o.answer(ctx, c, p, of)
}

// partBytes is about what a part of an answer takes until it is written.
const partBytes = 8 << 10

func (o *statisticsCalls) answer(ctx context.Context, c *call, p period, of visit.Subject) (reply, error) {
	if err := o.bodies.hold(c, int64(p.to-p.from)*partBytes); err != nil {
		return reply{}, err
	}
	parts, err := o.statistics.Visits(ctx, c.by, visit.Query{Of: of, Step: p.step, From: p.from, To: p.to}, p.local)
	if err != nil {
		return reply{}, fmt.Errorf("visits: %w", err)
	}
	out := reply{status: http.StatusOK, header: o.lateness(p.local)}
	if p.csv {
		out.body = document{mediaType: "text/csv; charset=utf-8", content: p.table(parts)}
		return out, nil
	}
	shown := p.shown(parts, of.Kind == visit.OfOrphans)
	switch of.Kind {
	case visit.OfLink:
		shown.ShortCode = of.Name
	case visit.OfTag:
		shown.Tag = of.Name
	}
	out.body = shown
	return out, nil
}

// tagIn is the tag in the path of a request. A tag may have any character; a slash in it is sent as %2F.
func tagIn(u *url.URL) (tag string, ok bool) {
	parts := strings.Split(u.EscapedPath(), "/")
	if len(parts) != len([]string{"", "api", "v1", "tags", "{tag}", "stats"}) {
		return "", false
	}
	tag, err := url.PathUnescape(parts[4])
	return tag, err == nil
}

// slashedTag reports whether a request is for the visits of a tag that has a slash, which the routes, knowing no escapes, do not find.
func slashedTag(r *http.Request) bool {
	path := r.URL.EscapedPath()
	tag, ok := tagIn(r.URL)
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && ok && strings.Contains(tag, "/") &&
		strings.HasPrefix(path, base+"/tags/") && strings.HasSuffix(path, "/stats")
}

// told is a link as it is shown to whoever has changed or found it, with its visits as far as this node can tell them: that it cannot
// does not undo what was done.
func (o *linkCalls) told(ctx context.Context, by access.Holder, l link.Link) *v1.Link {
	shown := o.shown(l)
	_ = withTotals(ctx, o.statistics, by, []link.Link{l}, []*v1.Link{shown})
	return shown
}

// withTotals adds to links as they are shown what was counted of them, with one question for all. What limits have used up is counted
// among the links themselves, and a moment later here as well; what links without a limit have of their own was brought by an import.
func withTotals(ctx context.Context, s Statistics, by access.Holder, found []link.Link, shown []*v1.Link) error {
	if s == nil || len(found) == 0 {
		return nil
	}
	subjects := make([]visit.Subject, len(found))
	for i, l := range found {
		subjects[i] = visit.Subject{Kind: visit.OfLink, Name: string(l.Code)}
	}
	// The links were read here a moment ago, so this node knows what it knew then, and the leader need not be asked again.
	totals, err := s.Totals(ctx, by, subjects, true)
	if err != nil {
		return fmt.Errorf("visits of %d links: %w", len(found), err)
	}
	if len(totals) != len(found) {
		return fmt.Errorf("visits of %d links: %d answers", len(found), len(totals))
	}
	for i, l := range found {
		people := l.Visits + totals[i].Humans
		if l.MaxVisits > 0 {
			people = max(l.Visits, totals[i].Humans)
		}
		shown[i].Visits = shownVisits(visit.Counts{Humans: people, Bots: totals[i].Bots})
	}
	return nil
}
