package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

const (
	apiBase   = "/api/v1"
	linksPath = apiBase + "/links"
	target    = "https://example.com/some/path?a=1&b=%C3%BC#top"
	formType  = "application/x-www-form-urlencoded"
	aPage     = "text/html; charset=utf-8"
)

// post and get are the usual requests.
func post(path, body string, header ...string) request {
	return request{method: "POST", path: path, body: body, header: header}
}

func get(path string, header ...string) request { return request{path: path, header: header} }

// visit is a request of a browser, forJSON that of a program without a key.
func visit(path string) request {
	return request{path: path, key: noKey, header: []string{"Accept", "text/html"}}
}

func forJSON(path string) request {
	return request{path: path, key: noKey, header: []string{"Accept", "application/json"}}
}

// formOf is a form that a visitor sends.
func formOf(path, password string) request {
	return request{method: "POST", path: path, key: noKey, body: "password=" + url.QueryEscape(password), header: []string{"Content-Type", formType}}
}

// with changes a request.
func (q request) with(change func(q *request)) request {
	change(&q)
	return q
}

func soon(q *request) { q.soon = true }

// quoted is a body that asks for a link to the usual target, with more of its fields.
func quoted(more string) string {
	return fmt.Sprintf(`{"longUrl":%q%s}`, target, more)
}

func linkRows(k *caller) {
	made := k.row("POST /links", post(linksPath, quoted("")), wanted{status: 201, has: map[string]any{
		"longUrl": target, "title": "", "redirectStatus": 302, "forwardQuery": true, "enabled": true, "hasPassword": false, "version": 1, "owner": nil, "maxVisits": nil,
	}})
	l := made.link(k.t)
	if len(l.ShortCode) != 7 || made.header.Get("Location") != linksPath+"/"+l.ShortCode || !strings.HasSuffix(l.ShortURL, "/"+l.ShortCode) {
		k.t.Errorf("made %+v, Location %q", l, made.header.Get("Location"))
	}
	full := quoted(`,"customSlug":"Full-1_x","title":"All","tags":["b","a"],"validSince":"2020-01-01T00:00:00Z","expiresIn":"24h","maxVisits":9,"redirectStatus":307,"forwardQuery":false,"enabled":true,"password":"open sesame"`)
	k.row("POST /links, every field", post(linksPath, full), wanted{status: 201, has: map[string]any{
		"shortCode": "Full-1_x", "title": "All", "tags": []any{"a", "b"}, "maxVisits": 9, "redirectStatus": 307, "forwardQuery": false, "hasPassword": true,
	}})
	k.row("synonyms", post(linksPath, `{"url":"https://example.com/synonym","alias":"synonym"}`), wanted{status: 201, has: map[string]any{"shortCode": "synonym"}})
	for name, field := range map[string]string{"long_url": "slug", "target": "keyword", "longUrl": "customurl"} {
		slug := "by-" + field
		k.row("synonyms "+name+" and "+field, post(linksPath, fmt.Sprintf(`{%q:"https://example.com/",%q:%q}`, name, field, slug)), wanted{status: 201, has: map[string]any{"shortCode": slug}})
	}
	first := k.made(`{"longUrl":"https://example.com/findable","title":"x"}`)
	k.row("findIfExists", post(linksPath, `{"longUrl":"https://example.com/findable","findIfExists":true}`), wanted{status: 200, has: map[string]any{"shortCode": first}})
	k.row("findIfExists, another title", post(linksPath, `{"longUrl":"https://example.com/findable","title":"y","findIfExists":true}`), wanted{status: 201})
	once := k.row("Idempotency-Key", post(linksPath, quoted(""), "Idempotency-Key", "once-1"), wanted{status: 201}).link(k.t)
	k.row("Idempotency-Key, again", post(linksPath, quoted(""), "Idempotency-Key", "once-1"), wanted{status: 201, has: map[string]any{"shortCode": once.ShortCode}})
	k.row("Idempotency-Key, another body", post(linksPath, quoted(`,"title":"z"`), "Idempotency-Key", "once-1"), refused(422, v1.KeyReused))
	k.row("GET /links/{code}", get(linksPath+"/"+l.ShortCode), wanted{status: 200, header: []string{"ETag", `"1"`}, has: map[string]any{"shortCode": l.ShortCode}})
	k.row("GET /links/{code}, local", get(linksPath+"/"+l.ShortCode+"?consistency=local").with(soon), wanted{status: 200, has: map[string]any{"longUrl": target}})
	k.row("HEAD /links/{code}", request{method: "HEAD", path: linksPath + "/" + l.ShortCode}, wanted{status: 200, header: []string{"ETag", `"1"`}})
	k.row("GET /links/{code}/qr", get(linksPath+"/"+l.ShortCode+"/qr"), wanted{status: 200, header: []string{"Content-Type", "image/svg+xml"}, body: []string{"<svg"}})
	k.row("GET /links/{code}/qr, PNG", get(linksPath+"/"+l.ShortCode+"/qr?format=png&size=200&margin=2&level=H"), wanted{status: 200, header: []string{"Content-Type", "image/png"}, body: []string{"PNG"}})
	k.row("X-Api-Key", request{path: linksPath + "/" + l.ShortCode, key: noKey, header: []string{"X-Api-Key", k.c.Key()}}, wanted{status: 200})
}

