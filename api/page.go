package api

import (
	"net/http"
	"strconv"
	"strings"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
)

// A page holds no word of the request, so there is nothing in it to escape. (A preview does; see preview.go.)
const pageTemplate = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fafafa }
main { max-width: 32rem; padding: 2rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
p { margin: 0; color: #555 }
a { color: inherit }
form { margin: 1rem 0 0; display: flex; gap: .5rem; flex-wrap: wrap }
input, button { font: inherit; padding: .4rem .7rem; border: 1px solid #999; border-radius: .3rem }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818 } p { color: #aaa } }
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>{more}
</main>
</body>
</html>
`

// entryForm is posted to the address at which it stands: of a link, or of its preview, with the query that is to be forwarded.
const entryForm = `
<form method="post">
<input name="password" type="password" aria-label="Password" autocomplete="current-password" maxlength="1024" required autofocus>
<button>Open the link</button>
</form>`

// page is what one page says: text and more are HTML.
type page struct{ title, text, more string }

// html fills in the template.
func (p page) html() []byte {
	return []byte(strings.NewReplacer("{title}", p.title, "{text}", p.text, "{more}", p.more).Replace(pageTemplate))
}

// visitorPages are what visitors are told whom a link itself stops, by error.
var visitorPages = map[error]page{
	redirect.ErrExpired:       {title: "This link has expired", text: "It led somewhere for a time, and that time is over."},
	redirect.ErrDisabled:      {title: "This link is switched off", text: "Whoever made it has switched it off. It may come back."},
	redirect.ErrUsedUp:        {title: "This link is used up", text: "It could be followed so many times, and was."},
	redirect.ErrProtected:     {title: "This link is protected", text: "It leads on with its password.", more: entryForm},
	redirect.ErrWrongPassword: {title: "That is not the password", text: "It leads on with its password; the one you gave is another.", more: entryForm},
	redirect.ErrTooManyTries:  {title: "Try again in a moment", text: "Too many passwords were tried for this link from where you are."},
}

// codePages are what all others are told, by the code of the problem.
var codePages = map[v1.Code]page{
	v1.NotFound:    {title: "Page not found", text: "There is no link at this address. Check that it was copied whole."},
	v1.Gone:        {title: "This link is gone", text: "It was deleted, and leads nowhere any more."},
	v1.RateLimited: {title: "Try again in a moment", text: "Too many addresses that lead nowhere were asked for from where you are."},
	v1.NoLeader:    {title: "Try again in a moment", text: "Part of this service cannot be reached, so it cannot tell yet where this link leads."},
	v1.Overloaded:  {title: "Try again in a moment", text: "This service has more to do than it can."},
	v1.Internal:    {title: "Something went wrong", text: "The fault is on our side."},
}

// newPages makes the page of every row of the table, by its error.
func newPages(table []refusal) map[error][]byte {
	pages := make(map[error][]byte, len(table))
	for _, row := range table {
		words, ok := visitorPages[row.err]
		if !ok {
			words, ok = codePages[row.code]
		}
		if !ok {
			words = page{title: row.title, text: "The request could not be answered."}
		}
		pages[row.err] = words.html()
	}
	return pages
}

// frontPage is what stands at / until there is more to show.
func frontPage() []byte {
	return page{title: "tinyurl", text: "A URL shortener. Short links live right behind the slash; the API is at /api/v1."}.html()
}

// writeHTML sends a finished page. It may load and run nothing.
func writeHTML(w http.ResponseWriter, status int, page []byte) {
	writeHTMLUnder(w, status, page, "default-src 'none'; style-src 'unsafe-inline'")
}

// writeHTMLUnder sends a finished page under a Content-Security-Policy of its own. It is not to be found by search engines.
func writeHTMLUnder(w http.ResponseWriter, status int, page []byte, policy string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	if h["Cache-Control"] == nil { // a visit has set its own
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	// A client that went away is no news.
	_, _ = w.Write(page)
}

const (
	// maxAccept is how many media ranges of an Accept header are read.
	maxAccept = 32
	// quality values are compared as thousandths.
	fullQuality = 1000
)

// prefersJSON reports whether an Accept header would rather have JSON than a page. A page it is in doubt: people send
// doubtful headers, programs that want JSON say so.
func prefersJSON(accept []string) bool {
	var page, document wish
	for i, part := range strings.Split(strings.Join(accept, ","), ",") {
		if i == maxAccept {
			break
		}
		media, parameters, _ := strings.Cut(part, ";")
		quality := qualityOf(parameters)
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/problem+json", "application/json":
			document.say(3, quality)
		case "text/html", "application/xhtml+xml":
			page.say(3, quality)
		case "application/*":
			document.say(2, quality)
		case "text/*":
			page.say(2, quality)
		case "*/*":
			document.say(1, quality)
			page.say(1, quality)
		}
	}
	return document.quality > page.quality
}

// wish is how much one kind of answer is wanted. The most exact range that names it counts, then the best quality.
type wish struct {
	exactness, quality int
}

// say takes one media range into account.
func (w *wish) say(exactness, quality int) {
	if exactness > w.exactness || exactness == w.exactness && quality > w.quality {
		*w = wish{exactness: exactness, quality: quality}
	}
}

// qualityOf reads the q parameter; what cannot be read is full quality.
func qualityOf(parameters string) int {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && q >= 0 && q <= 1 {
			return int(q * fullQuality)
		}
	}
	return fullQuality
}
