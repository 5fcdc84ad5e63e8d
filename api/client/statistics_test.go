package client

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/v1"
)

func TestVisitsAreAskedForByWhoseTheyAre(t *testing.T) {
	c, asked := asking(t, `{"shortCode":"a","visits":{"total":3,"nonBots":2,"bots":1},"series":[{"start":"2030-01-31T00:00:00.000Z","total":3}]}`, `{}`, `{"shortCodes":{"top":[{"value":"x","visits":2}],"other":1}}`, `{"tag":"a/b ü"}`)
	noon := time.Date(2030, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))
	found, err := c.Stats(t.Context(), "a/b", StatsQuery{From: noon.Add(-time.Hour), To: noon, Interval: "hour", Top: 3, Local: true})
	if err != nil || found.Visits != (v1.Visits{Total: 3, NonBots: 2, Bots: 1}) || len(found.Series) != 1 || found.Series[0].Total != 3 {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := c.ClusterStats(t.Context(), StatsQuery{}); err != nil {
		t.Error(err)
	}
	orphans, err := c.OrphanStats(t.Context(), StatsQuery{Interval: "month"})
	if err != nil || !cmp.Equal(orphans.ShortCodes, &v1.Ranking{Top: []v1.Ranked{{Value: "x", Visits: 2}}, Other: 1}) {
		t.Errorf("%+v, %v", orphans, err)
	}
	if tagged, err := c.TagStats(t.Context(), "a/b ü", StatsQuery{}); err != nil || tagged.Tag != "a/b ü" {
		t.Errorf("%+v, %v", tagged, err)
	}
	want := []string{
		"GET /api/v1/links/a%2Fb/stats?consistency=local&from=2030-01-31T10%3A00%3A00Z&interval=hour&to=2030-01-31T11%3A00%3A00Z&top=3 ",
		"GET /api/v1/stats ", "GET /api/v1/stats/orphans?interval=month ", "GET /api/v1/tags/a%2Fb%20%C3%BC/stats ",
	}
	if diff := cmp.Diff(want, *asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if _, err := c.Stats(t.Context(), "a", StatsQuery{}); !errors.Is(err, v1.NoLeader) {
		t.Error(err)
	}
}
