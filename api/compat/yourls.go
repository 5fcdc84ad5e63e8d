package compat

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// yourlsPath is YOURLS' one entry; what is asked for is its parameter "action". The shapes are those of version 1.9.
const yourlsPath = "/yourls-api.php"

// yourls answers as YOURLS does.
type yourls struct{ site site }

func (y yourls) operations() []Operation {
	return []Operation{
		{Method: http.MethodGet, Path: yourlsPath, Form: true, read: y.read},
		{Method: http.MethodPost, Path: yourlsPath, Form: true, read: y.read},
	}
}

// yourlsAction is one of the actions.
type yourlsAction struct {
	scope   access.Scopes
	creates bool
	serve   func(y yourls, ctx context.Context, s Service, p parameters, keyed bool) (record, error)
	// refuse is the shape of its refusals.
	refuse func(p parameters, problem v1.Problem) record
}

// yourlsActionOf gives the action of a name; one that asks for a key alone, and is refused, for a name that is none.
func yourlsActionOf(name string) yourlsAction {
	switch name {
	case "shorturl":
		return yourlsAction{scope: access.LinksCreate, creates: true, serve: yourls.shortURL, refuse: refuseShortURL}
	case "expand":
		return yourlsAction{scope: access.LinksRead, serve: yourls.expand, refuse: refuseExpand}
	case "url-stats":
		return yourlsAction{scope: access.LinksRead, serve: yourls.linkStats, refuse: refuseLinkStats}
	case "stats":
		return yourlsAction{scope: access.LinksRead, serve: yourls.stats, refuse: refuseOther}
	case "db-stats":
		return yourlsAction{scope: access.LinksRead, serve: yourls.totals, refuse: refuseOther}
	}
	return yourlsAction{scope: access.AnyKey, serve: yourls.unknown, refuse: refuseOther}
}

// read reads the action, the format and the key.
func (y yourls) read(r Request) Call {
	p := readParameters(r)
	action := yourlsActionOf(p.get("action"))
	format := yourlsFormatOf(p)
	if p.err == nil && format == "jsonp" && !validCallback(p.get("callback")) {
		// YOURLS does what was asked for before it says so.
		p.err = invalid("Invalid callback parameter", "callback")
	}
	key := yourlsKey(p)
	return Call{
		Key: key, Credentials: p.credentials(), Scope: action.scope, Creates: action.creates,
		Serve: func(ctx context.Context, s Service, _ []byte) (Answer, error) {
			if p.err != nil {
				return Answer{}, p.err
			}
			answer, err := action.serve(y, ctx, s, p, r.Keyed || key != "")
			if err != nil {
				return Answer{}, err
			}
			return encodeYOURLS(format, p.get("callback"), answer)
		},
		Refuse: func(problem v1.Problem) Answer {
			answer := refuseYOURLS(action, p, problem)
			written, err := encodeYOURLS(format, p.get("callback"), answer)
			if err != nil {
				return Answer{Status: problem.Status}
			}
			written.Code = problem.Code
			return written
		},
	}
}

// yourlsKey is the signature, which is the key itself. That of YOURLS' time-limited signatures is a hash of a secret, and none.
func yourlsKey(p parameters) string {
	if p.get("timestamp") != "" || p.get("hash") != "" {
		return ""
	}
	return p.get("signature")
}

// refuseYOURLS tells what is common to all actions, and leaves the rest to them.
func refuseYOURLS(action yourlsAction, p parameters, problem v1.Problem) record {
	switch problem.Code {
	case v1.Unauthorized:
		why := whyNoKey(p)
		return record{{"message", why}, {"errorCode", http.StatusForbidden}, {simple, why}}
	case v1.Forbidden:
		return refuseOther(p, problem)
	}
	return action.refuse(p, problem)
}

// whyNoKey says why somebody is not known, which the ways in that YOURLS has, and this service has not, explain.
func whyNoKey(p parameters) string {
	switch {
	case p.get("timestamp") != "" || p.get("hash") != "":
		return "Time-limited signatures are not supported, since keys are kept as hashes: give the API key itself as signature, or in the header X-Api-Key"
	case p.get("username") != "" || p.get("password") != "":
		return "User names and passwords are not supported: give an API key as signature, or in the header X-Api-Key"
	case p.get("signature") != "":
		return "Invalid signature: it must be a valid API key"
	}
	return "Please log in: give an API key as signature, or in the header X-Api-Key"
}

