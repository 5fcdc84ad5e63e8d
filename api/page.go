package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tinyurl/api/redirect"
	"tinyurl/api/v1"
)

// A page holds no word of the request, so there is nothing in it to escape.
const pageTemplate = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fafafa }
main { max-width: 32rem; padding: 2rem }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
p { margin: 0; color: #555 }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818 } p { color: #aaa } }
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
`

// expiredPage is the key of the one page that shares its code with another.
const expiredPage v1.Code = "expired"

// newPage fills in the template. Both texts are this room's own words.
func newPage(title, text string) []byte {
	return []byte(strings.NewReplacer("{title}", title, "{text}", text).Replace(pageTemplate))
}

// newPages makes the page of every code of the table.
func newPages(table []refusal) map[v1.Code][]byte {
	pages := map[v1.Code][]byte{
		v1.NotFound:    newPage("Page not found", "There is no link at this address. Check that it was copied whole."),
		v1.Gone:        newPage("This link is gone", "It was deleted, and leads nowhere any more."),
		expiredPage:    newPage("This link has expired", "It led somewhere for a time, and that time is over."),
		v1.RateLimited: newPage("Try again in a moment", "Too many addresses that lead nowhere were asked for from where you are."),
		v1.NoLeader:    newPage("Try again in a moment", "Part of this service cannot be reached, so it cannot tell yet where this link leads."),
		v1.Overloaded:  newPage("Try again in a moment", "This service has more to do than it can."),
		v1.Internal:    newPage("Something went wrong", "The fault is on our side."),
	}
	for _, row := range table {
		if pages[row.code] == nil {
			pages[row.code] = newPage(row.title, "The request could not be answered.")
		}
	}
	return pages
}

// frontPage is what stands at / until there is more to show.
func frontPage() []byte {
	return newPage("tinyurl", "A URL shortener. Short links live right behind the slash; the API is at /api/v1.")
}

// page gives the page for a row; an expired link has one of its own, since its visitor did nothing wrong.
func (p *problems) page(row refusal) []byte {
	if errors.Is(row.err, redirect.ErrExpired) {
		return p.pages[expiredPage]
	}
	return p.pages[row.code]
}

// writeHTML sends a finished page. It may load and run nothing, and is not to be found by search engines.
func writeHTML(w http.ResponseWriter, status int, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	if h["Cache-Control"] == nil {
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