func bulkRows(k *caller) {
	rows := `{"links":[{"longUrl":"https://example.com/b1","customSlug":"bulk-1"},{"longUrl":"nowhere"},{"longUrl":"https://example.com/b2","more":1},{"longUrl":"https://example.com/b3"}]}`
	got := k.row("POST /links/bulk", post(linksPath+"/bulk", rows, "Idempotency-Key", "bulk-1"), wanted{status: 200, body: []string{`{"results":[{"status":201,`, `{"status":422,`, `"invalid_url"`, `"invalid_json"`}})
	k.row("POST /links/bulk, again", post(linksPath+"/bulk", rows, "Idempotency-Key", "bulk-1"), wanted{status: 200, body: []string{`"bulk-1"`}})
	if n := strings.Count(string(got.body), `"status":201`); n != 2 {
		k.t.Errorf("%d rows were made: %s", n, got.body)
	}
	k.row("POST /links/bulk, 1,001 rows", post(linksPath+"/bulk", `{"links":[`+strings.Repeat(`{},`, 1000)+`{}]}`), refused(422, v1.InvalidField))
	k.row("POST /links/bulk, no rows", post(linksPath+"/bulk", `{}`), refused(422, v1.InvalidJSON))
}

func listRows(k *caller) {
	for i := range 3 {
		k.made(fmt.Sprintf(`{"longUrl":"https://example.com/listed/%d","tags":["listed","n%d"],"title":"Straße %d"}`, i, i, i))
	}
	page := k.row("GET /links, limit and tag", get(linksPath+"?limit=2&tag=listed&orderBy=createdAt-asc"), wanted{status: 200, body: []string{"listed/0", "listed/1"}, has: map[string]any{"total": 3}})
	next := linksPath + "?limit=2&tag=listed&orderBy=createdAt-asc&cursor=" + url.QueryEscape(page.field("nextCursor"))
	k.row("GET /links, cursor", get(next), wanted{status: 200, body: []string{"listed/2"}, has: map[string]any{"nextCursor": nil}})
	k.row("GET /links, a cursor of another list", get(strings.Replace(next, "tag=listed", "tag=n1", 1)), refused(422, v1.InvalidCursor))
	k.row("GET /links, search", get(linksPath+"?search="+url.QueryEscape("STRAßE 1")), wanted{status: 200, body: []string{"listed/1"}, has: map[string]any{"total": nil}})
	k.row("GET /links, all of the tags", get(linksPath+"?tag=listed&tag=n2&tagsMode=all"), wanted{status: 200, body: []string{"listed/2"}})
	k.row("GET /links, any of the tags", get(linksPath+"?tag=n0&tag=n2&tagsMode=any"), wanted{status: 200, body: []string{"listed/2", "listed/0"}})
	k.row("GET /links, the newest first", get(linksPath+"?limit=1"), wanted{status: 200, body: []string{"listed/2"}})
	k.row("GET /links, limit 101", get(linksPath+"?limit=101"), refused(422, v1.InvalidField))
	k.row("GET /tags", get(apiBase+"/tags"), wanted{status: 200, body: []string{`{"tag":"listed","links":3}`}})
}

