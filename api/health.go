package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// healthz serves GET /healthz: is the process up.
func (s *Server) healthz(g *gin.Context) {
	ctx, cancel := context.WithTimeout(g.Request.Context(), s.config.Limits.Status)
	defer cancel()
	writeChecks(g.Writer, "healthz", s.config.Health.Live(ctx))
}

// readyz serves GET /readyz, with ?write or ?redirect for what the asker needs. Other parameters are ignored: probes carry
// all sorts of them, and a probe must not fail for its spelling.
func (s *Server) readyz(g *gin.Context) {
	ctx, cancel := context.WithTimeout(g.Request.Context(), s.config.Limits.Status)
	defer cancel()
	query := g.Request.URL.Query()
	need := NeedAll
	switch {
	case query.Has("write"):
		need = NeedWrite
	case query.Has("redirect"):
		need = NeedRedirect
	}
	writeChecks(g.Writer, "readyz", s.config.Health.Ready(ctx, need))
}

// writeChecks answers 200 when all checks passed, else 503, with a line for each, in the manner of Kubernetes' own probes.
// Everybody who can reach the listener may read them.
func writeChecks(w http.ResponseWriter, name string, checks []Check) {
	status, verdict := http.StatusOK, "passed"
	var text strings.Builder
	for _, c := range checks {
		sign, word, detail := "[+]", " ok", c.Detail
		if c.Err != nil {
			sign, word, detail = "[-]", " failed", c.Err.Error()
			status, verdict = http.StatusServiceUnavailable, "failed"
		}
		text.WriteString(sign + c.Name + word)
		if detail != "" {
			text.WriteString(": " + strings.ReplaceAll(detail, "\n", " "))
		}
		text.WriteByte('\n')
	}
	text.WriteString(name + " check " + verdict + "\n")
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	// A prober that went away is no news.
	_, _ = w.Write([]byte(text.String()))
}
