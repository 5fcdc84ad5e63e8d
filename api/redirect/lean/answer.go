package lean

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/valyala/fasthttp"

	"tinyurl/api/redirect"
)

// The methods under which judged requests that are not plain go on to answer. No client can send them: whatever is neither GET
// nor HEAD is replaced by one of these.
const (
	handOverMethod = "HAND OVER"
	brokenMethod   = "BROKEN"
)

// Header lines of a redirect. They are copied into every answer, never changed.
var (
	stalenessName           = []byte(redirect.StalenessHeader)
	cacheName, cacheValue   = []byte("Cache-Control"), []byte(redirect.CacheControl)
	robotsName, robotsValue = []byte("X-Robots-Tag"), []byte(redirect.Robots)
)

// judgeHeader is asked once the header of a request is there and before anything else of it is read. A request that is not plain
// is replaced by a note of what to do with it, without a body: fasthttp must not look for one.
func (s *Server) judgeHeader(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	v, closes := judge(h)
	switch v {
	case plain:
		// Nobody waits for the end of a stop behind a connection in use.
		if closes || s.stopping() {
			h.SetConnectionClose()
		}
	case other:
		head := rebuild(h)
		h.Reset()
		h.SetMethod(handOverMethod)
		h.SetRequestURIBytes(head)
	case broken:
		h.Reset()
		h.SetMethod(brokenMethod)
	}
	return fasthttp.RequestConfig{}
}

// rebuild gives the request line and the header as they came.
func rebuild(h *fasthttp.RequestHeader) []byte {
	raw := h.RawHeaders()
	head := make([]byte, 0, len(h.Method())+len(h.RequestURI())+len(h.Protocol())+len(raw)+len("  \r\n\r\n"))
	head = append(append(head, h.Method()...), ' ')
	head = append(append(head, h.RequestURI()...), ' ')
	head = append(append(head, h.Protocol()...), "\r\n"...)
	if len(raw) == 0 {
		raw = []byte("\r\n") // fasthttp keeps no blank line that ends nothing
	}
	return append(head, raw...)
}

// answer answers one judged request.
func (s *Server) answer(ctx *fasthttp.RequestCtx) {
	head := ctx.Request.Header.IsHead()
	if !head && !ctx.Request.Header.IsGet() {
		if string(ctx.Method()) == handOverMethod {
			s.handOver(ctx)
			return
		}
		tell(ctx, http.StatusBadRequest)
		ctx.SetConnectionClose()
		return
	}
	// The code is copied: whoever looks it up may keep it, and the bytes are the next request's.
	target, late, refuse := s.config.Visits.Visit(s.base, ctx.RemoteAddr(), head, string(codeOf(ctx.Request.Header.RequestURI())))
	if refuse != nil {
		s.refuse(ctx, refuse)
		return
	}
	ctx.Response.SetStatusCode(http.StatusFound)
	header := &ctx.Response.Header
	header.SetCanonical(cacheName, cacheValue)
	header.SetCanonical(robotsName, robotsValue)
	if late > 0 {
		var digits [20]byte
		header.SetCanonical(stalenessName, redirect.AppendMilliseconds(digits[:0], late))
	}
	// As it is, byte for byte, but for line breaks: they would end the header, and become spaces as with net/http.
	header.Set("Location", string(target))
}

// refuse lets a handler of net/http write the answer.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, write http.HandlerFunc) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			s.config.Logger.Error("a refusal panicked", "cause", cause)
		}
		// Broken off: nobody may take what there is for an answer.
		_ = ctx.Conn().Close()
	}()
	w := &writer{ctx: ctx, header: make(http.Header)}
	write(w, request(ctx, s))
	w.finish()
}

// request is what handlers of net/http are told of a plain visit: all there is, for it has no body.
func request(ctx *fasthttp.RequestCtx, s *Server) *http.Request {
	h := &ctx.Request.Header
	target := string(h.RequestURI())
	path := string(codeOf(h.RequestURI()))
	r := &http.Request{
		Method: string(h.Method()), RequestURI: target, Host: string(h.Host()),
		URL:   &url.URL{Path: "/" + path},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, RemoteAddr: ctx.RemoteAddr().String(),
		Close: h.ConnectionClose(),
	}
	if query := len("/") + len(path); len(target) > query {
		r.URL.RawQuery = target[query+1:]
		r.URL.ForceQuery = r.URL.RawQuery == ""
	}
	for name, value := range h.All() {
		if string(name) != fasthttp.HeaderHost {
			r.Header.Add(string(name), string(value))
		}
	}
	return r.WithContext(s.base)
}

// writer is the http.ResponseWriter of a refusal.
type writer struct {
	ctx    *fasthttp.RequestCtx
	header http.Header
	status int
}

// Header gives the header to be.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader keeps the first status.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write adds to the body. It cannot fail.
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.ctx.Response.AppendBody(p)
	return len(p), nil
}

// finish puts the header in front of the body.
func (w *writer) finish() {
	w.WriteHeader(http.StatusOK)
	w.ctx.Response.SetStatusCode(w.status)
	header := &w.ctx.Response.Header
	for name, values := range w.header {
		if name == "Content-Length" {
			continue // that of the body, which fasthttp counts
		}
		for _, value := range values {
			header.Add(name, value)
		}
	}
}

// handOver gives the connection to net/http, with the request as if nobody had read it.
func (s *Server) handOver(ctx *fasthttp.RequestCtx) {
	c, ok := ctx.Conn().(*conn)
	if !ok {
		tell(ctx, http.StatusInternalServerError) // every connection is one of ours
		return
	}
	ahead := append([]byte(nil), ctx.Request.Header.RequestURI()...)
	c.taken = true
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(hijacked net.Conn) {
		defer s.forget(c) // not before net/http knows of it: a stop waits for the one or the other
		c.dry = true
		rest, err := io.ReadAll(hijacked) // what was read ahead of this request; it ends there
		if err != nil {
			s.config.Logger.Error("a connection could not be handed over", "cause", err)
			_ = c.Close()
			return
		}
		// Closed already, if net/http takes no more.
		_ = s.handovers.give(&handed{Conn: c.Conn, ahead: append(ahead, rest...)})
	})
}

// tellUnreadable answers what fasthttp could not read as a request. The connection is closed after it.
func (s *Server) tellUnreadable(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		if c, ok := ctx.Conn().(*conn); ok {
			c.lingers = true
		}
		tell(ctx, http.StatusRequestHeaderFieldsTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		// Too slow, or gone: a late answer could be taken for that to a request just sent. Like net/http, say nothing.
		_ = ctx.Conn().Close()
	default:
		tell(ctx, http.StatusBadRequest)
	}
}

// tell writes the few words that net/http has for what is no HTTP.
func tell(ctx *fasthttp.RequestCtx, status int) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(strconv.Itoa(status) + " " + http.StatusText(status))
}