func editRows(k *caller) {
	one := linksPath + "/" + k.made(quoted(""))
	patch := func(body string, header ...string) request {
		return request{method: "PATCH", path: one, body: body, header: header}
	}
	k.row("PATCH /links/{code}", patch(`{"title":"new","tags":["t"]}`), wanted{status: 200, header: []string{"ETag", `"2"`}, has: map[string]any{"title": "new", "longUrl": target}})
	k.row("PATCH, If-Match", patch(`{"longUrl":"https://example.com/edited","title":null}`, "If-Match", `"2"`), wanted{status: 200, header: []string{"ETag", `"3"`}, has: map[string]any{"title": ""}})
	k.row("PATCH, If-Match that fails", patch(`{"title":"late"}`, "If-Match", `"2"`), refused(412, v1.PreconditionFailed))
	k.row("PATCH, If-Match that is malformed", patch(`{"title":"late"}`, "If-Match", `2`), refused(422, v1.InvalidField))
	k.row("PATCH, a slug", patch(`{"customSlug":"another"}`), refused(422, v1.InvalidField))
	k.row("PATCH, nobody's", request{method: "PATCH", path: linksPath + "/nobodys", body: `{"title":"x"}`}, refused(404, v1.NotFound))
	code := strings.TrimPrefix(one, linksPath+"/")
	k.row("a visit after an edit", visit("/"+code).with(soon), wanted{status: 302, header: []string{"Location", "https://example.com/edited"}})
}

func deleteRows(k *caller) {
	k.made(quoted(`,"customSlug":"deleted"`))
	one := linksPath + "/deleted"
	k.row("DELETE /links/{code}", request{method: "DELETE", path: one}, wanted{status: 204})
	k.row("GET of a deleted link", get(one), refused(410, v1.Gone))
	k.row("DELETE, again", request{method: "DELETE", path: one}, refused(410, v1.Gone))
	k.row("PATCH of a deleted link", request{method: "PATCH", path: one, body: `{"title":"x"}`}, refused(410, v1.Gone))
	k.row("its slug", post(linksPath, quoted(`,"customSlug":"deleted"`)), refused(409, v1.SlugTaken))
	k.row("a visit", visit("/deleted").with(soon), wanted{status: 410, header: []string{"Content-Type", aPage}})
	k.row("GET of a link that never was", get(linksPath+"/never-was"), refused(404, v1.NotFound))
	k.row("DELETE of a link that never was", request{method: "DELETE", path: linksPath + "/never-was"}, refused(404, v1.NotFound))
}

func visitRows(k *caller) {
	code := k.made(quoted(""))
	plain := []string{"Location", target, "Cache-Control", "private, no-store", "X-Robots-Tag", "noindex"}
	k.row("GET /{code}", visit("/"+code), wanted{status: 302, header: plain})
	k.row("HEAD /{code}", request{method: "HEAD", path: "/" + code, key: noKey}, wanted{status: 302, header: plain})
	for status, cache := range map[int]string{301: "private, max-age=30", 307: "private, no-store", 308: "private, max-age=30"} {
		kept := k.made(quoted(fmt.Sprintf(`,"redirectStatus":%d`, status)))
		k.row(fmt.Sprint("redirectStatus ", status), visit("/"+kept), wanted{status: status, header: []string{"Location", target, "Cache-Control", cache}})
	}
	k.row("GET /{code}?k=v", visit("/"+code+"?a=2&c=3"), wanted{status: 302, header: []string{"Location", "https://example.com/some/path?b=%C3%BC&a=2&c=3#top"}})
	deaf := k.made(quoted(`,"forwardQuery":false`))
	k.row("GET /{code}?k=v, not forwarded", visit("/"+deaf+"?a=2"), wanted{status: 302, header: []string{"Location", target}})
	k.row("an unknown code, a page", visit("/no-such-code"), wanted{status: 404, header: []string{"Content-Type", aPage}})
	k.row("an unknown code, JSON", forJSON("/no-such-code"), refused(404, v1.NotFound))
	off := k.made(quoted(`,"enabled":false`))
	k.row("a disabled link", visit("/"+off), wanted{status: 410, header: []string{"Content-Type", aPage}, body: []string{"switched off"}})
	future := k.made(quoted(`,"validSince":"2100-01-01T00:00:00Z"`))
	k.row("a link to come", forJSON("/"+future), refused(404, v1.NotFound))
	short := k.made(quoted(`,"expiresIn":"1s"`))
	used := k.made(quoted(`,"maxVisits":1`))
	k.row("maxVisits, the first", visit("/"+used), wanted{status: 302})
	k.row("maxVisits, used up", visit("/"+used), wanted{status: 410, body: []string{"used up"}})
	k.row("an expired link", visit("/"+short).with(soon), wanted{status: 410, body: []string{"has expired"}})
	k.row("GET /{code}+", visit("/"+code+"+"), wanted{status: 200, header: []string{"Content-Type", aPage}, body: []string{"example.com/some/path"}})
	k.row("GET /{code}+, JSON", forJSON("/"+code+"+"), wanted{status: 200, has: map[string]any{"longUrl": target, "shortCode": code}})
	k.row("GET /{code}+ of an expired link", forJSON("/"+short+"+"), refused(410, v1.Gone))
	k.row("GET /{code}+ of a link to come", forJSON("/"+future+"+"), refused(404, v1.NotFound))
	k.row("the front page", visit("/"), wanted{status: 200, header: []string{"Content-Type", aPage}})
}

