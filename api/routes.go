package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// otherRoute is the metric label of requests that no route takes, and of methods that are none of ours.
const otherRoute = "other"

// endpoints are the operations of the JSON API.
func (s *Server) endpoints() []endpoint {
	l := s.config.Limits
	one := base + "/links/:code"
	return []endpoint{
		{method: http.MethodPost, path: base + "/links", scope: LinksCreate, takesBody: true, bodyLimit: l.Body, timeout: l.Call, serve: s.createLink},
		{method: http.MethodPost, path: base + "/links/bulk", scope: LinksCreate, takesBody: true, bodyLimit: l.BulkBody, timeout: l.BulkCall, serve: s.createLinks},
		{method: http.MethodGet, path: one, scope: LinksRead, query: []string{"consistency"}, bodyLimit: l.Body, timeout: l.Call, serve: s.getLink},
		{method: http.MethodDelete, path: one, scope: LinksWrite, bodyLimit: l.Body, timeout: l.Call, serve: s.deleteLink},
		{method: http.MethodGet, path: base + "/cluster", scope: AnyKey, bodyLimit: l.Body, timeout: l.Status, serve: s.getCluster},
		{method: http.MethodPost, path: base + "/cluster/leave", scope: Admin, bodyLimit: l.Body, timeout: l.Leave, serve: s.leaveCluster},
	}
}

// routes builds the router. Every path a person could mistake for a code begins with a reserved word; a test holds them
// to it.
func (s *Server) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // process-wide: gin knows no other way to keep quiet
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.ForwardedByClientIP = false
	r := router{s: s, engine: engine}

	calls := s.pass(&gate{limit: int64(s.config.Limits.Calls), shed: s.metrics.shed.WithLabelValues("call")})
	for _, e := range s.endpoints() {
		r.handle(e.method, e.path, calls, s.run(e))
	}
	visits := s.pass(&gate{limit: int64(s.config.Limits.Redirects), shed: s.metrics.shed.WithLabelValues("redirect")})
	r.handle(http.MethodGet, "/:code", visits, func(g *gin.Context) {
		s.redirects.Serve(g.Writer, g.Request, g.Param("code"))
	})

	front := frontPage()
	r.handle(http.MethodGet, "/", func(g *gin.Context) { writeHTML(g.Writer, http.StatusOK, front) })
	r.handle(http.MethodGet, "/healthz", s.healthz)
	r.handle(http.MethodGet, "/readyz", s.readyz)
	if s.config.Gatherer != nil {
		r.handle(http.MethodGet, "/metrics", gin.WrapH(newMetricsPage(s.config.Gatherer, s.config.Logger)))
	}

	measure := s.metrics.watch(otherRoute, otherRoute, s.config.Now)
	engine.NoRoute(measure, s.recoverPanics, s.noRoute)
	engine.NoMethod(measure, s.recoverPanics, func(g *gin.Context) { s.problems.write(g.Writer, g.Request, errMethod) })
	// Without these the redirect route would take them for codes.
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		engine.Handle(method, "/api", measure, s.recoverPanics, s.noRoute)
	}
	return engine
}

// noRoute answers paths that lead nowhere: programs under /api get a problem, everybody else a page.
func (s *Server) noRoute(g *gin.Context) {
	if path := g.Request.URL.Path; path == "/api" || strings.HasPrefix(path, "/api/") {
		s.problems.write(g.Writer, g.Request, errNoRoute)
		return
	}
	s.problems.writePage(g.Writer, g.Request, errNoRoute)
}

// router registers routes with what all of them have: metrics, recovery, and HEAD wherever there is GET.
type router struct {
	s      *Server
	engine *gin.Engine
}

func (r router) handle(method, path string, handlers ...gin.HandlerFunc) {
	methods := []string{method}
	if method == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	for _, method := range methods {
		// Measured outside of the recovery, so that a panic counts as the 500 it is answered with.
		chain := []gin.HandlerFunc{r.s.metrics.watch(path, method, r.s.config.Now), r.s.recoverPanics}
		r.engine.Handle(method, path, append(chain, handlers...)...)
	}
}
