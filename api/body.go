package api

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"

	"tinyurl/fsm/link"
)

// budget bounds the bytes of request bodies held in memory at once.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves n bytes, or refuses without waiting. What was taken is given back by the func.
func (b *budget) take(n int64) (release func(), err error) {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return nil, link.ErrOverloaded
	}
	return func() { b.used.Add(-n) }, nil
}

// checkSize refuses a body that says to be longer than limit bytes.
func checkSize(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return errTooLarge
	}
	return nil
}

// skipBody reads a body of unknown length to learn whether it is longer than limit bytes, and keeps nothing of it. It
// serves requests refused for another reason: size comes first in the order of judgement.
func skipBody(r *http.Request, limit int64) error {
	if r.ContentLength >= 0 {
		return nil // checkSize has judged it
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, limit+1))
	if err != nil {
		return bodyError(err)
	}
	if n > limit {
		return errTooLarge
	}
	return nil
}

// readBody reads a whole body of at most limit bytes.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength) // checkSize has judged it
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, bodyError(err)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if int64(len(body)) > limit {
		return nil, errTooLarge
	}
	return body, nil
}

// bodyError says what a failed read of a body means: the connection's read deadline passed, or the client broke off or
// sent what is no HTTP body.
func bodyError(err error) error {
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return errSlowClient
	}
	return invalid(errJSON, "the body ended early or could not be read")
}