func passwordRows(k *caller) {
	code := k.made(quoted(`,"password":"open sesame"`))
	k.row("a protected link", visit("/"+code), wanted{status: 401, header: []string{"Location", "", "Content-Type", aPage}, body: []string{"<form"}})
	k.row("a protected link, JSON", forJSON("/"+code), refused(401, v1.Unauthorized))
	k.row("its preview", visit("/"+code+"+"), wanted{status: 401, body: []string{"<form"}})
	k.row("the right password", formOf("/"+code, "open sesame").with(soon), wanted{status: 302, header: []string{"Location", target}})
	k.row("the right password of a preview", formOf("/"+code+"+", "open sesame").with(soon), wanted{status: 200, body: []string{"example.com/some/path"}})
	at := k.c.Node(0)
	tries := k.made(quoted(`,"password":"never"`))
	wrong := formOf("/"+tries, "wrong").with(func(q *request) { q.at = at })
	for i := range 10 {
		k.row(fmt.Sprint("a wrong password, number ", i+1), wrong, wanted{status: 401, body: []string{"<form"}})
	}
	k.row("a wrong password too many", wrong, wanted{status: 429, header: []string{"Content-Type", aPage}})
}

func refusalRows(k *caller) {
	create := func(body string) request { return post(linksPath, body) }
	for what, row := range map[string]struct {
		q    request
		want wanted
	}{
		"no JSON":              {create(`{`), refused(422, v1.InvalidJSON)},
		"an unknown field":     {create(quoted(`,"more":1`)), refused(422, v1.InvalidJSON)},
		"a wrong type":         {create(quoted(`,"title":1`)), refused(422, v1.InvalidJSON)},
		"synonyms disagree":    {create(quoted(`,"url":"https://example.com/other"`)), refused(422, v1.InvalidField)},
		"no longUrl":           {create(`{}`), refused(422, v1.InvalidURL)},
		"another scheme":       {create(`{"longUrl":"ftp://example.com"}`), refused(422, v1.InvalidURL)},
		"no host":              {create(`{"longUrl":"https:///x"}`), refused(422, v1.InvalidURL)},
		"a control character":  {create(`{"longUrl":"https://example.com/\u0001"}`), refused(422, v1.InvalidURL)},
		"8,193 bytes":          {create(`{"longUrl":"https://example.com/` + strings.Repeat("a", 8193-len("https://example.com/")) + `"}`), refused(422, v1.InvalidURL)},
		"a bad slug":           {create(quoted(`,"customSlug":"-x"`)), refused(422, v1.InvalidSlug)},
		"a slug of 129":        {create(quoted(`,"customSlug":"` + strings.Repeat("s", 129) + `"`)), refused(422, v1.InvalidSlug)},
		"a reserved slug":      {create(quoted(`,"customSlug":"Docs"`)), refused(422, v1.SlugReserved)},
		"21 tags":              {create(quoted(`,"tags":["` + strings.Repeat(`t","`, 20) + `t"]`)), refused(422, v1.InvalidField)},
		"a tag of 65 bytes":    {create(quoted(`,"tags":["` + strings.Repeat("t", 65) + `"]`)), refused(422, v1.InvalidField)},
		"a title of 513 bytes": {create(quoted(`,"title":"` + strings.Repeat("t", 513) + `"`)), refused(422, v1.InvalidField)},
		"an end that is over":  {create(quoted(`,"validUntil":"2020-01-01T00:00:00Z"`)), refused(422, v1.InvalidField)},
		"no lasting":           {create(quoted(`,"expiresIn":"10ms"`)), refused(422, v1.InvalidField)},
		"no status":            {create(quoted(`,"redirectStatus":303`)), refused(422, v1.InvalidField)},
		"a body of 1 MiB":      {create(quoted(`,"title":"` + strings.Repeat("t", 1<<20) + `"`)), refused(413, v1.TooLarge)},
		"a long key":           {post(linksPath, quoted(""), "Idempotency-Key", strings.Repeat("k", 256)), refused(422, v1.InvalidField)},
		"an unknown parameter": {get(linksPath + "?consistancy=local"), refused(422, v1.InvalidField)},
		"a cursor of nobody's": {get(linksPath + "?cursor=x"), refused(422, v1.InvalidCursor)},
		"a wrong consistency":  {get(linksPath + "/x?consistency=strong"), refused(422, v1.InvalidField)},
		"no key":               {request{path: linksPath, key: noKey}, refused(401, v1.Unauthorized)},
		"no key, and no link":  {request{method: "POST", path: linksPath, body: quoted(""), key: noKey}, refused(401, v1.Unauthorized)},
		"a wrong key":          {request{path: linksPath, key: "tu_" + strings.Repeat("x", 43)}, refused(401, v1.Unauthorized)},
		"another method":       {request{method: "PUT", path: linksPath}, refused(405, v1.MethodNotAllowed)},
		"no such path":         {get(apiBase + "/nothing"), refused(404, v1.NotFound)},
		"a post to a link":     {request{method: "POST", path: "/abc", key: noKey}, refused(405, v1.MethodNotAllowed)},
	} {
		k.row(what, row.q, row.want)
	}
	k.made(quoted(`,"customSlug":"taken"`))
	k.row("a taken slug", create(quoted(`,"customSlug":"taken"`)), refused(409, v1.SlugTaken))
	k.row("a slug of another case", create(quoted(`,"customSlug":"Taken"`)), wanted{status: 201})
}

