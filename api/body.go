package api

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const (
	// bodyFactor is how many times its own length a body may take in memory, itself included: strings, drafts and an answer
	// are made of it. Tests hold the reading of bodies to it.
	bodyFactor = 5
	// untoldFactor is the same for the reading of a body of untold length: pieces, and the whole that is put together of them.
	untoldFactor = 3
	// rowBytes is what each row of a bulk may take beside that, in bytes: a result and its part of the answer, which may be
	// far longer than the row.
	rowBytes = 4 << 10
	// strangersPart is which part of the memory, and of the calls in flight, those without a key may take: all others have the rest.
	strangersPart = 4
)

// budget bounds the memory that request bodies and what is made of them take at once, in bytes.
type budget struct {
	limit int64
	used  atomic.Int64
	// strangers is what of used is reserved for calls without a key.
	strangers atomic.Int64
}

// hold makes n bytes what is reserved for c, more or less than before. It refuses without waiting, and then leaves c what it
// had.
func (b *budget) hold(c *call, n int64) error {
	more, strange := n-c.held, int64(0)
	if c.by.ID == access.Anonymous {
		strange = n - c.strange
	}
	used, strangers := b.used.Add(more), b.strangers.Add(strange)
	if more > 0 && used > b.limit || strange > 0 && strangers > b.limit/strangersPart {
		b.used.Add(-more)
		b.strangers.Add(-strange)
		return link.ErrOverloaded
	}
	c.held, c.strange = n, c.strange+strange
	return nil
}

// free gives back all that is reserved for c.
func (b *budget) free(c *call) {
	b.used.Add(-c.held)
	b.strangers.Add(-c.strange)
	c.held, c.strange = 0, 0
}

// limitBody refuses a body that says to be longer than limit bytes, and bounds the reading of all others.
func limitBody(g *gin.Context, limit int64) error {
	r, w := g.Request, netWriter(g)
	if r.ContentLength <= limit {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		return nil
	}
	if !waits(r) {
		// Going past the limit of a MaxBytesReader tells net/http to close the connection with care. Otherwise the bytes on
		// their way may reset it before the client has read why it was refused.
		_, _ = http.MaxBytesReader(w, r.Body, 0).Read(make([]byte, 1))
	}
	return errTooLarge
}

// skipBody reads a body to its end, or to its limit, and keeps nothing of it. It is for requests that are refused for
// another reason: size comes first in the order of judgement, and a client that is still sending might not see the answer.
func skipBody(r *http.Request) error {
	if r.ContentLength >= 0 && waits(r) {
		return nil
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil && r.ContentLength < 0 {
		return bodyError(err) // a length that was told has been judged
	}
	return nil
}

// readBody reads a whole body.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, bodyError(err)
		}
		return body, nil
	}
	// One allocation of the right size; limitBody has judged it, and the budget has room for it.
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, bodyError(err)
	}
	return body, nil
}

// bodyError says what a failed read of a body means: it is too long, the connection's read deadline passed, or the client
// broke off or sent what is no HTTP body.
func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlowClient
	}
	return invalid(errJSON, "the body ended early or could not be read")
}

// waits reports whether the client holds its body back until it is asked for it.
func waits(r *http.Request) bool { return r.Header.Get("Expect") != "" }

// netWriter gives net/http's own ResponseWriter, which knows more than gin's around it, and whatever else is around that.
func netWriter(g *gin.Context) http.ResponseWriter {
	var w http.ResponseWriter = g.Writer
	for {
		around, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = around.Unwrap()
	}
}
