package harness

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// verdict is what an answer to a visitor of an acknowledged link means.
type verdict int

const (
	right       verdict = iota // the redirect that was promised
	unavailable                // 503 with Retry-After: the node does not say that the link is not there
	unreachable                // no answer came
	wrong                      // anything else: 404, 410, another target, another status
)

// answer is what a visitor got.
type answer struct {
	status   int
	location string
	retry    string // the Retry-After header
	err      error  // no answer; all else is empty then
}

// follow visits a short link the way a browser does, and does not go where it leads.
func follow(ctx context.Context, visitor *http.Client, base, code string) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/"+code, http.NoBody)
	if err != nil {
		return answer{err: err}
	}
	response, err := visitor.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	return answer{status: response.StatusCode, location: response.Header.Get("Location"), retry: response.Header.Get("Retry-After")}
}

// judge holds an answer against the target that was acknowledged.
func (a answer) judge(target string) verdict {
	switch {
	case a.err != nil:
		return unreachable
	case a.status == http.StatusFound && a.location == target:
		return right
	case a.status == http.StatusServiceUnavailable && a.retry != "":
		return unavailable
	}
	return wrong
}

// String says what came.
func (a answer) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprintf("status %d, Location %q, Retry-After %q", a.status, a.location, a.retry)
}

// newVisitor makes an HTTP client that keeps its connections, as many as there are users of it, and follows nothing.
func newVisitor(users int, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
			MaxIdleConnsPerHost: users,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
