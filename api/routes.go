package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"tinyurl/fsm/link"
)

// codeRoute is the pattern of short URLs.
const codeRoute = "/:code"

// otherRoute is the metric label of requests that no route takes, and of methods that are none of ours.
const otherRoute = "other"

// endpoints are the operations of the JSON API. HEAD comes with GET by itself.
func (s *Server) endpoints() []endpoint {
	l := s.config.Limits
	one := base + "/links/:code"
	return []endpoint{
		{method: http.MethodPost, path: base + "/links", scope: LinksCreate, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: s.createLink},
		{method: http.MethodPost, path: base + "/links/bulk", scope: LinksCreate, takesBody: true, bodyLimit: l.BulkBody, timeout: l.BulkCall, serve: s.createLinks},
		{method: http.MethodGet, path: base + "/links", scope: LinksRead, query: listQuery(), bodyLimit: l.Body, timeout: l.Call, serve: s.listLinks},
		{method: http.MethodGet, path: one, scope: LinksRead, query: single(consistency), bodyLimit: l.Body, timeout: l.Call, serve: s.getLink},
		{method: http.MethodPatch, path: one, scope: LinksWrite, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: s.editLink},
		{method: http.MethodDelete, path: one, scope: LinksWrite, bodyLimit: l.Body, timeout: l.Call, serve: s.deleteLink},
		{method: http.MethodGet, path: one + "/qr", scope: LinksRead, query: qrQuery(), bodyLimit: l.Body, timeout: l.Call, serve: s.getQR},
		{method: http.MethodGet, path: base + "/tags", scope: LinksRead, query: single("limit", "cursor", consistency), bodyLimit: l.Body, timeout: l.Call, serve: s.listTags},
		{method: http.MethodGet, path: base + "/cluster", scope: AnyKey, bodyLimit: l.Body, timeout: l.Status, serve: s.getCluster},
		{method: http.MethodPost, path: base + "/cluster/leave", scope: Admin, bodyLimit: l.Body, timeout: l.Leave, serve: s.leaveCluster},
	}
}

// routes builds the router. Every path a person could mistake for a code begins with a reserved word; a test holds them
// to it.
func (s *Server) routes() *gin.Engine {
	r := s.newRouter()
	for _, e := range s.endpoints() {
		r.handle(e.method, e.path, s.run(e))
	}
	r.handle(http.MethodGet, codeRoute, s.visit)

	front := frontPage()
	r.handle(http.MethodGet, "/", func(g *gin.Context) { writeHTML(g.Writer, http.StatusOK, front) })
	r.handle(http.MethodGet, "/healthz", s.healthz)
	r.handle(http.MethodGet, "/readyz", s.readyz)
	if s.config.Gatherer != nil {
		r.handle(http.MethodGet, "/metrics", gin.WrapH(newMetricsPage(s.config.Gatherer, s.config.Logger)))
	}

	r.nothingAt(apiRoot)
	r.takeForms(s.unlock)
	return r.engine
}

// redirectRoutes builds the router of a listener for redirects: the one route, and nothing at the paths of the others.
func (s *Server) redirectRoutes() *gin.Engine {
	r := s.newRouter()
	r.handle(http.MethodGet, codeRoute, s.visit)
	for code := range s.namesakes() {
		r.nothingAt("/" + code)
	}
	r.takeForms(s.unlock)
	return r.engine
}

// namesakes are the routes that look like codes.
func (s *Server) namesakes() map[string]bool {
	found := make(map[string]bool)
	for _, route := range s.engine.Routes() {
		if code := strings.TrimPrefix(route.Path, "/"); code != "" && !strings.ContainsAny(code, "/:*") {
			found[code] = true
		}
	}
	return found
}

// newRouter makes a router that takes nothing yet.
func (s *Server) newRouter() *router {
	gin.SetMode(gin.ReleaseMode) // process-wide: gin knows no other way to keep quiet
	engine := gin.New()
	engine.RedirectTrailingSlash = false // "/abc/" is no code, and a 301 would be cached for ever
	engine.ForwardedByClientIP = false   // nobody asks for the client's address, and headers can lie about it
	r := &router{s: s, engine: engine, methods: make(map[string][]string), nothing: make(map[string]bool)}
	r.measure = s.metrics.watch(otherRoute, otherRoute, s.config.Now)
	engine.NoRoute(r.measure, s.recoverPanics, r.noRoute)
	return r
}

// visit serves GET /{code} and /{code}+. It is the one route with a gate of its own: a visitor must not wait behind API calls.
func (s *Server) visit(g *gin.Context) {
	if !s.visits.enter() {
		s.problems.writePage(g.Writer, g.Request, link.ErrOverloaded)
		return
	}
	defer s.visits.leave()
	if code, preview := strings.CutSuffix(g.Param("code"), previewMark); preview {
		s.redirects.Preview(g.Writer, g.Request, code)
		return
	}
	s.redirects.Serve(g.Writer, g.Request, g.Param("code"))
}

// apiRoot is where paths for programs begin.
const apiRoot = "/api"

// router registers routes with what all of them have: metrics, recovery, and HEAD wherever there is GET.
type router struct {
	s      *Server
	engine *gin.Engine
	// methods are the methods taken, by pattern.
	methods map[string][]string
	// nothing are paths that only look like codes.
	nothing map[string]bool
	measure gin.HandlerFunc // of what no route takes
}

// nothingAt says that there is nothing at a path, which the redirect route would otherwise take for a code.
func (r *router) nothingAt(path string) {
	r.nothing[path] = true
	r.engine.GET(path, r.measure, r.s.recoverPanics, r.noRoute)
	r.engine.HEAD(path, r.measure, r.s.recoverPanics, r.noRoute)
}

// noRoute answers what no handler takes. For a path that has handlers it names the methods they are for. (gin can do so
// itself, but mixes up the methods of neighbouring paths.) Else programs get a problem, and people a page.
func (r *router) noRoute(g *gin.Context) {
	path := g.Request.URL.Path
	if allowed := r.allowed(path); len(allowed) > 0 {
		g.Header("Allow", strings.Join(allowed, ", "))
		r.s.problems.write(g.Writer, g.Request, errMethod)
		return
	}
	if path == apiRoot || strings.HasPrefix(path, apiRoot+"/") {
		r.s.problems.write(g.Writer, g.Request, errNoRoute)
		return
	}
	r.s.problems.writePage(g.Writer, g.Request, errNoRoute)
}

// allowed gives the methods that path takes, in order.
func (r *router) allowed(path string) []string {
	if r.nothing[path] {
		return nil
	}
	var found []string
	for pattern, methods := range r.methods {
		if matches(pattern, path) {
			found = append(found, methods...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// matches reports whether path is of a pattern whose variable parts begin with a colon.
func matches(pattern, path string) bool {
	for {
		var want, got string
		var moreWanted, more bool
		want, pattern, moreWanted = strings.Cut(pattern, "/")
		got, path, more = strings.Cut(path, "/")
		if moreWanted != more || want != got && (got == "" || !strings.HasPrefix(want, ":")) {
			return false
		}
		if !more {
			return true
		}
	}
}

// handle registers handlers for a method and a pattern.
func (r *router) handle(method, path string, handlers ...gin.HandlerFunc) {
	methods := []string{method}
	if method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	r.methods[path] = append(r.methods[path], methods...)
	for _, method := range methods {
		// Measured outside of the recovery, so that a panic counts as the 500 it is answered with.
		chain := []gin.HandlerFunc{r.s.metrics.watch(path, method, r.s.config.Now), r.s.recoverPanics}
		r.engine.Handle(method, path, append(chain, handlers...)...)
	}
}
