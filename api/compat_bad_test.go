package api

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"tinyurl/api/compat/compattest"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// badForeigner is a request that is refused.
type badForeigner struct {
	name, method, target, body string
	header                     []string
	status                     int
	says                       string // a part of the answer
}

const (
	tinyURL  = "/api-create.php?"
	yourlsAt = "/yourls-api.php?format=json&"
	shlinkAt = "/rest/v3/short-urls"
	withKey  = "key=" + compattest.Key + "&"
	signed   = "signature=" + compattest.Key + "&"
)

func badOfTinyURL() []badForeigner {
	huge := strings.Repeat("a", 9000)
	return []badForeigner{
		{name: "no key", method: "GET", target: tinyURL + "url=https://example.com", status: 401, says: "Error"},
		{name: "wrong key", method: "GET", target: tinyURL + "key=nobody&url=https://example.com", status: 401, says: "Error"},
		{name: "empty key", method: "GET", target: tinyURL + "key=&url=https://example.com", status: 401, says: "Error"},
		{name: "two keys", method: "GET", target: tinyURL + withKey + "url=https://example.com", header: []string{"X-Api-Key", "other"}, status: 401, says: "Error"},
		{name: "basic", method: "GET", target: tinyURL + "url=https://example.com", header: []string{"Authorization", "Basic eDp5"}, status: 401, says: "Error"},
		{name: "no scope", method: "GET", target: tinyURL + "key=reader&url=https://example.com", status: 403, says: "Error"},
		{name: "no url", method: "GET", target: tinyURL + withKey, status: 400, says: "Error"},
		{name: "empty url", method: "GET", target: tinyURL + withKey + "url=", status: 400, says: "Error"},
		{name: "blank url", method: "GET", target: tinyURL + withKey + "url=%20", status: 400, says: "Error"},
		{name: "bad scheme", method: "GET", target: tinyURL + withKey + "url=javascript:alert(1)", status: 400, says: "Error"},
		{name: "no host", method: "GET", target: tinyURL + withKey + "url=https://", status: 400, says: "Error"},
		{name: "own host", method: "GET", target: tinyURL + withKey + "url=https://sho.rt/abc123", status: 400, says: "Error"},
		{name: "own host without scheme", method: "GET", target: tinyURL + withKey + "url=sho.rt/abc123", status: 400, says: "Error"},
		{name: "control characters", method: "GET", target: tinyURL + withKey + "url=https://example.com/%00", status: 400, says: "Error"},
		{name: "broken UTF-8", method: "GET", target: tinyURL + withKey + "url=https://example.com/%ff", status: 400, says: "Error"},
		{name: "broken escape", method: "GET", target: tinyURL + withKey + "url=https://example.com/%zz", status: 400, says: "Error"},
		{name: "semicolon", method: "GET", target: tinyURL + withKey + "url=https://example.com/;x", status: 400, says: "Error"},
		{name: "an URL that was not escaped", method: "GET", target: tinyURL + withKey + "url=https://example.com/?a=1&b=2", status: 400, says: "Error"},
		{name: "two urls", method: "GET", target: tinyURL + withKey + "url=https://example.com&url=https://example.org", status: 400, says: "Error"},
		{name: "too long", method: "GET", target: tinyURL + withKey + "url=https://example.com/" + huge, status: 400, says: "Error"},
		{name: "taken alias", method: "GET", target: tinyURL + withKey + "url=https://example.com&alias=custom", status: 409, says: "Error"},
		{name: "deleted alias", method: "GET", target: tinyURL + withKey + "url=https://example.com&alias=buried", status: 409, says: "Error"},
		{name: "bad alias", method: "GET", target: tinyURL + withKey + "url=https://example.com&alias=a/b", status: 400, says: "Error"},
		{name: "reserved alias", method: "GET", target: tinyURL + withKey + "url=https://example.com&alias=API", status: 400, says: "Error"},
		{name: "alias of a script", method: "GET", target: tinyURL + withKey + "url=https://example.com&alias=x.php", status: 400, says: "Error"},
		{name: "long alias", method: "GET", target: tinyURL + withKey + "url=https://example.com&alias=" + huge[:129], status: 400, says: "Error"},
		{name: "bad Idempotency-Key", method: "GET", target: tinyURL + withKey + "url=https://example.com", header: []string{"Idempotency-Key", ""}, status: 400, says: "Error"},
		{name: "HEAD", method: "HEAD", target: tinyURL + withKey + "url=https://example.com", status: 405},
		{name: "DELETE", method: "DELETE", target: tinyURL + withKey + "url=https://example.com", status: 405, says: "Error"},
		{name: "long form", method: "POST", target: tinyURL, body: strings.Repeat("a", longestForm+1), status: 413, says: "Error"},
		{name: "broken parts", method: "POST", target: tinyURL + withKey, body: "--x\r\nnothing", header: []string{"Content-Type", "multipart/form-data; boundary=x"}, status: 400, says: "Error"},
		{name: "parts without a boundary", method: "POST", target: tinyURL + withKey, body: "--x", header: []string{"Content-Type", "multipart/form-data"}, status: 400, says: "Error"},
	}
}

