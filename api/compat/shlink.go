package compat

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

const (
	// ShlinkRoot is where Shlink's REST API is; of its versions the third is spoken.
	ShlinkRoot = "/rest"
	shlinkBase = ShlinkRoot + "/v3"
	// shlinkVersion is the version of Shlink by which clients know what they may ask for: the last before redirect rules for devices.
	shlinkVersion = "3.4.0"
)

// shlink answers as Shlink does.
type shlink struct{ site site }

// shlinkServe serves one call; query is its parsed query.
type shlinkServe func(ctx context.Context, s Service, asked shlinkAsked) (Answer, error)

// shlinkAsked is what a call asks for, beside what its path says.
type shlinkAsked struct {
	code  string
	query url.Values
	body  []byte
}

func (h shlink) operations() []Operation {
	one, tags := shlinkBase+"/short-urls/:code", shlinkBase+"/tags"
	all := []Operation{
		{Method: http.MethodGet, Path: shlinkBase + "/short-urls", read: h.reader(access.LinksRead, h.list)},
		{Method: http.MethodPost, Path: shlinkBase + "/short-urls", TakesBody: true, read: h.reader(access.LinksCreate, h.create)},
		{Method: http.MethodGet, Path: one, read: h.reader(access.LinksRead, h.get)},
		{Method: http.MethodPatch, Path: one, TakesBody: true, read: h.reader(access.LinksWrite, h.edit)},
		{Method: http.MethodDelete, Path: one, read: h.reader(access.LinksWrite, h.delete)},
		{Method: http.MethodGet, Path: tags, read: h.reader(access.LinksRead, h.tags)},
		{Method: http.MethodGet, Path: tags + "/stats", read: h.reader(access.LinksRead, h.tagStats)},
		{Method: http.MethodPut, Path: tags, TakesBody: true, read: h.reader(access.LinksWrite, h.never("tags are those that links have: they cannot be renamed by themselves"))},
		{Method: http.MethodDelete, Path: tags, read: h.reader(access.LinksWrite, h.never("tags are those that links have: they cannot be deleted by themselves"))},
	}
	noVisits := h.never("single visits are not kept; a short URL shows how many it had as its visitsSummary")
	for _, path := range []string{one + "/visits", shlinkBase + "/tags/:tag/visits", shlinkBase + "/visits", shlinkBase + "/visits/orphan", shlinkBase + "/visits/non-orphan"} {
		all = append(all, Operation{Method: http.MethodGet, Path: path, read: h.reader(access.StatsRead, noVisits)})
	}
	for _, path := range []string{ShlinkRoot + "/health", shlinkBase + "/health"} {
		all = append(all, Operation{Method: http.MethodGet, Path: path, Open: true, read: h.reader(access.AnyKey, h.health)})
	}
	return all
}

// reader makes the calls of one operation.
func (h shlink) reader(scope access.Scopes, serve shlinkServe) func(Request) Call {
	return func(r Request) Call {
		return Call{
			Scope: scope, Refuse: h.refuse(r),
			Serve: func(ctx context.Context, s Service, body []byte) (Answer, error) {
				query, err := url.ParseQuery(r.Query)
				if err != nil {
					return Answer{}, invalid("the query could not be read")
				}
				return serve(ctx, s, shlinkAsked{code: r.Code, query: query, body: body})
			},
		}
	}
}

// never refuses what cannot be done.
func (h shlink) never(why string) shlinkServe {
	return func(context.Context, Service, shlinkAsked) (Answer, error) { return Answer{}, unsupported(why) }
}

func (h shlink) create(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	wanted, err := h.translate(asked.body, true)
	if err != nil {
		return Answer{}, err
	}
	made, _, err := s.Create(ctx, wanted)
	return shownShortURL(made, err)
}

func (h shlink) get(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	if err := h.checkDomain(asked.query); err != nil {
		return Answer{}, err
	}
	return shownShortURL(s.Get(ctx, asked.code))
}

func (h shlink) edit(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	if err := h.checkDomain(asked.query); err != nil {
		return Answer{}, err
	}
	wanted, err := h.translate(asked.body, false)
	if err != nil {
		return Answer{}, err
	}
	return shownShortURL(s.Edit(ctx, asked.code, wanted))
}

func (h shlink) delete(ctx context.Context, s Service, asked shlinkAsked) (Answer, error) {
	if err := h.checkDomain(asked.query); err != nil {
		return Answer{}, err
	}
	if err := s.Delete(ctx, asked.code); err != nil {
		return Answer{}, err
	}
	return Answer{Status: http.StatusNoContent}, nil
}

// checkDomain refuses short URLs of other domains: there are none.
func (h shlink) checkDomain(query url.Values) error {
	if domain := query.Get("domain"); domain != "" && domain != defaultDomain && !h.site.isOwn(domain) {
		return &Refusal{v1.Problem{Status: http.StatusNotFound, Code: v1.NotFound, Detail: "there is no such domain"}}
	}
	return nil
}

// defaultDomain is Shlink's word for the domain that needs no name.
const defaultDomain = "DEFAULT"

// shlinkHealth is what /rest/health tells.
type shlinkHealth struct {
	Status  string            `json:"status"`
	Version string            `json:"version"`
	Links   map[string]string `json:"links"`
}

// health says whether this node serves, to anybody.
func (h shlink) health(ctx context.Context, s Service, _ shlinkAsked) (Answer, error) {
	status, verdict := http.StatusOK, "pass"
	if !s.Ready(ctx) {
		status, verdict = http.StatusServiceUnavailable, "fail"
	}
	return asJSON(status, shlinkHealth{verdict, shlinkVersion, map[string]string{"about": h.site.root, "project": h.site.root + "/docs"}})
}

