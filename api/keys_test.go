package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const (
	keysPath   = "/api/v1/keys"
	oneKeyBody = `{"name":"ci","scopes":["links:create"]}`
)

func keyOperations() []operation {
	return []operation{
		{"POST", keysPath, oneKeyBody, access.Admin},
		{"GET", keysPath, "", access.Admin},
		{"DELETE", keysPath + "/" + someKey, "", access.Admin},
	}
}

func TestAKeyIsShownOnceAndKeptAsAHash(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", keysPath, `{"name":" ci ü"}`)
	f.refused(w, 422, v1.InvalidField, "name")
	w = f.do("POST", keysPath, `{"name":"ci ü","scopes":["links:create","stats:read"],"owner":"`+someUser+`","expiresIn":"24h"}`)
	made := decode[v1.Key](t, w, 201)
	if !regexp.MustCompile(`^tu_[A-Za-z0-9_-]{43}$`).MatchString(made.Key) || !regexp.MustCompile(`^k_[A-Za-z0-9_-]{16}$`).MatchString(made.ID) {
		t.Errorf("key %q, id %q", made.Key, made.ID)
	}
	if w.Header().Get("Location") != keysPath+"/"+made.ID || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", w.Header())
	}
	if made.Name != "ci ü" || strings.Join(made.Scopes, " ") != "links:create stats:read" || *made.Owner != someUser ||
		!made.CreatedAt.Equal(noon) || !made.ExpiresAt.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("%+v", made)
	}
	kept := f.kept.keys[made.ID]
	if hash, ok := access.HashOf(made.Key); !ok || kept.Hash != hash || kept.Scopes != access.LinksCreate|access.StatsRead || kept.Owner != someUser {
		t.Errorf("kept %+v", kept)
	}
	all := f.do("GET", keysPath, "").Body.String()
	if strings.Contains(all, made.Key) || strings.Contains(all, `"key"`) || !strings.Contains(all, made.ID) {
		t.Errorf("the list shows %s", all)
	}
	if again := decode[v1.Key](t, f.do("POST", keysPath, oneKeyBody), 201); again.Key == made.Key || again.ID == made.ID {
		t.Error("two keys are alike")
	}
}

func TestAKeyOfNobodysWithoutAnEndSaysSo(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{oneKeyBody, `{"name":"ci","scopes":["links:create"],"owner":null,"expiresAt":null,"expiresIn":null}`} {
		var made map[string]any
		if err := json.Unmarshal(f.do("POST", keysPath, body).Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"owner", "expiresAt"} {
			if value, there := made[name]; !there || value != nil {
				t.Errorf("%s: %v", name, value)
			}
		}
	}
}

func TestKeysComeFromTheRandomnessGiven(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Authority.Random = bytes.NewReader(make([]byte, 44)) })
	made := decode[v1.Key](t, f.do("POST", keysPath, oneKeyBody), 201)
	if made.Key != "tu_"+strings.Repeat("A", 43) || made.ID != "k_"+strings.Repeat("A", 16) {
		t.Errorf("%+v", made)
	}
	// It is used up: no key is better than a weak one.
	f.forced = true
	f.refused(f.do("POST", keysPath, oneKeyBody), 500, v1.Internal)
	f.refused(f.do("POST", usersPath, oneUser), 500, v1.Internal)
	if f.kept.changes != 1 {
		t.Errorf("%d changes", f.kept.changes)
	}
	for _, short := range []int{0, 31, 32, 43} {
		random := io.MultiReader(bytes.NewReader(make([]byte, short)), iotest.ErrReader(errors.New("no more")))
		f := newFixture(t, func(c *Config) { c.Authority.Random = random })
		f.forced = true
		f.refused(f.do("POST", keysPath, oneKeyBody), 500, v1.Internal)
		if f.kept.changes != 0 {
			t.Errorf("a key was made of %d bytes", short)
		}
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	with := func(more string) string { return `{"name":"ci","scopes":["links:create"],` + more + `}` }
	for name, test := range map[string]struct {
		body     string
		elements []string
	}{
		"nothing":                {`{}`, []string{"name"}},
		"no name":                {`{"scopes":["admin"]}`, []string{"name"}},
		"null name":              {`{"name":null,"scopes":["admin"]}`, []string{"name"}},
		"empty name":             {`{"name":"","scopes":["admin"]}`, []string{"name"}},
		"long name":              {`{"name":"` + strings.Repeat("x", access.MaxName+1) + `","scopes":["admin"]}`, []string{"name"}},
		"long name in bytes":     {`{"name":"` + strings.Repeat("ü", access.MaxName/2+1) + `","scopes":["admin"]}`, []string{"name"}},
		"control character":      {`{"name":"a\u0000b","scopes":["admin"]}`, []string{"name"}},
		"space at an end":        {`{"name":"ci ","scopes":["admin"]}`, []string{"name"}},
		"no scopes":              {`{"name":"ci"}`, []string{"scopes"}},
		"null scopes":            {`{"name":"ci","scopes":null}`, []string{"scopes"}},
		"empty scopes":           {`{"name":"ci","scopes":[]}`, []string{"scopes"}},
		"unknown scope":          {`{"name":"ci","scopes":["links:create","links:eat"]}`, []string{"scopes"}},
		"scope in capitals":      {`{"name":"ci","scopes":["ADMIN"]}`, []string{"scopes"}},
		"empty scope":            {`{"name":"ci","scopes":[""]}`, []string{"scopes"}},
		"too many scopes":        {`{"name":"ci","scopes":["admin","admin","admin","admin","admin","admin"]}`, []string{"scopes"}},
		"endless scopes":         {`{"name":"ci","scopes":["admin"` + strings.Repeat(`,"admin"`, 50_000) + `]}`, []string{"scopes"}},
		"unknown owner":          {with(`"owner":"u_nobody"`), []string{"owner"}},
		"empty owner":            {with(`"owner":""`), []string{"owner"}},
		"root for an owner":      {with(`"owner":"root"`), []string{"owner"}},
		"owner that is none":     {with(`"owner":"a b"`), []string{"owner"}},
		"long owner":             {with(`"owner":"` + strings.Repeat("u", access.MaxID+1) + `"`), []string{"owner"}},
		"both ends":              {with(`"expiresAt":"2031-01-01T00:00:00Z","expiresIn":"1h"`), []string{"expiresAt", "expiresIn"}},
		"an end that is over":    {with(`"expiresAt":"2030-01-31T12:00:00Z"`), []string{"expiresAt"}},
		"an end that is now":     {with(`"expiresAt":"2030-01-31T12:00:00.123Z"`), []string{"expiresAt"}},
		"an end that is no time": {with(`"expiresAt":"tomorrow"`), []string{"expiresAt"}},
		"an end without a zone":  {with(`"expiresAt":"2031-01-01T00:00:00"`), []string{"expiresAt"}},
		"an empty end":           {with(`"expiresAt":""`), []string{"expiresAt"}},
		"an end too far":         {with(`"expiresAt":"10000-01-01T00:00:00Z"`), []string{"expiresAt"}},
		"a short life":           {with(`"expiresIn":"999ms"`), []string{"expiresIn"}},
		"a negative life":        {with(`"expiresIn":"-1h"`), []string{"expiresIn"}},
		"no life":                {with(`"expiresIn":""`), []string{"expiresIn"}},
		"a life in days":         {with(`"expiresIn":"1d"`), []string{"expiresIn"}},
		"an endless life":        {with(`"expiresIn":"9999999h"`), []string{"expiresIn"}},
	} {
		f := newFixture(t)
		w := f.do("POST", keysPath, test.body)
		if w.Code != 422 {
			t.Errorf("%s: status %d", name, w.Code)
			continue
		}
		f.refused(w, 422, v1.InvalidField, test.elements...)
		if f.kept.changes != 0 || len(f.kept.drafts) != 0 && name != "unknown owner" {
			t.Errorf("%s: %+v was asked for", name, f.kept.drafts)
		}
	}
}