func badOfYOURLS() []badForeigner {
	const shorten = yourlsAt + signed + "action=shorturl&"
	return []badForeigner{
		{name: "no key", method: "GET", target: yourlsAt + "action=stats", status: 403, says: `"errorCode":403`},
		{name: "wrong key", method: "GET", target: yourlsAt + "signature=nobody&action=stats", status: 403, says: "Invalid signature"},
		{name: "wrong key in the header", method: "GET", target: yourlsAt + "action=shorturl", header: []string{"X-Api-Key", "nobody"}, status: 403, says: `"errorCode":403`},
		{name: "time signature", method: "GET", target: yourlsAt + "timestamp=1&signature=ab&action=stats", status: 403, says: "Time-limited"},
		{name: "password", method: "GET", target: yourlsAt + "username=a&password=b&action=stats", status: 403, says: "User names"},
		{name: "no scope to make", method: "GET", target: yourlsAt + "signature=reader&action=shorturl&url=https://example.com", status: 403, says: "lacks the scope"},
		{name: "no scope to read", method: "GET", target: yourlsAt + "signature=maker&action=expand&shorturl=custom", status: 403, says: "lacks the scope"},
		{name: "no scope to list", method: "GET", target: yourlsAt + "signature=maker&action=stats", status: 403, says: "lacks the scope"},
		{name: "no scope to count", method: "GET", target: yourlsAt + "signature=maker&action=db-stats", status: 403, says: "lacks the scope"},
		{name: "no action", method: "GET", target: yourlsAt + signed, status: 400, says: "action"},
		{name: "unknown action", method: "GET", target: yourlsAt + signed + "action=delete&keyword=custom", status: 400, says: "action"},
		{name: "action in other case", method: "GET", target: yourlsAt + signed + "action=SHORTURL&url=https://example.com", status: 400, says: "action"},
		{name: "no url", method: "GET", target: shorten, status: 400, says: "error:nourl"},
		{name: "bad url", method: "GET", target: shorten + "url=ftp://example.com", status: 400, says: "error:nourl"},
		{name: "own host", method: "GET", target: shorten + "url=https://sho.rt/custom", status: 400, says: "error:nourl"},
		{name: "too long url", method: "GET", target: shorten + "url=https://example.com/" + strings.Repeat("a", 9000), status: 400, says: "error:nourl"},
		{name: "taken keyword", method: "GET", target: shorten + "url=https://example.com&keyword=custom", status: 400, says: "error:keyword"},
		{name: "reserved keyword", method: "GET", target: shorten + "url=https://example.com&keyword=rest", status: 400, says: "error:keyword"},
		{name: "bad keyword", method: "GET", target: shorten + "url=https://example.com&keyword=%3Cb%3E", status: 400, says: "error:keyword"},
		{name: "long title", method: "GET", target: shorten + "url=https://example.com&title=" + strings.Repeat("t", 600), status: 400, says: "title"},
		{name: "broken UTF-8", method: "GET", target: shorten + "url=https://example.com&title=%ff", status: 400, says: "UTF-8"},
		{name: "expand nothing", method: "GET", target: yourlsAt + signed + "action=expand", status: 404, says: `"errorCode":404`},
		{name: "expand what is elsewhere", method: "GET", target: yourlsAt + signed + "action=expand&shorturl=https://example.com/custom", status: 404, says: `"errorCode":404`},
		{name: "expand a page", method: "GET", target: yourlsAt + signed + "action=expand&shorturl=https://sho.rt/a/b", status: 404, says: `"errorCode":404`},
		{name: "negative limit", method: "GET", target: yourlsAt + signed + "action=stats&filter=last&limit=-1", status: 400, says: "limit"},
		{name: "high limit", method: "GET", target: yourlsAt + signed + "action=stats&filter=last&limit=501", status: 400, says: "limit"},
		{name: "limit that is no number", method: "GET", target: yourlsAt + signed + "action=stats&filter=last&limit=x", status: 400, says: "limit"},
		{name: "high start", method: "GET", target: yourlsAt + signed + "action=stats&filter=last&limit=1&start=10001", status: 400, says: "start"},
		{name: "filter that is not kept", method: "GET", target: yourlsAt + signed + "action=stats&filter=rand&limit=1", status: 501, says: "filter"},
		{name: "callback that is a program", method: "GET", target: "/yourls-api.php?format=jsonp&callback=alert(1)//&" + signed + "action=shorturl&url=https://example.com", status: 400, says: "callback"},
		{name: "no callback", method: "GET", target: "/yourls-api.php?format=jsonp&" + signed + "action=db-stats", status: 400, says: "callback"},
		{name: "HEAD", method: "HEAD", target: shorten + "url=https://example.com", status: 405},
		{name: "PUT", method: "PUT", target: shorten + "url=https://example.com", status: 405, says: "error:method_not_allowed"},
		{name: "long form", method: "POST", target: yourlsAt, body: strings.Repeat("a", longestForm+1), status: 413, says: `"errorCode":413`},
		{name: "a form that says otherwise", method: "POST", target: shorten + "url=https://example.com", body: "url=https://example.org", status: 400, says: "twice"},
	}
}

