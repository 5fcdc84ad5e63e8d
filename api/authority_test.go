package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// writes are the operations that take a body of what is kept beside links, with one that would do, and what it is made of.
func writes() []struct {
	method, path, body string
	fields             map[string]string // with their types
} {
	key := map[string]string{"name": "string", "scopes": "strings", "owner": "string", "expiresAt": "string", "expiresIn": "string"}
	user := map[string]string{"name": "string", "email": "string", "role": "string"}
	denied := map[string]string{"host": "string", "reason": "string"}
	report := map[string]string{"shortCode": "string", "reason": "string"}
	return []struct {
		method, path, body string
		fields             map[string]string
	}{
		{"POST", keysPath, oneKeyBody, key},
		{"POST", usersPath, oneUser, user},
		{"PATCH", usersPath + "/" + someUser, `{"name":"Bob"}`, user},
		{"POST", denyPath, oneDenied, denied},
		{"POST", reportPath, `{"shortCode":"seen","reason":"spam"}`, report},
	}
}

// keeper is a fixture in which there is the link that is reported.
func keeper(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := newFixture(t, change...)
	f.add(someReported, "https://example.com")
	return f
}

// unhurried has a minute go by whenever the clock is read, so that no limit is met.
func unhurried(c *Config) {
	clock := &watch{noon}
	c.Now = func() time.Time {
		clock.now = clock.now.Add(time.Minute)
		return clock.now
	}
}

func TestEveryObjectIsReadStrictly(t *testing.T) {
	for _, o := range writes() {
		f := keeper(t, unhurried)
		inside := strings.TrimSuffix(strings.TrimPrefix(o.body, "{"), "}")
		for name, body := range map[string]string{
			"empty": "", "blank": " \n", "null": "null", "a list": "[" + o.body + "]", "text": `"x"`, "a number": "1", "cut off": o.body[:len(o.body)-1],
			"trailing comma": "{" + inside + ",}", "two": o.body + o.body, "more behind": o.body + " x", "byte order mark": "\ufeff" + o.body,
			"given twice": "{" + inside + "," + inside + "}", "unknown": "{" + inside + `,"colour":"red"}`, "unknown null": "{" + inside + `,"colour":null}`,
			"another case": "{" + strings.Replace(inside, `"`, `"N`, 1) + "}", "broken text": "{" + inside + `,"reason":"` + "\xff" + `"}`,
			"half a pair": "{" + inside + `,"x":"\ud800"}`, "deep": strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "form": "name=x",
			"an id of one's own": "{" + inside + `,"id":"mine"}`,
		} {
			w := f.do(o.method, o.path, body)
			if w.Code != 422 {
				t.Errorf("%s %s, %s: status %d", o.method, o.path, name, w.Code)
				continue
			}
			f.refused(w, 422, v1.InvalidJSON)
		}
		for field, kind := range o.fields {
			wrong := []string{"1", "true", "{}", `[1]`, `[null]`, `[[]]`}
			if kind == "string" {
				wrong = append(wrong, `["x"]`, "[]")
			} else {
				wrong = append(wrong, `"x"`)
			}
			for _, value := range wrong {
				f.refused(f.do(o.method, o.path, `{"`+field+`":`+value+`}`), 422, v1.InvalidJSON, field)
			}
		}
		if f.kept.changes != 0 || f.service.inside.Load() != 0 {
			t.Errorf("%s %s: something was asked of the cluster", o.method, o.path)
		}
		if w := f.do(o.method, o.path, o.body); w.Code >= 300 || f.kept.changes != 1 {
			t.Errorf("%s %s: status %d for a good body", o.method, o.path, w.Code)
		}
	}
}

func TestBodiesOfObjectsHaveTheirLimit(t *testing.T) {
	for _, o := range writes() {
		f := keeper(t)
		limit := 1 << 20
		if o.path == reportPath {
			limit = 16 << 10
		}
		if w := f.do(o.method, o.path, o.body+strings.Repeat(" ", limit-len(o.body))); w.Code >= 300 {
			t.Errorf("%s: status %d for a body of just the limit", o.path, w.Code)
		}
		f.refused(f.do(o.method, o.path, o.body+strings.Repeat(" ", limit-len(o.body)+1)), 413, v1.TooLarge)
	}
}

// lists are the lists of what is kept beside links, with the name of what is in them, in their order.
func lists() map[string]string {
	return map[string]string{keysPath: "id", usersPath: "id", denyPath: "host", reportsPath: "shortCode"}
}

