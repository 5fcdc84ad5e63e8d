package api

import (
	"errors"
	"fmt"
	"log/slog"
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
		if isBreakOff(cause) {
			panic(cause) // net/http's own word for "break off", not a fault
		}
		logPanic(s.config.Logger, g.Request.Method, g.Request.URL.Path, cause)
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

// isBreakOff reports whether a handler panicked to have the connection broken off.
func isBreakOff(cause any) bool {
	err, ok := cause.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// logPanic keeps what a handler panicked with. It is called by the function that recovered, for the stack.
func logPanic(logger *slog.Logger, method, path string, cause any) {
	logger.Error("handler panicked", "method", method, "path", clip(path, maxInstance),
		"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
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
