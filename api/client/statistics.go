package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tinyurl/api/v1"
)

const statsPath = "/api/v1/stats"

// StatsQuery says which visits are told of. The zero value asks for the last 30 days, day by day.
type StatsQuery struct {
	// From is the first moment, To the first that is not counted any more; they are moved apart to whole intervals. The zero To is now,
	// the zero From 30 days before To. There may be 1,000 intervals at most.
	From, To time.Time
	// Interval is hour, day or month; empty for days.
	Interval string
	// Top is how many values the rankings have at most, 1 to 50; 0 leaves it to the node.
	Top int
	// Local reads what the node itself knows; see PageOptions.
	Local bool
}

func (q StatsQuery) query() url.Values {
	query := make(url.Values)
	for name, moment := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !moment.IsZero() {
			query.Set(name, moment.UTC().Format(time.RFC3339))
		}
	}
	if q.Interval != "" {
		query.Set("interval", q.Interval)
	}
	if q.Top != 0 {
		query.Set("top", strconv.Itoa(q.Top))
	}
	if q.Local {
		query.Set("consistency", "local")
	}
	return query
}

// Stats tells of the visits of a link. v1.NotFound, v1.Gone: there is no such link, for the holder of the key.
func (c *Client) Stats(ctx context.Context, code string, q StatsQuery) (v1.Statistics, error) {
	return c.stats(ctx, linkPath(code)+"/stats", q)
}

// ClusterStats tells of the visits of all links. v1.Forbidden: the key's holder sees only their own.
func (c *Client) ClusterStats(ctx context.Context, q StatsQuery) (v1.Statistics, error) {
	return c.stats(ctx, statsPath, q)
}

// OrphanStats tells of visits that led nowhere. Errors are those of ClusterStats.
func (c *Client) OrphanStats(ctx context.Context, q StatsQuery) (v1.Statistics, error) {
	return c.stats(ctx, statsPath+"/orphans", q)
}

// TagStats tells of the visits of links that had a tag when they were visited. Errors are those of ClusterStats.
func (c *Client) TagStats(ctx context.Context, tag string, q StatsQuery) (v1.Statistics, error) {
	return c.stats(ctx, "/api/v1/tags/"+url.PathEscape(tag)+"/stats", q)
}

func (c *Client) stats(ctx context.Context, path string, q StatsQuery) (found v1.Statistics, err error) {
	if query := q.query(); len(query) > 0 {
		path += "?" + query.Encode()
	}
	err = c.call(ctx, http.MethodGet, path, header{}, nil, &found)
	return found, err
}
