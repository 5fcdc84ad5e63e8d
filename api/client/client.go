// Package client talks to the JSON API of a node. It is small on purpose: one method a call, contexts first, typed errors,
// and no retries of its own. A caller that wants to retry a create gives it an idempotency key.
//
// Any node of a cluster will do. What a node refuses is an *Error, and errors.Is(err, v1.SlugTaken) and its like ask for the reason; an
// error that is none means that no answer came, so what became of the request is unknown. A key without the
// scope for a call is refused as v1.Forbidden. Lists come page by page, each when it is asked for.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tinyurl/api/v1"
)

const (
	// maxAnswer is the longest answer read, in bytes.
	maxAnswer = 64 << 20
	// maxRefusal is the longest body of a refusal read, in bytes.
	maxRefusal = 64 << 10
	// defaultTimeout bounds a whole call where the caller brings neither an http.Client nor a sooner deadline.
	defaultTimeout = time.Minute
)

const (
	linksPath         = "/api/v1/links"
	idempotencyHeader = "Idempotency-Key"
)

// linkPath is where the link of a code is read and changed.
func linkPath(code string) string { return linksPath + "/" + url.PathEscape(code) }

// header is a line of a request's header that only some calls have; there is none without a value.
type header struct{ name, value string }

// Client calls one node. It is immutable and may be used by any number of goroutines.
type Client struct {
	server string
	key    string
	http   http.Client
}