func fileRows(k *caller) {
	file := "longUrl,shortCode,title,tags\nhttps://example.com/i1,imported-1,One,a|b\nnowhere,imported-2,,\nhttps://example.com/i3,,Three,\n"
	k.row("POST /import, dry", post(apiBase+"/import?dryRun=true", file), wanted{status: 200, body: []string{`"created":2`, `"failed":1`, `"complete":true`}})
	k.row("POST /import", post(apiBase+"/import?from=csv&importId=contract", file), wanted{status: 200, body: []string{`"created":2`, `"failed":1`, `"lastRow":3`, `"complete":true`}})
	k.row("POST /import, again", post(apiBase+"/import?from=csv&importId=contract", file), wanted{status: 200, body: []string{`"complete":true`}})
	k.row("POST /import, overwrite", post(apiBase+"/import?onConflict=overwrite&startRow=1", file), wanted{status: 200, body: []string{`"overwritten":1`}})
	k.row("POST /import, an unknown format", post(apiBase+"/import?from=word", file), refused(422, v1.InvalidField))
	k.row("GET /export", get(apiBase+"/export"), wanted{status: 200, header: []string{"Content-Type", v1.StreamType}, body: []string{`"imported-1"`, `"passwordHash"`}})
	k.row("GET /export, CSV", get(apiBase+"/export?format=csv"), wanted{status: 200, body: []string{"imported-1"}})
	k.row("GET /export, no key", request{path: apiBase + "/export", key: noKey}, refused(401, v1.Unauthorized))
}

func operationRows(k *caller) {
	k.row("GET /healthz", visit("/healthz"), wanted{status: 200, body: []string{"[+]", "healthz check passed"}})
	k.row("GET /readyz", visit("/readyz"), wanted{status: 200, body: []string{"[+]raft ok", "readyz check passed"}})
	k.row("GET /readyz?write", visit("/readyz?write"), wanted{status: 200})
	k.row("GET /readyz?redirect", visit("/readyz?redirect"), wanted{status: 200})
	k.row("GET /metrics", visit("/metrics"), wanted{status: 200, body: []string{"go_goroutines", "process_", "tinyurl_"}})
	k.row("GET /openapi.json", request{path: apiBase + "/openapi.json", key: noKey}, wanted{status: 200, has: map[string]any{"openapi": "3.1.0"}})
	k.row("GET /docs", visit("/docs"), wanted{status: 200, header: []string{"Content-Type", aPage}})
}

