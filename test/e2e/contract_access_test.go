package e2e

import (
	"fmt"

	"tinyurl/api/v1"
)

func remove(path string) request { return request{method: "DELETE", path: path} }

func keyRows(k *caller) {
	code := k.made(quoted(""))
	made := k.row("POST /keys", post(apiBase+"/keys", `{"name":"reader","scopes":["links:read"],"expiresIn":"1h"}`), wanted{status: 201, has: map[string]any{"name": "reader", "scopes": []any{"links:read"}, "owner": nil}})
	id, key := made.field("id"), made.field("key")
	as := func(q request) request { return q.with(func(q *request) { q.key = key }) }
	for _, n := range k.c.Nodes() {
		k.row("a new key, on every node", as(get(linksPath+"/"+code)).with(func(q *request) { q.at = n }), wanted{status: 200})
	}
	k.row("any key shows the cluster", as(get(apiBase+"/cluster")), wanted{status: 200})
	k.row("POST /links without the scope", as(post(linksPath, quoted(""))), refused(403, v1.Forbidden))
	k.row("PATCH without the scope", as(request{method: "PATCH", path: linksPath + "/" + code, body: `{"title":"x"}`}), refused(403, v1.Forbidden))
	k.row("GET /keys without the scope", as(get(apiBase+"/keys")), refused(403, v1.Forbidden))
	k.row("GET /export without the scope", as(get(apiBase+"/export")), refused(403, v1.Forbidden))
	k.row("GET /keys", get(apiBase+"/keys"), wanted{status: 200, body: []string{id, `"reader"`}})
	k.row("DELETE /keys/{id}", remove(apiBase+"/keys/"+id), wanted{status: 204})
	for _, n := range k.c.Nodes() {
		k.row("a revoked key, on every node", as(get(linksPath+"/"+code)).with(func(q *request) { q.at = n }), refused(401, v1.Unauthorized))
	}
	k.row("DELETE /keys/{id}, again", remove(apiBase+"/keys/"+id), refused(404, v1.NotFound))
	k.row("POST /keys, no scope", post(apiBase+"/keys", `{"name":"x","scopes":[]}`), refused(422, v1.InvalidField))
	k.row("POST /keys, an unknown field", post(apiBase+"/keys", `{"name":"x","scopes":["admin"],"more":1}`), refused(422, v1.InvalidJSON))
	k.row("POST /keys, an owner that is nobody", post(apiBase+"/keys", `{"name":"x","scopes":["admin"],"owner":"nobody"}`), refused(422, v1.InvalidField))
}

func userRows(k *caller) {
	code := k.made(quoted(""))
	id := k.row("POST /users", post(apiBase+"/users", `{"name":"Ann","email":"ann@example.com","role":"creator"}`), wanted{status: 201, has: map[string]any{"name": "Ann", "role": "creator"}}).field("id")
	key := k.row("POST /keys, of a user", post(apiBase+"/keys", fmt.Sprintf(`{"name":"ann's","scopes":["links:create","links:read","links:write"],"owner":%q}`, id)), wanted{status: 201, has: map[string]any{"owner": id}}).field("key")
	as := func(q request) request { return q.with(func(q *request) { q.key = key }) }
	own := k.row("a creator's link", as(post(linksPath, quoted(""))), wanted{status: 201, has: map[string]any{"owner": id}}).link(k.t).ShortCode
	k.row("a creator's own link", as(get(linksPath+"/"+own)), wanted{status: 200})
	k.row("another's link", as(get(linksPath+"/"+code)), refused(404, v1.NotFound))
	k.row("DELETE of another's link", as(remove(linksPath+"/"+code)), refused(404, v1.NotFound))
	k.row("PATCH /users/{id}", request{method: "PATCH", path: apiBase + "/users/" + id, body: `{"role":"editor","email":null}`}, wanted{status: 200, has: map[string]any{"role": "editor", "email": ""}})
	k.row("an editor reads all links", as(get(linksPath+"/"+code)).with(soon), wanted{status: 200})
	k.row("GET /users", get(apiBase+"/users"), wanted{status: 200, body: []string{id}})
	k.row("POST /users, no role", post(apiBase+"/users", `{"name":"Bob"}`), refused(422, v1.InvalidField))
	k.row("DELETE /users/{id}", remove(apiBase+"/users/"+id), wanted{status: 204})
	k.row("the key of nobody any more", as(get(linksPath+"/"+own)).with(soon), refused(401, v1.Unauthorized))
	k.row("the link of nobody any more", get(linksPath+"/"+own), wanted{status: 200, has: map[string]any{"owner": id}})
	k.row("DELETE /users/{id}, again", remove(apiBase+"/users/"+id), refused(404, v1.NotFound))
}

func denialRows(k *caller) {
	k.row("POST /deny", post(apiBase+"/deny", `{"host":"Evil.Example","reason":"phishing"}`), wanted{status: 201, has: map[string]any{"host": "evil.example", "reason": "phishing"}})
	k.row("POST /deny, again", post(apiBase+"/deny", `{"host":"evil.example"}`), wanted{status: 200, has: map[string]any{"reason": "phishing"}})
	for _, host := range []string{"evil.example", "very.EVIL.example"} {
		k.row("a link to "+host, post(linksPath, fmt.Sprintf(`{"longUrl":"https://%s/x"}`, host)), refused(422, v1.TargetDenied))
	}
	k.row("a link beside it", post(linksPath, `{"longUrl":"https://notevil.example/x"}`), wanted{status: 201})
	k.row("GET /deny", get(apiBase+"/deny"), wanted{status: 200, body: []string{`"evil.example"`}})
	k.row("DELETE /deny/{host}", remove(apiBase+"/deny/evil.example"), wanted{status: 204})
	k.row("DELETE /deny/{host}, again", remove(apiBase+"/deny/evil.example"), refused(404, v1.NotFound))
	k.row("a link to it", post(linksPath, `{"longUrl":"https://evil.example/x"}`), wanted{status: 201})
	k.row("POST /deny, no host", post(apiBase+"/deny", `{"host":"https://x/"}`), refused(422, v1.InvalidField))
}

func reportRows(k *caller) {
	code := k.made(quoted(""))
	report := func(body string) request {
		return post(apiBase+"/report", body).with(func(q *request) { q.key = noKey })
	}
	k.row("POST /report", report(fmt.Sprintf(`{"shortCode":%q,"reason":"phishing"}`, code)), wanted{status: 204})
	k.row("POST /report, no reason", report(fmt.Sprintf(`{"shortCode":%q}`, code)), refused(422, v1.InvalidField))
	k.row("POST /report, of no link", report(`{"shortCode":"nobodys","reason":"x"}`), refused(404, v1.NotFound))
	k.row("GET /reports", get(apiBase+"/reports"), wanted{status: 200, body: []string{code, "phishing"}})
	k.row("GET /reports, no key", request{path: apiBase + "/reports", key: noKey}, refused(401, v1.Unauthorized))
	k.row("DELETE /reports/{code}", remove(apiBase+"/reports/"+code), wanted{status: 204})
	k.row("DELETE /reports/{code}, again", remove(apiBase+"/reports/"+code), refused(404, v1.NotFound))
}
