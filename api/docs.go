package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"tinyurl/api/openapi"
)

// serveDocs has the description of the API served, and a page that shows it. Neither needs a key: they say no more than the source does.
func (s *Server) serveDocs(r *router) {
	description := document{mediaType: "application/json", content: openapi.Document()}
	r.handle(http.MethodGet, base+"/openapi.json", func(g *gin.Context) {
		g.Writer.Header()["Cache-Control"] = noStore
		description.write(g.Writer, http.StatusOK)
	})
	page, policy := openapi.Page()
	r.handle(http.MethodGet, "/docs", func(g *gin.Context) { writeHTMLUnder(g.Writer, http.StatusOK, page, policy) })
}