// shortURL is a link as Shlink shows it.
type shortURL struct {
	ShortCode        string        `json:"shortCode"`
	ShortURL         string        `json:"shortUrl"`
	LongURL          string        `json:"longUrl"`
	DateCreated      string        `json:"dateCreated"`
	Tags             []string      `json:"tags"`
	Meta             shortURLMeta  `json:"meta"`
	Domain           *string       `json:"domain"` // always the default one
	Title            *string       `json:"title"`
	Crawlable        bool          `json:"crawlable"` // never
	ForwardQuery     bool          `json:"forwardQuery"`
	VisitsSummary    visitsSummary `json:"visitsSummary"`
	HasRedirectRules bool          `json:"hasRedirectRules"` // never
}

type shortURLMeta struct {
	ValidSince *string `json:"validSince"`
	ValidUntil *string `json:"validUntil"`
	MaxVisits  *uint64 `json:"maxVisits"`
}

type visitsSummary struct {
	Total   uint64 `json:"total"`
	NonBots uint64 `json:"nonBots"`
	Bots    uint64 `json:"bots"`
}

func shortURLOf(l *v1.Link) shortURL {
	return shortURL{
		ShortCode: l.ShortCode, ShortURL: l.ShortURL, LongURL: l.LongURL,
		DateCreated:  shlinkTime(l.CreatedAt.Time),
		Tags:         l.Tags,
		Meta:         shortURLMeta{shlinkMoment(l.ValidSince), shlinkMoment(l.ValidUntil), l.MaxVisits},
		Title:        given(l.Title),
		ForwardQuery: l.ForwardQuery,
		VisitsSummary: visitsSummary{
			l.Visits.Total, l.Visits.NonBots, l.Visits.Bots,
		},
	}
}

// shlinkTime is a moment as Shlink writes it, whole seconds in UTC.
func shlinkTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-07:00") }

func shlinkMoment(t *v1.Time) *string {
	if t == nil {
		return nil
	}
	text := shlinkTime(t.Time)
	return &text
}

// given is a text, or nil for none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func shownShortURL(l *v1.Link, err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	return asJSON(http.StatusOK, shortURLOf(l))
}

func asJSON(status int, body any) (Answer, error) {
	content, err := json.Marshal(body)
	return Answer{Status: status, MediaType: "application/json", Content: content}, err
}

// shlinkProblem is a refusal of Shlink's. Type and title are what programs know it by.
type shlinkProblem struct {
	Title           string   `json:"title"`
	Type            string   `json:"type"`
	Detail          string   `json:"detail"`
	Status          int      `json:"status"`
	InvalidElements []string `json:"invalidElements,omitempty"`
	ShortCode       string   `json:"shortCode,omitempty"`
	CustomSlug      string   `json:"customSlug,omitempty"`
	ExpectedTypes   []string `json:"expectedTypes,omitempty"`
}

// refuse gives the shape of refusals of one request.
func (h shlink) refuse(r Request) func(v1.Problem) Answer {
	return func(p v1.Problem) Answer {
		told := shlinkProblemOf(p, r)
		answer, err := asJSON(told.Status, told)
		if err != nil {
			return Answer{Status: told.Status}
		}
		answer.MediaType = v1.ProblemType
		return answer
	}
}

// shlinkProblemOf puts a problem into Shlink's words. What Shlink has none for keeps this service's own.
func shlinkProblemOf(p v1.Problem, r Request) shlinkProblem {
	told := shlinkProblem{Title: p.Title, Type: p.Type, Detail: p.Detail, Status: statusOf(p), InvalidElements: p.InvalidElements}
	word := func(title, name string) {
		told.Title, told.Type = title, "https://shlink.io/api/error/"+name
	}
	switch p.Code {
	case v1.InvalidJSON:
		word("Malformed request body", "malformed-request-body")
		if len(p.InvalidElements) > 0 {
			word("Invalid data", "invalid-data")
		}
	case v1.InvalidURL, v1.InvalidSlug, v1.SlugReserved, v1.InvalidField:
		word("Invalid data", "invalid-data")
		told.Detail = "Provided data is not valid: " + p.Detail
	case v1.TargetDenied:
		word("Invalid URL", "invalid-url")
	case v1.SlugTaken:
		told.Status = http.StatusBadRequest
		word("Invalid custom slug", "non-unique-slug")
		told.Detail = "Provided slug is already in use."
	case v1.NotFound, v1.Gone:
		told.Status = http.StatusNotFound
		if r.Code == "" {
			word("Not found", "not-found")
			break
		}
		word("Short URL not found", "short-url-not-found")
		told.Detail, told.ShortCode = `No URL found with short code "`+clip(r.Code)+`"`, clip(r.Code)
	case v1.Unauthorized:
		if r.Keyed {
			word("Invalid API key", "invalid-api-key")
			told.Detail = "Provided API key does not exist or is invalid."
			break
		}
		word("Invalid authorization", "missing-authentication")
		told.Detail = `Expected one of the following authentication headers, ["X-Api-Key", "Authorization"], but none were provided`
		told.ExpectedTypes = []string{"X-Api-Key", "Authorization"}
	case v1.MethodNotAllowed:
		word("Method not allowed", "method-not-allowed")
	}
	if told.Type == "" {
		told.Title, told.Type = strings.ReplaceAll(string(p.Code), "_", " "), "urn:tinyurl:problem:"+string(p.Code)
	}
	return told
}
