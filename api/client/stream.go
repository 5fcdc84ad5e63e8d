package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// quiet is how long a stream may stand still in both directions before the node is given up. It is longer than a node takes to say why
// it does not get on.
const quiet = 2 * time.Minute

// errQuiet ends a stream that stands still.
var errQuiet = errors.New("nothing came or went for two minutes")

// watched is a stream that is given up when nothing comes or goes. It may be used by many goroutines.
type watched struct {
	ctx   context.Context
	timer *time.Timer
	end   context.CancelCauseFunc
}

func watch(ctx context.Context) *watched {
	w := &watched{}
	w.ctx, w.end = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(quiet, func() { w.end(errQuiet) })
	return w
}

// moved says that something came or went.
func (w *watched) moved() { w.timer.Reset(quiet) }

// stop ends the watch.
func (w *watched) stop() {
	w.timer.Stop()
	w.end(nil)
}

// why is err, or why the stream was given up, if it was.
func (w *watched) why(err error) error {
	if cause := context.Cause(w.ctx); errors.Is(cause, errQuiet) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// watchedReader is a reader whose reads are movements.
type watchedReader struct {
	io.Reader
	watch *watched
}

func (r watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.watch.moved()
	return n, err
}

// stream makes a request whose body or answer is of any length: it is bounded by its watch, and not as a whole. The caller must close the
// body of the response, whose status is 200.
func (c *Client) stream(w *watched, method, path string, body io.Reader) (*http.Response, error) {
	if body != nil {
		body = watchedReader{body, w} // of no type that net/http would close, or send with a length that may change
	}
	request, err := http.NewRequestWithContext(w.ctx, method, c.server+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	c.sign(request)
	patient := c.http
	patient.Timeout = 0
	response, err := patient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the node: %w", w.why(err))
	}
	if response.StatusCode != http.StatusOK {
		defer discard(response)
		return nil, refused(response)
	}
	return response, nil
}
