package api

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync/atomic"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// recoverPanics answers a request whose handler panicked, and keeps what it said for the log: the text of a panic may hold
// anything, so the client hears none of it.
func (s *Server) recoverPanics(g *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) // net/http's own word for "break off", not a fault
		}
		s.config.Logger.Error("handler panicked", "method", g.Request.Method, "path", clip(g.Request.URL.Path, maxInstance),
			"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if g.Writer.Written() {
			// Half an answer is out: break the connection, so that nobody takes it for a whole one.
			panic(http.ErrAbortHandler)
		}
		clear(g.Writer.Header()) // whatever was meant for another answer
		s.problems.write(g.Writer, g.Request, errInternal)
		g.Abort()
	}()
	g.Next()
}

// gate lets a number of requests in at once and refuses the others at once: shedding, never queueing.
type gate struct {
	limit  int64
	inside atomic.Int64
	shed   prometheus.Counter
}

// enter reports whether there is room for one more; who is let in must leave.
func (d *gate) enter() bool {
	if d.inside.Add(1) > d.limit {
		d.inside.Add(-1)
		d.shed.Inc()
		return false
	}
	return true
}

func (d *gate) leave() { d.inside.Add(-1) }
