package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// shortAnswers forgets one answer of each call.
type shortAnswers struct{ Links }

func (s shortAnswers) Create(ctx context.Context, by access.Holder, drafts []link.Draft) ([]Made, error) {
	made, err := s.Links.Create(ctx, by, drafts)
	return made[1:], err
}

const oneLink = `{"longUrl":"https://example.com"}`

func TestIdempotencyKeysReachTheService(t *testing.T) {
	f := newFixture(t)
	decode[v1.Link](t, f.do("POST", links, oneLink, "Idempotency-Key", "order 66"), http.StatusCreated)
	once := f.service.drafts[0].Once
	if once == nil || once.Scope != access.Root || once.Key != "order 66" || once.Row != 0 || once.Body == [32]byte{} {
		t.Fatalf("once %+v", once)
	}
	decode[v1.Link](t, f.do("POST", links, oneLink), http.StatusCreated)
	if f.service.drafts[1].Once != nil {
		t.Error("a request without a key has an identity")
	}
}

func TestRowsOfABulkHaveTheirOwnNumbers(t *testing.T) {
	f := newFixture(t)
	body := `{"links":[{"url":"https://a.example"},{"url":""},{"url":"https://c.example"}]}`
	decode[v1.Results](t, f.do("POST", bulk, body, "Idempotency-Key", "k"), http.StatusOK)
	first, second := f.service.drafts[0].Once, f.service.drafts[1].Once
	if first.Row != 0 || second.Row != 2 {
		t.Errorf("rows %d and %d, want 0 and 2: a row keeps its number whatever became of the others", first.Row, second.Row)
	}
	if first.Body != second.Body || first.Key != "k" {
		t.Errorf("%+v, %+v", first, second)
	}
}

func TestABodyIsToldFromAnother(t *testing.T) {
	f := newFixture(t)
	seen := make(map[[32]byte]string)
	for _, request := range []struct{ path, body string }{
		{links, oneLink},
		{links, oneLink + " "},
		{links, `{"longUrl":"https://example.org"}`},
		{bulk, `{"links":[` + oneLink + `]}`},
	} {
		f.service.drafts, f.service.once = nil, map[string]link.Once{}
		f.do("POST", request.path, request.body, "Idempotency-Key", "k")
		body := f.service.drafts[0].Once.Body
		if before, ok := seen[body]; ok {
			t.Errorf("%v hashes like %s", request, before)
		}
		seen[body] = request.body
	}
}

func TestAKeyUsedForSomethingElseIsRefused(t *testing.T) {
	f := newFixture(t)
	decode[v1.Link](t, f.do("POST", links, oneLink, "Idempotency-Key", "k"), http.StatusCreated)
	f.refused(f.do("POST", links, `{"longUrl":"https://example.org"}`, "Idempotency-Key", "k"), 422, v1.KeyReused, "Idempotency-Key")
	f.refused(f.do("POST", bulk, rowsBody(3), "Idempotency-Key", "k"), 422, v1.KeyReused, "Idempotency-Key")
}

func TestKeysOfTwoPrincipalsAreStrangers(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Authenticator = scopedKeys{"ann": access.LinksCreate, "bob": access.LinksCreate} })
	for _, key := range []string{"ann", "bob"} {
		f.do("POST", links, oneLink, "Authorization", "Bearer "+key, "Idempotency-Key", "k")
	}
	if a, b := f.service.drafts[0].Once.Scope, f.service.drafts[1].Once.Scope; a != "id-of-ann" || b != "id-of-bob" {
		t.Errorf("scopes %q and %q", a, b)
	}
}

func TestUnusableKeysAreRefused(t *testing.T) {
	for name, keys := range map[string][]string{
		"empty":         {""},
		"256 bytes":     {strings.Repeat("k", 256)},
		"tab":           {"a\tb"},
		"not ASCII":     {"schlüssel"},
		"two":           {"a", "b"},
		"twice the one": {"a", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for _, path := range []string{links, bulk} {
				body := oneLink
				if path == bulk {
					body = rowsBody(1)
				}
				w := f.doWith("POST", path, body, http.Header{"Idempotency-Key": keys})
				f.refused(w, 422, v1.InvalidField, "Idempotency-Key")
			}
			if len(f.service.drafts) != 0 {
				t.Error("a link was asked for")
			}
		})
	}
	f := newFixture(t)
	decode[v1.Link](t, f.do("POST", links, oneLink, "Idempotency-Key", strings.Repeat("k", 255)), http.StatusCreated)
}

// A link that lived for a minute may be asked for again, under its key, when the minute is over: the answer is the same.
func TestARetryMayAskForATimeThatIsOver(t *testing.T) {
	for until, status := range map[string]int{
		"2030-01-31T11:59:00Z":     http.StatusCreated,
		"2030-01-30T12:00:00.124Z": http.StatusCreated,
		"2030-01-30T12:00:00.123Z": http.StatusUnprocessableEntity, // no key is remembered as long
	} {
		body := `{"longUrl":"https://example.com","validUntil":"` + until + `"}`
		if w := newFixture(t).do("POST", links, body, "Idempotency-Key", "k"); w.Code != status {
			t.Errorf("%s: status %d, want %d", until, w.Code, status)
		}
		f := newFixture(t)
		f.refused(f.do("POST", links, body), 422, v1.InvalidField, "validUntil")
	}
}

// sameLink makes the same link for every draft.
type sameLink struct{ Links }

func (sameLink) Create(_ context.Context, _ access.Holder, drafts []link.Draft) ([]Made, error) {
	return []Made{{Link: link.Link{Code: "abcdefg", Fields: link.Fields{Target: drafts[0].Target}, CreatedAt: noon, UpdatedAt: noon, Version: 1}}}, nil
}