// crowd puts 250 of everything in, in place of what is there.
func (f *fixture) crowd() {
	clear(f.kept.keys)
	clear(f.kept.users)
	clear(f.kept.denied)
	clear(f.kept.reports)
	for i := range 250 {
		name := string([]byte{'a' + byte(i/26), 'a' + byte(i%26)})
		f.kept.keys["k_"+name] = access.Key{ID: "k_" + name, Name: name, Scopes: access.Admin, CreatedAt: noon}
		f.kept.users["u_"+name] = access.User{ID: "u_" + name, Name: name, Role: access.Creator, CreatedAt: noon}
		f.kept.denied[name+".example"] = access.Denied{Host: name + ".example", CreatedAt: noon}
		f.kept.reports[name] = access.Report{Code: name, Reason: "x", Count: 1, CreatedAt: noon, UpdatedAt: noon}
	}
}

func TestListsArePagesOfAll(t *testing.T) {
	f := keeper(t)
	f.crowd()
	for path, id := range lists() {
		for query, size := range map[string]int{"": 20, "?limit=1": 1, "?limit=100": 100, "?limit=99": 99} {
			var seen []string
			cursor := ""
			for pages := 1; ; pages++ {
				asked := path + query
				if cursor != "" {
					asked += map[bool]string{true: "?", false: "&"}[query == ""] + "cursor=" + cursor
				}
				page := decode[struct {
					Data       []map[string]any `json:"data"`
					NextCursor *string          `json:"nextCursor"`
				}](t, f.do("GET", asked, ""), 200)
				for _, one := range page.Data {
					seen = append(seen, one[id].(string))
				}
				if page.NextCursor == nil {
					break
				}
				if cursor = *page.NextCursor; len(page.Data) != size || pages > 250 {
					t.Fatalf("%s: %d on page %d", asked, len(page.Data), pages)
				}
			}
			if len(seen) != 250 || !slices.IsSorted(seen) || len(slices.Compact(seen)) != 250 {
				t.Errorf("%s%s: saw %d", path, query, len(seen))
			}
		}
	}
}

