package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// maxTransfers is how many streams run at once. Each may go on for hours, and asks the cluster for much.
const maxTransfers = 8

// stream is an operation whose body or answer may be of any length. What an endpoint has bounds for as a whole, it has for every
// read and every write.
type stream struct {
	method, path string
	// scope is what the key must hold.
	scope access.Scopes
	// query are the query parameters that are known.
	query []parameter
	// memory is the most that it holds at a time, in bytes.
	memory int64
	// serve answers through f. What it refuses before f has begun is told as a problem; an error after that breaks the answer off, so
	// that nobody takes it for a whole one.
	serve func(c *call, f *flow) error
}

// readAtOnce is how much of a body must come within one deadline, in bytes. net/http reads on until it has what it was asked for.
const readAtOnce = 4 << 10

// lingering is how long what a client still sends is read after an answer that did not wait for it.
const lingering = 2 * time.Second

// flow is the two directions of a stream. Each read and each write has a deadline of its own. It is for one goroutine.
type flow struct {
	// major is that of the version of HTTP. From 2 on a deadline is a timer, which resets the stream even when nobody reads or writes:
	// there it must not outlive what it is for.
	major       int
	writer      gin.ResponseWriter
	body        io.Reader
	control     *http.ResponseController
	read, write time.Duration
	// heard is what the body ended with; nil while it goes on.
	heard error
}

// Read reads some of the body.
func (f *flow) Read(p []byte) (int, error) {
	// A writer that knows no deadlines has no connection that could be slow.
	_ = f.control.SetReadDeadline(time.Now().Add(f.read))
	n, err := f.body.Read(p[:min(len(p), readAtOnce)])
	f.heard = err
	if f.major > 1 {
		_ = f.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// linger reads on for a moment behind the end of an answer. A connection that is closed on a client that still writes is reset, and the
// client loses what it has not read; HTTP/2 has streams for that.
func (f *flow) linger() {
	if f.major > 1 || f.heard != nil {
		return
	}
	_ = f.control.SetReadDeadline(time.Now().Add(lingering))
	_, f.heard = io.Copy(io.Discard, f.body)
}

// interleave lets the answer begin before the body has ended. Else net/http would read the rest of it first.
func (f *flow) interleave(r *http.Request) {
	_ = f.control.EnableFullDuplex() // who cannot do so needs not be asked
	if r.ProtoMajor == 1 {
		// What is left of a body that could not be read to its end would be taken for the next request: in this mode net/http does not
		// look whether it could.
		f.writer.Header().Set("Connection", "close")
	}
}

// begin sends the header. From here on there is no way back to a problem.
func (f *flow) begin(mediaType string, lines ...headerLine) {
	h := f.writer.Header()
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = nosniff
	h.Set("Content-Type", mediaType)
	for _, line := range lines {
		h.Set(line.name, line.value)
	}
	f.extend()
	f.writer.WriteHeader(http.StatusOK)
	f.writer.WriteHeaderNow()
	f.disarm()
}

// Write sends some of the answer.
func (f *flow) Write(p []byte) (int, error) {
	f.extend()
	defer f.disarm()
	return f.writer.Write(p)
}

// flush sends what is buffered on its way.
func (f *flow) flush() {
	f.extend()
	f.writer.Flush()
	f.disarm()
}

// extend gives the writing its time.
func (f *flow) extend() { _ = f.control.SetWriteDeadline(time.Now().Add(f.write)) }

// disarm ends the time of a write that has ended, where it would go on by itself.
func (f *flow) disarm() {
	if f.major > 1 {
		_ = f.control.SetWriteDeadline(time.Time{})
	}
}

// runStream judges a request as run does (key, how often it comes, scope, then what it says) and has it answered.
func (s *Server) runStream(e stream) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &call{request: g.Request}
		defer s.bodies.free(c)
		f := &flow{
			major:  g.Request.ProtoMajor,
			writer: g.Writer, body: g.Request.Body, control: http.NewResponseController(netWriter(g)),
			read: s.config.Limits.Read, write: s.config.Limits.Write,
		}
		f.disarm()
		err := s.judgeStream(e, c, f)
		f.extend() // for what net/http still has to send
		switch {
		case err == nil:
		case !g.Writer.Written():
			s.refuseStream(g, f, err)
		default:
			// The client is told by the broken connection alone, which may as well be why this ended.
			s.config.Logger.Warn("stream broken off", "method", e.method, "path", e.path, "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// judgeStream is the order of judgement.
func (s *Server) judgeStream(e stream, c *call, f *flow) (err error) {
	if c.by, err = s.knock(f.writer.Header(), c.request, endpoint{scope: e.scope}); err != nil {
		return err
	}
	if c.query, err = parseQuery(c.request, e.query); err != nil {
		return err
	}
	if err := s.bodies.hold(c, e.memory); err != nil {
		return err
	}
	if !s.transfers.enter() {
		return link.ErrOverloaded
	}
	defer s.transfers.leave()
	ctx, cancel := context.WithTimeout(c.request.Context(), s.config.Limits.Call)
	c.by, err = s.confirm(ctx, c.by, e.scope, false)
	cancel()
	if err != nil {
		return err
	}
	return e.serve(c, f)
}

// refuseStream answers with a problem. As with other calls, some of the body is read first, and what is longer has net/http close the
// connection with care: else the client might not see why it was refused.
func (s *Server) refuseStream(g *gin.Context, f *flow, err error) {
	if f.heard == nil && !waits(g.Request) {
		_ = f.control.SetReadDeadline(time.Now().Add(f.read))
		g.Request.Body = http.MaxBytesReader(netWriter(g), g.Request.Body, s.config.Limits.Body)
		_ = skipBody(g.Request)
	}
	s.problems.write(g.Writer, g.Request, err)
}
