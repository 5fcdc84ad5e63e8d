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

// endpoints are the operations of the JSON API, each feature's from its own file. HEAD comes with GET by itself.
func (s *Server) endpoints() []endpoint {
	l, kept := s.config.Limits, s.config.Authority
	return slices.Concat(
		s.links.endpoints(l),
		(&clusterCalls{s.config.Cluster}).endpoints(l),
		(&keyCalls{keys: kept.Keys, random: kept.Random, now: s.config.Resolver.Now, bodies: &s.bodies}).endpoints(l),
		(&userCalls{users: kept.Users, random: kept.Random, bodies: &s.bodies}).endpoints(l),
		(&denialCalls{denials: kept.Denials, bodies: &s.bodies}).endpoints(l),
		(&reportCalls{reports: kept.Reports, each: s.door.reports, all: s.door.allReports, bodies: &s.bodies}).endpoints(l),
		newStatisticsCalls(s).endpoints(l),
	)
}

// streams are the operations with whole files.
func (s *Server) streams() []stream {
	c := &s.config
	imports := &importCalls{
		links: c.Links, rules: s.links.rules, denials: c.Authority.Denials, timeout: c.Limits.Call, problems: s.problems, logger: c.Logger,
	}
	exports := &exportCalls{links: c.Links, now: c.Resolver.Now, publicURL: c.PublicURL, timeout: c.Limits.Call, confirm: s.confirm}
	return []stream{imports.stream(), exports.stream()}
}

// routes builds the router. Every path a person could mistake for a code begins with a reserved word; a test holds them
// to it.
func (s *Server) routes() *gin.Engine {
	r := s.newRouter()
	for _, e := range s.endpoints() {
		r.handle(e.method, e.path, s.run(e))
		if e.path == tagStatsPath {
			r.slashed = s.run(e)
		}
	}
	for _, e := range s.streams() {
		r.handle(e.method, e.path, s.runStream(e))
	}
	r.handle(http.MethodGet, codeRoute, s.visit)

	front := frontPage()
	r.handle(http.MethodGet, "/", func(g *gin.Context) { writeHTML(g.Writer, http.StatusOK, front) })
	s.serveDocs(r)
	s.serveOldClients(r)
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
	// oldClients refuses what asks for other shorteners' APIs; nil where there are none.
	oldClients *oldClients
	// slashed serves the visits of tags with a slash; nil where there are none.
	slashed gin.HandlerFunc
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
	if r.slashed != nil && slashedTag(g.Request) {
		r.slashed(g)
		return
	}
	path, err := g.Request.URL.Path, errNoRoute
	allowed := r.allowed(path)
	if len(allowed) > 0 {
		g.Header("Allow", strings.Join(allowed, ", "))
		err = errMethod
	}
	switch {
	case r.oldClients != nil && r.oldClients.refuseAt(g, err):
	case len(allowed) > 0, path == apiRoot, strings.HasPrefix(path, apiRoot+"/"):
		r.s.problems.write(g.Writer, g.Request, err)
	default:
		r.s.problems.writePage(g.Writer, g.Request, err)
	}
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