func TestEmptyListsAreLists(t *testing.T) {
	f := keeper(t)
	f.kept = newFakeAuthority(f.service)
	f.config.Authority = Authority{Keys: f.kept, Users: f.kept, Denials: f.kept, Reports: f.kept}
	f.rewire()
	for path := range lists() {
		if got, want := strings.TrimSpace(f.do("GET", path, "").Body.String()), `{"data":[],"nextCursor":null}`; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestListsRefuseBadQueries(t *testing.T) {
	f := keeper(t)
	f.crowd()
	for path := range lists() {
		for query, element := range map[string]string{
			"limit=0": "limit", "limit=101": "limit", "limit=-1": "limit", "limit=x": "limit", "limit=": "limit", "limit=1.5": "limit", "limit=1&limit=2": "limit",
			"limit=99999999999999999999": "limit", "search=x": "search", "consistency=local": "consistency", "Limit=1": "Limit", "%zz": "",
		} {
			w := f.do("GET", path+"?"+query, "")
			if element == "" {
				f.refused(w, 422, v1.InvalidField)
				continue
			}
			f.refused(w, 422, v1.InvalidField, element)
		}
		own := *decode[v1.KeyPage](t, f.do("GET", path, ""), 200).NextCursor
		for other := range lists() {
			if other != path {
				f.refused(f.do("GET", other+"?cursor="+own, ""), 422, v1.InvalidCursor, "cursor")
			}
		}
		for _, cursor := range []string{"", "x", own + "x", own[1:], own[:len(own)-1], strings.Repeat("A", 600), "%00", strings.ToUpper(own)} {
			f.refused(f.do("GET", path+"?cursor="+cursor, ""), 422, v1.InvalidCursor, "cursor")
		}
	}
}

func TestWhatIsNotThereIsNotFoundByItsOwnName(t *testing.T) {
	f := keeper(t)
	long := strings.Repeat("x", 300)
	for path, says := range map[string]string{
		keysPath + "/": "no such key", usersPath + "/": "no such user", denyPath + "/": "not denied", reportsPath + "/": "not reported",
	} {
		for _, id := range []string{"missing", "root", "anonymous", "a.b", "%20", "%00", "%C3%BC", long, "-", "..%00"} {
			methods := []string{"DELETE"}
			if path == usersPath+"/" {
				methods = append(methods, "PATCH")
			}
			for _, method := range methods {
				if p := f.refused(f.do(method, path+id, `{}`), 404, v1.NotFound); !strings.Contains(p.Detail, says) {
					t.Errorf("%s %s%s: %q", method, path, id, p.Detail)
				}
			}
		}
	}
	if f.kept.changes != 0 {
		t.Error("something was changed")
	}
}

func TestErrorsOfTheAuthorityAreMapped(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		code   v1.Code
	}{
		{link.ErrUnauthorized, 401, v1.Unauthorized},
		{link.ErrForbidden, 403, v1.Forbidden},
		{link.ErrOverloaded, 503, v1.Overloaded},
		{link.ErrNoLeader, 503, v1.NoLeader},
		{link.ErrDiskFull, 507, v1.DiskFull},
		{link.ErrInvalidField, 422, v1.InvalidField},
		{errUnheardOf, 500, v1.Internal},
	} {
		f := keeper(t)
		f.service.fail, f.forced = &secretError{test.err}, true
		for _, o := range slices.Concat(keyOperations(), userOperations(), denialOperations(), reportOperations(), []operation{{"POST", reportPath, oneReport, 0}}) {
			w := f.do(o.method, o.path, o.body)
			if f.refused(w, test.status, test.code); strings.Contains(w.Body.String(), "10.0.0.2") {
				t.Errorf("%s %s leaks: %s", o.method, o.path, w.Body)
			}
		}
		if logged := strings.Contains(f.log.String(), "10.0.0.2"); logged != (test.status == 500) || f.kept.changes != 0 {
			t.Errorf("logged: %v, with status %d", logged, test.status)
		}
	}
}

func TestTheAuthorityIsAskedOnBehalfOfWhoCalls(t *testing.T) {
	for _, o := range slices.Concat(keyOperations(), userOperations(), denialOperations(), reportOperations()) {
		f := keeper(t, func(c *Config) { c.Authenticator = scopedKeys{"ann": access.Admin} })
		if w := f.do(o.method, o.path, o.body, "Authorization", "Bearer ann"); w.Code >= 300 || f.kept.by.ID != "id-of-ann" {
			t.Errorf("%s %s: status %d, asked by %+v", o.method, o.path, w.Code, f.kept.by)
		}
	}
}

func TestWithoutAnAuthorityThereAreNoSuchOperations(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Authority = Authority{} })
	f.forced = true
	for path := range lists() {
		f.refused(f.do("GET", path, ""), 404, v1.NotFound)
	}
	f.refused(f.do("POST", reportPath, oneReport), 404, v1.NotFound)
}

// FuzzObjects holds every object to its promises: whatever is sent, it is taken whole, or refused with a whole problem and nothing
// changed, and never a 500.
func FuzzObjects(f *testing.F) {
	for i, o := range writes() {
		f.Add(uint8(i), []byte(o.body))
		f.Add(uint8(i), []byte(`{"name":null,"scopes":["admin","admin"],"expiresIn":"1h","email":"a@b","role":"admin","host":"[::1]","reason":"\u00fc","shortCode":"seen"}`))
	}
	f.Add(uint8(0), []byte(`{"name":"x","scopes":["links:read"],"owner":"u_0123456789abcdef","expiresAt":"2031-01-01T00:00:00Z"}`))
	x, all := keeper(f, unhurried), writes()
	f.Add(uint8(3), []byte(`{"host":"BÜCHER.example.","reason":""}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		o := all[int(which)%len(all)]
		x.t, x.kept.changes = t, 0
		clear(x.kept.keys)
		clear(x.kept.users)
		clear(x.kept.denied)
		x.kept.fill()
		w := x.do(o.method, o.path, string(body))
		if w.Code >= 500 {
			t.Fatalf("%s %s: %q answered %d %s", o.method, o.path, body, w.Code, w.Body)
		}
		if w.Code >= 300 {
			if x.kept.changes != 0 {
				t.Fatalf("%s %s: %q was refused, and changed something", o.method, o.path, body)
			}
			x.refused(w, w.Code, decode[v1.Problem](t, w, w.Code).Code)
		}
	})
}

func TestObjectsTakeNoIdempotencyKey(t *testing.T) {
	for _, o := range writes() {
		f := keeper(t)
		header := http.Header{"Idempotency-Key": {strings.Repeat("x", 300)}}
		if w := f.doWith(o.method, o.path, o.body, header); w.Code >= 300 {
			t.Errorf("%s %s: status %d", o.method, o.path, w.Code)
		}
	}
}