func clusterRows(k *caller) {
	k.row("GET /cluster", get(apiBase+"/cluster").with(soon), wanted{status: 200, body: []string{`"name":"n1"`, `"name":"n2"`, `"name":"n3"`}, has: map[string]any{"healthy": true, "failureTolerance": 1}})
	k.row("GET /cluster, no key", request{path: apiBase + "/cluster", key: noKey}, refused(401, v1.Unauthorized))
	k.row("GET /cluster/autopilot", get(apiBase+"/cluster/autopilot").with(soon), wanted{status: 200, has: map[string]any{"failureTolerance": 1}})
	k.row("POST /cluster/transfer", post(apiBase+"/cluster/transfer", ""), wanted{status: 200})
	heir := k.statusOf(k.c.Node(1)).Node.ID
	k.row("POST /cluster/transfer, to one", post(apiBase+"/cluster/transfer", fmt.Sprintf(`{"to":%q}`, heir)).with(soon), wanted{status: 200, has: map[string]any{"id": heir}})
	k.row("POST /cluster/transfer, to nobody", post(apiBase+"/cluster/transfer", `{"to":"nobody"}`), refused(404, v1.NotFound))
	k.row("POST /cluster/members/{id}/remove, nobody", post(apiBase+"/cluster/members/nobody/remove", ""), refused(404, v1.NotFound))
	removed := k.c.Join("n4", k.c.Node(0))
	removed.WaitReady(harness.StartWithin)
	removed.Kill()
	id := k.memberNamed("n4")
	k.c.Remove(removed)
	k.row("POST /cluster/members/{id}/remove", post(apiBase+"/cluster/members/"+id+"/remove", "").with(soon), wanted{status: 204})
	leaver := k.c.Node(2)
	leaver.Leaving()
	k.row("POST /cluster/leave", post(apiBase+"/cluster/leave", "").with(func(q *request) { q.at = leaver }), wanted{status: 204})
	if exit := leaver.Wait(30 * time.Second); exit.Code != 0 {
		k.t.Errorf("who left has ended with %+v", exit)
	}
	k.c.Remove(leaver)
}

// statusOf is the cluster as a node sees it.
func (k *caller) statusOf(n *harness.Node) v1.Cluster {
	k.t.Helper()
	status, err := n.Status(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return status
}

// memberNamed is the id of a member.
func (k *caller) memberNamed(name string) string {
	k.t.Helper()
	for _, m := range k.statusOf(k.c.Node(0)).Members {
		if m.Name == name {
			return m.ID
		}
	}
	k.t.Fatalf("there is no member %s", name)
	return ""
}

// lonelyRows end the quorum.
func lonelyRows(k *caller) {
	code := k.made(quoted(""))
	for _, n := range k.c.Nodes() {
		k.row("before the end of the quorum", visit("/"+code).with(func(q *request) { q.at = n }), wanted{status: 302})
	}
	k.c.Node(1).Kill()
	k.c.Remove(k.c.Node(1))
	k.row("POST without a quorum", post(linksPath, quoted("")), wanted{status: 503, code: v1.NoLeader, header: []string{"Retry-After", "1"}})
	k.row("GET of a link without a quorum", get(linksPath+"/"+code), refused(503, v1.NoLeader))
	k.row("GET of a link, local", get(linksPath+"/"+code+"?consistency=local"), wanted{status: http.StatusOK})
	k.row("a visit", visit("/"+code), wanted{status: 302, header: []string{"Location", target}})
	k.row("an absence that cannot be proven", forJSON("/zzzzzzz"), refused(503, v1.NoLeader))
	k.row("GET /readyz", visit("/readyz"), wanted{status: 200})
	k.row("GET /readyz?write", visit("/readyz?write"), wanted{status: 503, body: []string{"[-]"}})
	k.row("GET /cluster", get(apiBase+"/cluster").with(soon), wanted{status: 200, has: map[string]any{"healthy": false}})
	k.verb(2, "", "status")
}
