package api

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"tinyurl/api/redirect"
	"tinyurl/fsm/link"
)

const (
	// maxForm is the longest form with a password, in bytes.
	maxForm = 4 << 10
	// formType is the media type of forms. Nothing else is taken from visitors.
	formType = "application/x-www-form-urlencoded"
)

// unlock serves POST /{code} and /{code}+: a visitor gives the password of a link. What is no form is a method that a link does not
// take, whether the link is there or not.
func (s *Server) unlock(g *gin.Context) {
	if media, _, err := mime.ParseMediaType(g.GetHeader("Content-Type")); err != nil || media != formType {
		g.Header("Allow", "GET, HEAD")
		s.problems.write(g.Writer, g.Request, errMethod)
		return
	}
	password, err := readPassword(g)
	if err != nil {
		s.problems.writePage(g.Writer, g.Request, err)
		return
	}
	// Only now, as with calls: who sends slowly keeps no visitor out.
	if !s.visits.enter() {
		s.problems.writePage(g.Writer, g.Request, link.ErrOverloaded)
		return
	}
	defer s.visits.leave()
	if code, preview := strings.CutSuffix(g.Param("code"), previewMark); preview {
		s.redirects.UnlockPreview(g.Writer, g.Request, code, password)
		return
	}
	s.redirects.Unlock(g.Writer, g.Request, g.Param("code"), password)
}

// readPassword gives what a form says, nothing if it says nothing that can be read.
func readPassword(g *gin.Context) (string, error) {
	if err := limitBody(g, maxForm); err != nil {
		return "", err
	}
	body, err := readBody(g.Request)
	if errors.Is(err, errJSON) {
		return "", errSlowClient // it was no JSON that ended early
	}
	if err != nil {
		return "", err
	}
	form, _ := url.ParseQuery(string(body)) // what could be read of it
	return form.Get("password"), nil
}

// challenge is the WWW-Authenticate of a refusal: a link's password is given in a form, and browsers shall not ask for it.
func (row refusal) challenge() string {
	if errors.Is(row.err, redirect.ErrProtected) || errors.Is(row.err, redirect.ErrWrongPassword) {
		return `Form realm="link"`
	}
	return `Bearer realm="tinyurl"`
}

// takeForms has serve answer POSTs to codes, and sees to it that routes that look like codes go on to answer theirs: it comes after
// all of them. POST is not shown as a method of links, since most do not take it.
func (r *router) takeForms(serve gin.HandlerFunc) {
	refuse := func(path string) { r.engine.POST(path, r.measure, r.s.recoverPanics, r.noRoute) }
	for pattern, methods := range r.methods {
		if strings.Count(pattern, "/") == 1 && pattern != "/" && pattern != codeRoute && !slices.Contains(methods, http.MethodPost) {
			refuse(pattern)
		}
	}
	for path := range r.nothing {
		refuse(path)
	}
	r.engine.POST(codeRoute, r.s.metrics.watch(codeRoute, http.MethodPost, r.s.config.Now), r.s.recoverPanics, serve)
}
