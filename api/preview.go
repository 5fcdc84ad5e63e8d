package api

import (
	"html"
	"net/http"
	"strings"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// previewMark behind a code asks where it leads.
const previewMark = "+"

// preview is the document of a preview: what everybody may know of a link.
type preview struct {
	ShortCode  string   `json:"shortCode"`
	ShortURL   string   `json:"shortUrl"`
	LongURL    string   `json:"longUrl"`
	Title      string   `json:"title"`
	CreatedAt  v1.Time  `json:"createdAt"`
	ValidUntil *v1.Time `json:"validUntil"`
}

// showPreview writes a preview, as a page or as JSON.
func (s *Server) showPreview(w http.ResponseWriter, r *http.Request, l link.Link) {
	if !prefersJSON(r.Header["Accept"]) {
		writeHTML(w, http.StatusOK, previewPage(l).html())
		return
	}
	shown := preview{
		ShortCode: string(l.Code), ShortURL: s.config.PublicURL + "/" + string(l.Code), LongURL: string(l.Target), Title: l.Title,
		CreatedAt: v1.Time{Time: l.CreatedAt},
	}
	if !l.ValidUntil.IsZero() {
		shown.ValidUntil = &v1.Time{Time: l.ValidUntil}
	}
	if err := writeJSON(w, http.StatusOK, jsonType, shown); err != nil {
		s.problems.write(w, r, err)
	}
}

// previewPage is the preview for people. All in it that others wrote is escaped, and only what is surely an address of the web can be
// followed by a click.
func previewPage(l link.Link) page {
	target := html.EscapeString(string(l.Target))
	if scheme, _, ok := strings.Cut(strings.ToLower(string(l.Target)), "://"); ok && (scheme == "http" || scheme == "https") {
		target = `<a rel="nofollow noopener noreferrer" href="` + target + `">` + target + `</a>`
	}
	p := page{title: "Where this link leads", text: target}
	if l.Title != "" {
		p.more = "\n<p>“" + html.EscapeString(l.Title) + "”</p>"
	}
	p.more += "\n<p>Created on " + l.CreatedAt.UTC().Format(time.DateOnly) + ".</p>"
	return p
}