func badOfShlink() []badForeigner {
	key := []string{"X-Api-Key", compattest.Key}
	create := func(name, body, says string) badForeigner {
		return badForeigner{name: name, method: "POST", target: shlinkAt, body: body, header: key, status: 400, says: says}
	}
	list := func(query, says string) badForeigner {
		return badForeigner{name: "list with " + query, method: "GET", target: shlinkAt + "?" + query, header: key, status: 400, says: says}
	}
	return []badForeigner{
		{name: "no key", method: "GET", target: shlinkAt, status: 401, says: "missing-authentication"},
		{name: "wrong key", method: "POST", target: shlinkAt, body: "{", header: []string{"Authorization", "Bearer nobody"}, status: 401, says: "invalid-api-key"},
		{name: "key in the query", method: "GET", target: shlinkAt + "?apiKey=" + compattest.Key, status: 401, says: "missing-authentication"},
		{name: "no scope to make", method: "POST", target: shlinkAt, body: "{", header: []string{"X-Api-Key", "reader"}, status: 403, says: "lacks the scope"},
		{name: "no scope to change", method: "PATCH", target: shlinkAt + "/custom", body: "{}", header: []string{"X-Api-Key", "reader"}, status: 403, says: "lacks the scope"},
		{name: "no scope to delete", method: "DELETE", target: shlinkAt + "/custom", header: []string{"X-Api-Key", "reader"}, status: 403, says: "lacks the scope"},
		{name: "no scope to read", method: "GET", target: shlinkAt + "/custom", header: []string{"X-Api-Key", "maker"}, status: 403, says: "lacks the scope"},
		create("nothing", "", "malformed-request-body"),
		create("a list", "[]", "malformed-request-body"),
		create("two values", "{}{}", "malformed-request-body"),
		create("no end", `{"longUrl":"https://example.com"`, "malformed-request-body"),
		create("a name that is none", `{1:2}`, "malformed-request-body"),
		create("depth", `{"longUrl":`+strings.Repeat("[", 20000), "malformed-request-body"),
		create("broken UTF-8", "{\"longUrl\":\"https://example.com/\xff\"}", "malformed-request-body"),
		create("half a pair", `{"longUrl":"https://example.com/\ud800"}`, "malformed-request-body"),
		create("no url", `{"customSlug":"x"}`, `"longUrl"`),
		create("null url", `{"longUrl":null}`, `"longUrl"`),
		create("bad url", `{"longUrl":"foo"}`, `"longUrl"`),
		create("own host", `{"longUrl":"https://sho.rt/custom"}`, `"longUrl"`),
		create("long url", `{"longUrl":"https://example.com/`+strings.Repeat("a", 9000)+`"}`, `"longUrl"`),
		create("number for url", `{"longUrl":1}`, "invalid-data"),
		create("url twice", `{"longUrl":"https://example.com","longUrl":"https://example.org"}`, "invalid-data"),
		create("taken slug", `{"longUrl":"https://example.com","customSlug":"abc123"}`, "non-unique-slug"),
		create("bad slug", `{"longUrl":"https://example.com","customSlug":"my cool slug"}`, "customSlug"),
		create("reserved slug", `{"longUrl":"https://example.com","customSlug":"health"}`, "customSlug"),
		create("unknown field", `{"longUrl":"https://example.com","password":"x"}`, "password"),
		create("synonym of ours", `{"url":"https://example.com"}`, "url"),
		create("escaped name", `{"longUrl":"https://example.com","\u0000":1}`, "unknown field"),
		create("tags that are no list", `{"longUrl":"https://example.com","tags":"x"}`, "tags"),
		create("past end", `{"longUrl":"https://example.com","validUntil":"2020-01-01T00:00:00+00:00"}`, "validUntil"),
		create("bad time", `{"longUrl":"https://example.com","validSince":"tomorrow"}`, "validSince"),
		create("no visits", `{"longUrl":"https://example.com","maxVisits":0}`, "maxVisits"),
		create("device URLs", `{"longUrl":"https://example.com","deviceLongUrls":{"ios":"https://example.org"}}`, "deviceLongUrls"),
		create("length that is no number", `{"longUrl":"https://example.com","shortCodeLength":"5"}`, "shortCodeLength"),
		create("flag that is none", `{"longUrl":"https://example.com","crawlable":1}`, "crawlable"),
		create("domain that is no string", `{"longUrl":"https://example.com","domain":1}`, "domain"),
		{name: "edit of the slug", method: "PATCH", target: shlinkAt + "/custom", body: `{"customSlug":"x"}`, header: key, status: 400, says: "customSlug"},
		{name: "edit of the domain", method: "PATCH", target: shlinkAt + "/custom", body: `{"domain":"sho.rt"}`, header: key, status: 400, says: "domain"},
		{name: "edit to no url", method: "PATCH", target: shlinkAt + "/custom", body: `{"longUrl":null}`, header: key, status: 400, says: "longUrl"},
		{name: "edit of another version", method: "PATCH", target: shlinkAt + "/custom", body: `{"title":"x"}`, header: append(key, "If-Match", `"7"`), status: 412, says: "precondition_failed"},
		{name: "too large", method: "POST", target: shlinkAt, body: strings.Repeat(" ", 1<<20+1), header: key, status: 413, says: "too_large"},
		list("page=0", "page"), list("page=x", "page"), list("page=99999999999999999999", "page"), list("page=1001", "page"), list("page=21&itemsPerPage=500", "page"),
		list("itemsPerPage=0", "itemsPerPage"), list("itemsPerPage=-2", "itemsPerPage"), list("itemsPerPage=x", "itemsPerPage"),
		list("orderBy=visits-DESC", "orderBy"), list("tagsMode=some", "tagsMode"), list("startDate=2020-01-01", "startDate"), list("endDate=2020-01-01", "endDate"),
		list("domain=example.com", "domain"), list("excludeMaxVisitsReached=true", "excludeMaxVisitsReached"), list("tags[]=%0a", "tag"),
		list(manyTags(21), "tag"), list("searchTerm=%00", "search"), list("searchTerm="+strings.Repeat("a", 257), "search"), list("a;b", "query"),
		{name: "tags in an order that is not kept", method: "GET", target: "/rest/v3/tags?orderBy=visits-DESC", header: key, status: 400, says: "orderBy"},
		{name: "a code that cannot be", method: "GET", target: shlinkAt + "/a.b", header: key, status: 404, says: "short-url-not-found"},
		{name: "a long code", method: "GET", target: shlinkAt + "/" + strings.Repeat("a", 2000), header: key, status: 404, says: "short-url-not-found"},
		{name: "PUT", method: "PUT", target: shlinkAt + "/custom", header: key, status: 405, says: "method-not-allowed"},
		{name: "root", method: "GET", target: "/rest", status: 404, says: "not-found"},
		{name: "root with a slash", method: "POST", target: "/rest/", status: 404, says: "not-found"},
		{name: "other version", method: "GET", target: "/rest/v1/short-urls", status: 404, says: "not-found"},
	}
}