// shortURL makes a link. Where no keyword is chosen, a URL that the caller has shortened already is refused as YOURLS refuses it by
// default: with the short URL that it has.
func (y yourls) shortURL(ctx context.Context, s Service, p parameters, keyed bool) (record, error) {
	want := v1.CreateLink{LongURL: p.get("url"), CustomSlug: p.get("keyword"), Title: p.get("title")}
	if want.LongURL == "" {
		return nil, &Refusal{v1.Problem{Status: http.StatusUnprocessableEntity, Code: v1.InvalidURL, Detail: "url is missing"}}
	}
	made, found, err := shorten(ctx, s, want, keyed)
	if err != nil {
		return nil, err
	}
	about := record{{"keyword", made.ShortCode}, {"url", made.LongURL}, {"title", made.Title}, {"date", yourlsTime(made)}, {"ip", ""}}
	if found {
		about = append(about, field{"clicks", count(made.Visits.Total)})
		_, place, _ := strings.Cut(made.ShortURL, "://")
		return record{
			{"status", "fail"},
			{"code", "error:url"},
			{"message", shortened(made.LongURL) + " already exists in database (short URL: " + place + ")"},
			{"errorCode", "400"},
			{"statusCode", "400"},
			{"url", about},
			{"title", made.Title},
			{"shorturl", made.ShortURL},
			{simple, made.ShortURL},
		}, nil
	}
	return record{
		{"status", "success"},
		{"code", ""},
		{"message", shortened(made.LongURL) + " added to database"},
		{"errorCode", ""},
		{"statusCode", http.StatusOK},
		{"url", about},
		{"title", made.Title},
		{"shorturl", made.ShortURL},
		{simple, made.ShortURL},
	}, nil
}

// refuseShortURL tells why there is no link.
func refuseShortURL(p parameters, problem v1.Problem) record {
	code, message := "error:"+string(problem.Code), problem.Detail
	switch problem.Code {
	case v1.InvalidURL:
		code, message = "error:nourl", "Missing or malformed URL: "+problem.Detail
	case v1.SlugTaken, v1.SlugReserved:
		code, message = "error:keyword", "Short URL "+clip(p.get("keyword"))+" already exists in database or is reserved"
	case v1.InvalidSlug:
		code = "error:keyword"
	}
	status := statusOf(problem)
	if problem.Code == v1.SlugTaken {
		status = http.StatusBadRequest
	}
	return record{
		{"status", "fail"},
		{"code", code},
		{"message", message},
		{"errorCode", strconv.Itoa(status)},
		{"statusCode", strconv.Itoa(status)},
		{simple, ""}, // whoever reads plain text takes all that comes for a short URL
	}
}

// expand gives the URL behind a short one.
func (y yourls) expand(ctx context.Context, s Service, p parameters, _ bool) (record, error) {
	l, err := y.get(ctx, s, p)
	if err != nil {
		return nil, err
	}
	return record{
		{"keyword", l.ShortCode},
		{"shorturl", l.ShortURL},
		{"longurl", l.LongURL},
		{"title", l.Title},
		{"message", "success"},
		{"statusCode", http.StatusOK},
		{simple, l.LongURL},
	}, nil
}

// get reads the link that the parameter shorturl names, by its code or whole.
func (y yourls) get(ctx context.Context, s Service, p parameters) (*v1.Link, error) {
	return s.Get(ctx, y.site.codeOf(p.get("shorturl")))
}

func refuseExpand(p parameters, problem v1.Problem) record {
	if missing(problem) {
		return record{{"keyword", clip(p.get("shorturl"))}, {simple, "not found"}, {"message", notFoundMessage}, {"errorCode", http.StatusNotFound}}
	}
	return refuseOther(p, problem)
}

const notFoundMessage = "Error: short URL not found"

// missing reports whether a problem is that there is no link. A deleted one is none, as in YOURLS.
func missing(problem v1.Problem) bool { return problem.Code == v1.NotFound || problem.Code == v1.Gone }

// linkStats tells how often a link was followed.
func (y yourls) linkStats(ctx context.Context, s Service, p parameters, _ bool) (record, error) {
	l, err := y.get(ctx, s, p)
	if err != nil {
		return nil, err
	}
	return record{{"statusCode", http.StatusOK}, {"message", "success"}, {"link", yourlsLink(l)}, onlyRecords}, nil
}

