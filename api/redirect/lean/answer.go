package lean

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/api/redirect"
	"tinyurl/fsm/link"
)

// What a redirect is made of, in the order in which net/http writes it: its fields by name, then those of the connection.
const (
	redirectHead = "HTTP/1.1 302 Found\r\nCache-Control: " + redirect.CacheControl + "\r\nLocation: "
	staleness    = "\r\n" + redirect.StalenessHeader + ": "
	robots       = "\r\nX-Robots-Tag: " + redirect.Robots + "\r\n"
	noBody       = "Content-Length: 0\r\n"
	bodyLength   = "Content-Length: "
	closeLine    = "Connection: close\r\n"
	lineEnd      = "\r\n"
)

// answer answers a plain visit, and reports whether the connection goes on.
func (s *Server) answer(c *conn, r *request) (goOn bool, err error) {
	// The code is copied: whoever looks it up may keep it, and the bytes are the next request's.
	asked := Asked{Code: string(r.code(c.in)), Head: r.head, Query: r.query(c.in), Said: r.told(c.in)}
	target, late, write := s.config.Visits.Visit(s.base, c.RemoteAddr(), asked)
	// Nobody waits for the end of a stop behind a connection in use.
	closes := r.closes || s.stopping()
	if write == nil {
		c.out = appendRedirect(c.out[:0], target, late, s.dates.line(c.began), r.head, closes)
	} else {
		w, err := s.compose(c, r, write)
		if err != nil {
			return false, err
		}
		closes = closes || w.header.Get("Connection") == "close"
		c.out = w.appendTo(c.out[:0], s.dates.line(c.began), r.head, closes)
	}
	if err := c.writeBy(c.began.Add(s.config.Rest.WriteTimeout)); err != nil {
		return false, err
	}
	return !closes, c.send()
}

// appendRedirect appends the whole answer that sends a visitor to a target.
func appendRedirect(b []byte, target link.Target, late time.Duration, date string, head, closes bool) []byte {
	b = append(b, redirectHead...)
	b = appendValue(b, string(target))
	if late > 0 {
		b = append(b, staleness...)
		b = redirect.AppendMilliseconds(b, late)
	}
	b = append(b, robots...)
	b = append(b, date...)
	if !head {
		b = append(b, noBody...)
	}
	if closes {
		b = append(b, closeLine...)
	}
	return append(b, lineEnd...)
}

// appendValue appends a value as it is, byte for byte, but for line breaks: they would end the header, and become spaces as with
// net/http.
func appendValue(b []byte, value string) []byte {
	value = textproto.TrimString(value)
	start := len(b)
	b = append(b, value...)
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		for i, c := range b[start:] {
			if c == '\r' || c == '\n' {
				b[start+i] = ' '
			}
		}
	}
	return b
}

// errBrokenOff ends a connection whose answer must not be taken for one.
var errBrokenOff = errors.New("the answer was broken off")

// compose has a handler of net/http write the answer to a plain visit into memory.
func (s *Server) compose(c *conn, r *request, write http.HandlerFunc) (w *writer, err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if known, ok := cause.(error); !ok || !errors.Is(known, http.ErrAbortHandler) {
			s.config.Logger.Error("an answer panicked", "cause", fmt.Sprint(cause))
		}
		err = errBrokenOff
	}()
	asked, err := toNetHTTP(c.in[:r.seen])
	if err != nil {
		return nil, fmt.Errorf("a plain visit is none: %w", err) // a test holds that this cannot be
	}
	asked.RemoteAddr = c.RemoteAddr().String()
	w = &writer{header: make(http.Header)}
	write(w, asked.WithContext(s.base))
	return w, nil
}

// readers are for toNetHTTP.
var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// toNetHTTP makes of a plain visit what handlers of net/http are told of it: all there is, for it has no body.
func toNetHTTP(raw []byte) (*http.Request, error) {
	reader, _ := readers.Get().(*bufio.Reader)
	defer readers.Put(reader)
	reader.Reset(bytes.NewReader(raw))
	defer reader.Reset(nil)
	return http.ReadRequest(reader)
}

// writer is the http.ResponseWriter of what is not just a 302.
type writer struct {
	header http.Header
	status int
	body   []byte
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
	w.body = append(w.body, p...)
	return len(p), nil
}

// appendTo appends the whole answer.
func (w *writer) appendTo(b []byte, date string, head, closes bool) []byte {
	w.WriteHeader(http.StatusOK)
	out := bytes.NewBuffer(b)
	out.WriteString("HTTP/1.1 " + strconv.Itoa(w.status) + " " + http.StatusText(w.status) + lineEnd)
	_ = w.header.Write(out) // sorted; memory takes all
	out.WriteString(date)
	if w.header["Content-Length"] == nil && (!head || len(w.body) > 0) {
		out.WriteString(bodyLength + strconv.Itoa(len(w.body)) + lineEnd)
	}
	if closes && w.header["Connection"] == nil {
		out.WriteString(closeLine)
	}
	out.WriteString(lineEnd)
	if !head {
		out.Write(w.body)
	}
	return out.Bytes()
}

// refuseBroken writes the few words that net/http has for what is no HTTP.
func (s *Server) refuseBroken(c *conn) error {
	c.out = append(c.out[:0], "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"+closeLine+lineEnd+"400 Bad Request"...)
	return errors.Join(c.writeBy(c.began.Add(s.config.Rest.WriteTimeout)), c.send())
}

// dates writes Date fields, each second's once.
type dates struct{ latest atomic.Pointer[dated] }

// dated is the field of one second; immutable.
type dated struct {
	second int64
	line   string
}

// line gives the field of a moment.
func (d *dates) line(now time.Time) string {
	latest, second := d.latest.Load(), now.Unix()
	if latest == nil || latest.second != second {
		latest = &dated{second: second, line: "Date: " + now.UTC().Format(http.TimeFormat) + lineEnd}
		d.latest.Store(latest)
	}
	return latest.line
}