func manyTags(n int) string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("tags[%d]=t%d", i, i)
	}
	return strings.Join(tags, "&")
}

func TestOldClientsAreRefusedInTheirOwnWords(t *testing.T) {
	for tool, all := range map[string][]badForeigner{"tinyurl.com": badOfTinyURL(), "yourls": badOfYOURLS(), "shlink": badOfShlink()} {
		for _, bad := range all {
			t.Run(tool+": "+clip(bad.name, 60), func(t *testing.T) {
				f := newCompatFixture(t, func(c *Config) {
					c.Authenticator = scopedKeys{compattest.Key: access.AllScopes, "maker": access.LinksCreate, "reader": access.LinksRead}
				})
				before := maps.Clone(f.service.links)
				w := f.asForeigner(bad.method, bad.target, bad.body, bad.header...)
				if w.Code != bad.status || !strings.Contains(w.Body.String(), bad.says) {
					t.Errorf("status %d, want %d with %q: %s", w.Code, bad.status, bad.says, w.Body)
				}
				media := map[string]string{"tinyurl.com": "text/plain; charset=utf-8", "yourls": "application/json", "shlink": v1.ProblemType}[tool]
				if got := w.Header().Get("Content-Type"); got != media || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("header %v", w.Header())
				}
				if tool == "tinyurl.com" && bad.method != "HEAD" && w.Body.String() != "Error" {
					t.Errorf("body %q", w.Body)
				}
				if (w.Code == 405) != (w.Header().Get("Allow") != "") || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
					t.Errorf("status %d with the header %v", w.Code, w.Header())
				}
				if !maps.Equal(before, f.service.links) || f.bodies.used.Load() != 0 {
					t.Errorf("links %d, of %d before; %d bytes held", len(f.service.links), len(before), f.bodies.used.Load())
				}
			})
		}
	}
}