// onlyRecords is what YOURLS answers to those who ask for statistics as plain text.
var onlyRecords = field{simple, "Need either XML or JSON format for stats"}

func refuseLinkStats(p parameters, problem v1.Problem) record {
	if missing(problem) {
		return record{{"statusCode", http.StatusNotFound}, {"message", notFoundMessage}, onlyRecords}
	}
	return refuseOther(p, problem)
}

// yourlsLink is a link as statistics show it. Who made it from where is not kept.
func yourlsLink(l *v1.Link) record {
	return record{
		{"shorturl", l.ShortURL}, {"url", l.LongURL}, {"title", l.Title}, {"timestamp", yourlsTime(l)}, {"ip", ""}, {"clicks", count(l.Visits.Total)},
	}
}

// stats lists links. Only the newest ones can be told: no order by visits is kept.
func (y yourls) stats(ctx context.Context, s Service, p parameters, _ bool) (record, error) {
	limit, err := wholeNumber(p, "limit", MaxItems)
	if err != nil {
		return nil, err
	}
	start, err := wholeNumber(p, "start", maxDepth)
	if err != nil {
		return nil, err
	}
	if filter := p.get("filter"); limit > 0 && filter != "last" {
		return nil, unsupported("only filter=last is supported: links are not kept in an order of their clicks", "filter")
	}
	var answer record
	if limit > 0 {
		found, err := walkLinks(ctx, s, url.Values{}, start, start+limit)
		if err != nil {
			return nil, err
		}
		links := make(record, len(found.items))
		for i, l := range found.items {
			links[i] = field{"link_" + strconv.Itoa(i+1), yourlsLink(l)}
		}
		if len(links) > 0 {
			answer = append(answer, field{"links", links})
		}
	}
	total, err := yourlsTotals(ctx, s)
	if err != nil {
		return nil, err
	}
	return append(answer, field{"stats", total}, field{"statusCode", http.StatusOK}, field{"message", "success"}, onlyRecords), nil
}

// totals counts all links.
func (y yourls) totals(ctx context.Context, s Service, _ parameters, _ bool) (record, error) {
	total, err := yourlsTotals(ctx, s)
	return record{{"db-stats", total}, {"statusCode", http.StatusOK}, {"message", "success"}, onlyRecords}, err
}

// yourlsTotals leaves out what is not known: the clicks of all links together are not counted.
func yourlsTotals(ctx context.Context, s Service) (record, error) {
	page, err := s.List(ctx, url.Values{"limit": {"1"}})
	if err != nil {
		return nil, err
	}
	if page.Total == nil {
		return record{}, nil
	}
	return record{{"total_links", count(*page.Total)}}, nil
}

func (y yourls) unknown(context.Context, Service, parameters, bool) (record, error) {
	return nil, invalid(`Unknown or missing "action" parameter`, "action")
}

func refuseOther(_ parameters, problem v1.Problem) record {
	return record{{"message", problem.Detail}, {"errorCode", statusOf(problem)}, {simple, problem.Detail}}
}

// wholeNumber reads a number from 0 to most; 0 if it is not given.
func wholeNumber(p parameters, name string, most int) (int, error) {
	if p.get(name) == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(p.get(name))
	if err != nil || n < 0 || n > most {
		return 0, invalid(name+" must be a number from 0 to "+strconv.Itoa(most), name)
	}
	return n, nil
}

// yourlsTime is when a link was made, as MySQL writes it, in UTC.
func yourlsTime(l *v1.Link) string { return l.CreatedAt.UTC().Format("2006-01-02 15:04:05") }

// count is a number as YOURLS has it from its database: as text.
func count(n uint64) string { return strconv.FormatUint(n, 10) }

// maxShown is the longest URL of a message, in characters.
const maxShown = 60

// shortened is a URL as messages have it.
func shortened(address string) string {
	const mark = "[...]"
	if letters := []rune(address); len(letters) > maxShown {
		return string(letters[:maxShown-len(mark)]) + mark
	}
	return address
}

// callbacks are the names of functions that jsonp may call: a name that could hold more would be a program of its own.
var callbacks = regexp.MustCompile(`^[A-Za-z0-9_$.]{1,128}$`)

func validCallback(name string) bool { return callbacks.MatchString(name) }
