package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tinyurl/api/v1"
)

// ofOldClients reports whether a path is of another shortener's API, whose manners the description leaves to that shortener.
func ofOldClients(path string) bool {
	return strings.Contains(path, ".php") || strings.HasPrefix(path, "/rest/")
}

func oldClientRows(k *caller) {
	plain := []string{"Content-Type", "text/plain; charset=utf-8"}
	tiny := "/api-create.php?alias=by-tinyurl&url=" + url.QueryEscape(target)
	k.row("GET /api-create.php", get(tiny), wanted{status: 200, header: plain, body: []string{"/by-tinyurl"}})
	k.row("GET /api-create.php, key=", request{path: strings.Replace(tiny, "by-", "by-key-", 1) + "&key=" + url.QueryEscape(k.c.Key()), key: noKey}, wanted{status: 200, header: plain, body: []string{"/by-key-tinyurl"}})
	k.row("its link", visit("/by-tinyurl"), wanted{status: 302, header: []string{"Location", target}})
	k.row("GET /api-create.php, no key", request{path: tiny, key: noKey}, wanted{status: 401})

	yourls := "/yourls-api.php?format=json&signature=" + url.QueryEscape(k.c.Key())
	asked := func(more string) request { return request{path: yourls + more, key: noKey} }
	k.row("yourls shorturl", asked("&action=shorturl&keyword=by-yourls&url="+url.QueryEscape(target)), wanted{status: 200, body: []string{`"success"`, "by-yourls"}})
	k.row("yourls expand", asked("&action=expand&shorturl=by-yourls").with(soon), wanted{status: 200, body: []string{"by-yourls", `"longurl"`}})
	k.row("yourls url-stats", asked("&action=url-stats&shorturl=by-yourls").with(soon), wanted{status: 200, body: []string{`"clicks"`}})
	k.row("yourls stats", asked("&action=stats&filter=last&limit=1"), wanted{status: 200, body: []string{"stats"}})
	k.row("yourls db-stats", asked("&action=db-stats"), wanted{status: 200, body: []string{`"total_links"`}})
	k.row("yourls, a time signature", request{path: "/yourls-api.php?action=db-stats&timestamp=1&signature=d41d8cd98f00b204e9800998ecf8427e", key: noKey}, wanted{status: 403})

	shlink := func(method, path, body string) request {
		return request{method: method, path: "/rest/v3" + path, body: body, key: noKey, header: []string{"X-Api-Key", k.c.Key()}}
	}
	one := "/short-urls/by-shlink"
	k.row("Shlink, create", shlink("POST", "/short-urls", quoted(`,"customSlug":"by-shlink","tags":["shlink"]`)), wanted{status: 200, has: map[string]any{"shortCode": "by-shlink"}})
	k.row("Shlink, list", shlink("GET", "/short-urls?tags[]=shlink", ""), wanted{status: 200, body: []string{`"by-shlink"`, `"pagination"`}})
	k.row("Shlink, get", shlink("GET", one, ""), wanted{status: 200, has: map[string]any{"longUrl": target}})
	k.row("Shlink, edit", shlink("PATCH", one, `{"title":"edited"}`), wanted{status: 200, has: map[string]any{"title": "edited"}})
	k.row("Shlink, tags", shlink("GET", "/tags", ""), wanted{status: 200, body: []string{`"shlink"`}})
	k.row("Shlink, delete", shlink("DELETE", one, ""), wanted{status: 204})
	k.row("Shlink, a wrong key", request{path: "/rest/v3/tags", key: noKey, header: []string{"X-Api-Key", strings.Repeat("x", 40)}}, wanted{status: 401})
}

func verbRows(k *caller) {
	k.verb(0, "tinyurl", "version")
	k.verb(0, "complet", "completion", "bash")
	k.verb(0, "n1", "status")
	k.verb(0, `"clusterId"`, "status", "-o", "json")
	k.verb(0, "/by-cli", "shorten", target, "--slug", "by-cli", "--expires", "24h")
	k.verb(0, target, "resolve", "by-cli")
	k.verb(1, "", "resolve", "by-nobody")
	k.verb(2, "", "shorten")
	k.verb(0, "by-cli", "links", "list", "--search", "by-cli")
	k.verb(0, `"by-cli"`, "links", "list", "-o", "json")
	k.verb(0, `"New"`, "links", "edit", "by-cli", "--title", "New", "-o", "json")
	k.verb(0, "", "links", "delete", "by-cli")
	k.row("what the CLI deleted", get(linksPath+"/by-cli"), refused(410, v1.Gone))
	k.verb(0, "join", "token", "--data-dir", k.c.Node(0).Dir)
	k.verb(0, k.c.Key(), "token", "--root-key", "--data-dir", k.c.Node(0).Dir)
	file := filepath.Join(k.t.TempDir(), "links.csv")
	if err := os.WriteFile(file, []byte("url,slug\nhttps://example.com/file,from-file\n"), 0o600); err != nil {
		k.t.Fatal(err)
	}
	k.verb(0, "", "import", file)
	k.row("what the CLI took in", visit("/from-file"), wanted{status: 302})
	k.verb(0, "from-file", "export", "--format", "csv")
	k.verb(0, "healthy", "cluster", "autopilot", "-o", "json")
	k.verb(0, "", "cluster", "transfer")
	k.verb(1, "", "cluster", "remove", "nobody")
	accessVerbRows(k)
}

// accessVerbRows are of what is kept beside links.
func accessVerbRows(k *caller) {
	user := reply{body: []byte(k.verb(0, `"Bob"`, "users", "create", "Bob", "-o", "json").Stdout)}.field("id")
	k.verb(0, "editor", "users", "edit", user, "--role", "editor", "-o", "json")
	k.verb(0, "Bob", "users", "list")
	key := reply{body: []byte(k.verb(0, `"tu_`, "keys", "create", "bobs", "--scope", "links:read", "--owner", user, "-o", "json").Stdout)}
	k.row("a key that the CLI made", get(linksPath).with(func(q *request) { q.key = key.field("key") }), wanted{status: 200})
	k.verb(0, "bobs", "keys", "list")
	k.verb(0, "", "keys", "revoke", key.field("id"))
	k.row("a key that the CLI revoked", get(linksPath).with(func(q *request) { q.key = key.field("key") }), refused(401, v1.Unauthorized))
	k.verb(0, "", "users", "delete", user)
	k.verb(0, "", "deny", "add", "bad.example", "--reason", "phishing")
	k.verb(0, "bad.example", "deny", "list")
	k.row("a host that the CLI denied", post(linksPath, `{"longUrl":"https://bad.example/"}`), refused(422, v1.TargetDenied))
	k.verb(0, "", "deny", "remove", "bad.example")
	code := k.made(quoted(""))
	k.row("a report", post(apiBase+"/report", fmt.Sprintf(`{"shortCode":%q,"reason":"spam"}`, code)).with(func(q *request) { q.key = noKey }), wanted{status: 204})
	k.verb(0, code, "reports", "list")
	k.verb(0, "", "reports", "dismiss", code)
}