// New makes a client of the node whose HTTP listener is at server ("http://127.0.0.1:8080"). The key may be empty for
// calls that need none. Redirects are never followed, whatever httpClient says: the key must not travel on. Nil means a
// client of its own with a timeout of a minute.
func New(server, key string, httpClient *http.Client) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("server %q must be of the form http://host[:port]", server)
	}
	c := &Client{server: strings.TrimRight(server, "/"), key: key, http: http.Client{Timeout: defaultTimeout}}
	if httpClient != nil {
		c.http = *httpClient
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Create makes one link, or finds it if link.FindIfExists is set; CreateOrFind tells the two apart. With an idempotency key (1 to 255 printable ASCII characters) it
// may be tried again, on any node, with the same request: the first answer comes back and no second link is made. Without, a lost
// answer leaves unknown whether there is a link.
func (c *Client) Create(ctx context.Context, link v1.CreateLink, idempotencyKey string) (v1.Link, error) {
	var made v1.Link
	err := c.call(ctx, http.MethodPost, linksPath, header{idempotencyHeader, idempotencyKey}, link, &made)
	return made, err
}

// CreateOrFind gives the oldest living link that is like the one asked for, see v1.CreateLink.FindIfExists, or makes it; found says that
// it was there. For the idempotency key see Create.
func (c *Client) CreateOrFind(ctx context.Context, link v1.CreateLink, idempotencyKey string) (_ v1.Link, found bool, err error) {
	link.FindIfExists = true
	var answer v1.Link
	status, err := c.ask(ctx, http.MethodPost, linksPath, header{idempotencyHeader, idempotencyKey}, link, &answer)
	return answer, status == http.StatusOK, err
}

// CreateBulk makes up to 1,000 links and gives one result a row, in order. An error is for the call as a whole.
func (c *Client) CreateBulk(ctx context.Context, links []v1.CreateLink, idempotencyKey string) ([]v1.Result, error) {
	var answer v1.Results
	if links == nil {
		links = []v1.CreateLink{}
	}
	err := c.call(ctx, http.MethodPost, linksPath+"/bulk", header{idempotencyHeader, idempotencyKey}, v1.CreateLinks{Links: links}, &answer)
	if err == nil && len(answer.Results) != len(links) {
		err = fmt.Errorf("%d links were asked for, %d results came", len(links), len(answer.Results))
	}
	return answer.Results, err
}

// Get reads a link: linearizable, or as the node itself knows it when local is set. A local read needs no leader, and may
// miss what was made elsewhere a moment ago.
func (c *Client) Get(ctx context.Context, code string, local bool) (v1.Link, error) {
	path := linkPath(code)
	if local {
		path += "?consistency=local"
	}
	var found v1.Link
	err := c.call(ctx, http.MethodGet, path, header{}, nil, &found)
	return found, err
}

// Edit changes a link and gives it as it is then. With an ifVersion other than 0 it does so only if that is the link's version, else
// it answers v1.PreconditionFailed: what was read and changed is written only if nobody else changed it in between. A lost answer
// leaves unknown whether the link changed; to try again with the same ifVersion is safe.
func (c *Client) Edit(ctx context.Context, code string, change v1.EditLink, ifVersion uint64) (v1.Link, error) {
	var condition header
	if ifVersion != 0 {
		condition = header{"If-Match", strconv.Quote(strconv.FormatUint(ifVersion, 10))}
	}
	var changed v1.Link
	err := c.call(ctx, http.MethodPatch, linkPath(code), condition, change, &changed)
	return changed, err
}

// Delete ends a link for ever: its code is never used again. Deleting a deleted one is v1.Gone.
func (c *Client) Delete(ctx context.Context, code string) error {
	return c.call(ctx, http.MethodDelete, linkPath(code), header{}, nil, nil)
}

// Resolve asks where a code leads, the way a visitor would, and does not go there. It needs no key.
func (c *Client) Resolve(ctx context.Context, code string) (string, error) {
	response, err := c.send(ctx, http.MethodGet, "/"+url.PathEscape(code), header{}, nil)
	if err != nil {
		return "", err
	}
	defer discard(response)
	if location := response.Header.Get("Location"); location != "" && response.StatusCode/100 == 3 {
		return location, nil
	}
	return "", refused(response)
}

// Ready asks /readyz; the error names the checks that failed. It needs no key.
func (c *Client) Ready(ctx context.Context) error {
	response, err := c.send(ctx, http.MethodGet, "/readyz", header{}, nil)
	if err != nil {
		return err
	}
	defer discard(response)
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return refused(response)
}

// call is ask where any success is as good as another.
func (c *Client) call(ctx context.Context, method, path string, extra header, in, out any) error {
	_, err := c.ask(ctx, method, path, extra, in, out)
	return err
}

// ask is what all methods of the JSON API are made of. It sends in as JSON, if it is not nil, reads the answer into out, which is nil for
// calls that have none, and gives the status of a success.
func (c *Client) ask(ctx context.Context, method, path string, extra header, in, out any) (status int, err error) {
	response, err := c.send(ctx, method, path, extra, in)
	if err != nil {
		return 0, err
	}
	defer discard(response)
	if response.StatusCode/100 != 2 {
		return 0, refused(response)
	}
	if out == nil {
		if response.StatusCode != http.StatusNoContent {
			return 0, fmt.Errorf("%s %s: %w: status %d instead of 204", method, path, ErrNoAnswer, response.StatusCode) // such as a proxy's page
		}
		return response.StatusCode, nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(out); err != nil {
		return 0, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return response.StatusCode, nil
}

// send makes one request. The caller must discard the response. An error here means that no answer came: whether the node
// did what was asked is unknown.
func (c *Client) send(ctx context.Context, method, path string, extra header, in any) (*http.Response, error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := encode(in)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	c.sign(request)
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if extra.value != "" {
		request.Header.Set(extra.name, extra.value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		// *url.Error names method and URL already.
		return nil, fmt.Errorf("ask the node: %w", err)
	}
	return response, nil
}

// sign says who asks, and what answers are understood.
func (c *Client) sign(request *http.Request) {
	// Without it a visitor's refusal would be a page.
	request.Header.Set("Accept", "application/json, "+v1.ProblemType)
	request.Header.Set("User-Agent", "tinyurl-client/1")
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
}

// encode writes JSON with URLs as they are, without HTML escapes.
func encode(in any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(in); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// discard reads what little may be left, so that the connection can be used again.
func discard(response *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxRefusal))
	_ = response.Body.Close()
}

// ErrNoAnswer marks an answer that is not this API's: a proxy's page, or another service at the address.
var ErrNoAnswer = errors.New("this is not an answer of tinyurl's API")
