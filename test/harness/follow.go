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

// Answer is what a visitor got.
type Answer struct {
	// Status is the HTTP status, Location and RetryAfter the headers of that name.
	Status               int
	Location, RetryAfter string
	// Err tells that no answer came; all else is empty then.
	Err error
}

// Follow visits a short link of a node the way a browser does, and does not go where it leads.
func Follow(ctx context.Context, visitor *http.Client, node Endpoint, code string) Answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, node.URL()+"/"+code, http.NoBody)
	if err != nil {
		return Answer{Err: err}
	}
	response, err := visitor.Do(request)
	if err != nil {
		return Answer{Err: err}
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	return Answer{
		Status: response.StatusCode, Location: response.Header.Get("Location"), RetryAfter: response.Header.Get("Retry-After"),
	}
}

// judge holds an answer against the target that was acknowledged.
func (a Answer) judge(target string) verdict {
	switch {
	case a.Err != nil:
		return unreachable
	case a.Status == http.StatusFound && a.Location == target:
		return right
	case a.Status == http.StatusServiceUnavailable && a.RetryAfter != "":
		return unavailable
	}
	return wrong
}

// String says what came.
func (a Answer) String() string {
	if a.Err != nil {
		return a.Err.Error()
	}
	return fmt.Sprintf("status %d, Location %q, Retry-After %q", a.Status, a.Location, a.RetryAfter)
}

// Visit follows a link on a node. An answer takes 5 s at most.
func (c *Cluster) Visit(n *Node, code string) Answer {
	ctx, cancel := context.WithTimeout(c.tb.Context(), verifyTimeout)
	defer cancel()
	return Follow(ctx, c.http, n, code)
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