// The leader's clock may be ahead of this node's, so it may be the end that it refuses, and not the owner.
func TestOfAKeyAllIsNamedThatTheClusterMayHaveRefused(t *testing.T) {
	const end = `"expiresAt":"2031-01-01T00:00:00Z"`
	for more, elements := range map[string][]string{
		`"owner":"` + someUser + `"`:           {"owner"},
		`"owner":"` + someUser + `",` + end:    {"owner", "expiresAt"},
		end:                                    {"expiresAt"},
		`"owner":"u_nobody",` + end:            {"owner", "expiresAt"},
		`"owner":"u_nobody","expiresIn":"24h"`: {"owner"},
	} {
		f := newFixture(t)
		f.service.fail = link.ErrInvalidField
		f.refused(f.do("POST", keysPath, `{"name":"ci","scopes":["links:create"],`+more+`}`), 422, v1.InvalidField, elements...)
	}
}

func TestAKeyMadeByAUsersKeyIsTheirs(t *testing.T) {
	const other = "u_other"
	for by, test := range map[string]struct{ more, want string }{
		"ann":     {``, someUser},
		"ann, -":  {`,"owner":null`, someUser},
		"ann, to": {`,"owner":"` + other + `"`, other},
		"nobody":  {``, ""},
		"no, to":  {`,"owner":"` + someUser + `"`, someUser},
	} {
		owner := ""
		if strings.HasPrefix(by, "ann") {
			owner = someUser
		}
		f := newFixture(t, func(c *Config) { c.Authenticator = &fickle{owner: owner} })
		f.kept.users[other] = access.User{ID: other}
		made := decode[v1.Key](t, f.do("POST", keysPath, `{"name":"ci","scopes":["links:create"]`+test.more+`}`), 201)
		if kept := f.kept.drafts[0].Owner; kept != test.want || (made.Owner == nil) != (test.want == "") || made.Owner != nil && *made.Owner != test.want {
			t.Errorf("%s: owner %q, want %q, told %v", by, kept, test.want, made.Owner)
		}
	}
}

func TestKeysAreTakenToTheirLimits(t *testing.T) {
	for name, body := range map[string]string{
		"longest name":  `{"name":"` + strings.Repeat("x", access.MaxName) + `","scopes":["admin"]}`,
		"all scopes":    `{"name":"ci","scopes":["links:create","links:read","links:write","stats:read","admin"]}`,
		"a scope twice": `{"name":"ci","scopes":["admin","admin"]}`,
		"shortest life": `{"name":"ci","scopes":["admin"],"expiresIn":"1s"}`,
		"nearest end":   `{"name":"ci","scopes":["admin"],"expiresAt":"2030-01-31T12:00:00.124Z"}`,
		"escaped name":  `{"n\u0061me":"ci","scopes":["admin"]}`,
	} {
		if w := newFixture(t).do("POST", keysPath, body); w.Code != 201 {
			t.Errorf("%s: status %d %s", name, w.Code, w.Body)
		}
	}
}

func TestAKeyIsRevoked(t *testing.T) {
	f := newFixture(t)
	if w := f.do("DELETE", keysPath+"/"+someKey, ""); w.Code != 204 || w.Body.Len() != 0 || len(f.kept.keys) != 0 {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	f.refused(f.do("DELETE", keysPath+"/"+someKey, ""), 404, v1.NotFound)
}
