package e2e

import (
	"net/url"

	"tinyurl/api/v1"
)

func statisticsRows(k *caller) {
	code := k.made(quoted(`,"tags":["counted often"]`))
	of := linksPath + "/" + code + "/stats"
	k.row("GET /links/{code}/stats", get(of), wanted{status: 200, has: map[string]any{"shortCode": code, "interval": "day"}, body: []string{`"series":[`, `"referrers":`}})
	k.row("GET /links/{code}/stats, CSV", get(of+"?format=csv&interval=hour"), wanted{
		status: 200, header: []string{"Content-Type", "text/csv; charset=utf-8"}, body: []string{"start,total,humans,bots,visitors\n"},
	})
	k.row("GET /links/{code}/stats, nothing", get(linksPath+"/nothing/stats"), refused(404, v1.NotFound))
	k.row("GET /links/{code}/stats, no key", request{path: of, key: noKey}, refused(401, v1.Unauthorized))
	k.row("GET /stats", get(apiBase+"/stats?interval=month&top=3"), wanted{status: 200, has: map[string]any{"interval": "month"}})
	k.row("GET /stats, backwards", get(apiBase+"/stats?from=2030-01-02&to=2030-01-01"), refused(422, v1.InvalidField))
	k.row("GET /stats/orphans", get(apiBase+"/stats/orphans?consistency=local"), wanted{status: 200, body: []string{`"shortCodes":`}})
	k.row("GET /tags/{tag}/stats", get(apiBase+"/tags/"+url.PathEscape("counted often")+"/stats"), wanted{status: 200, has: map[string]any{"tag": "counted often"}})
}
