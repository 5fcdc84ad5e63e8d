// Package compattest reads recorded requests and responses of other shorteners, and holds answers against them.
package compattest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tinyurl/api/v1"
)

// Key is the API key of recordings, in which {key} stands for it, and PublicURL what short URLs begin with.
const (
	Key       = "tu_0123456789abcdefghijklmnopqrstuvwxyz"
	PublicURL = "https://sho.rt"
)

// Noon is the time of all recordings.
func Noon() time.Time { return time.Date(2030, 1, 31, 12, 0, 0, 123_000_000, time.UTC) }

// Links are those that are there when a request of a recording comes, in the order in which they were made. Besides, "buried" was deleted.
func Links() []*v1.Link {
	owned := func(code, target string, change func(*v1.Link)) *v1.Link {
		l := &v1.Link{
			ShortCode: code, ShortURL: PublicURL + "/" + code, LongURL: target, Tags: []string{}, RedirectStatus: 302, ForwardQuery: true, Enabled: true, Version: 1,
			CreatedAt: v1.Time{Time: Noon()}, UpdatedAt: v1.Time{Time: Noon()},
		}
		change(l)
		return l
	}
	return []*v1.Link{
		owned("abc123", "https://example.com/docs?a=1&b=<2>", func(l *v1.Link) {
			l.Title, l.Tags, l.Visits = "My cool <title>", []string{"bar", "foo"}, v1.Visits{Total: 3, NonBots: 3}
		}),
		owned("custom", "https://example.org/", func(l *v1.Link) {
			most := uint64(9)
			l.ValidSince, l.MaxVisits, l.ForwardQuery = &v1.Time{Time: time.Date(2020, 5, 1, 0, 0, 0, 0, time.UTC)}, &most, false
		}),
	}
}

// Tags are those of Links.
func Tags() []v1.Tag { return []v1.Tag{{Tag: "bar", Links: 1}, {Tag: "foo", Links: 1}} }

// Case is one recording.
type Case struct {
	Name string

	method, target, body string
	header               http.Header
	status               int
	want                 http.Header
	content              string
}

// Read reads the recordings below a directory.
func Read(dir string) ([]Case, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.txtar"))
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		c, err := parse(txtar.Parse(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		c.Name, _ = filepath.Rel(dir, strings.TrimSuffix(path, ".txtar"))
		cases = append(cases, c)
	}
	return cases, nil
}

func parse(a *txtar.Archive) (c Case, err error) {
	if len(a.Files) != 2 || a.Files[0].Name != "request" || a.Files[1].Name != "response" {
		return c, fmt.Errorf("a recording is a request and a response")
	}
	first, header, body := message(string(a.Files[0].Data))
	c.method, c.target, _ = strings.Cut(strings.ReplaceAll(first, "{key}", Key), " ")
	c.header, c.body = header, strings.ReplaceAll(body, "{key}", Key)
	first, c.want, c.content = message(string(a.Files[1].Data))
	c.status, err = strconv.Atoi(first)
	return c, err
}

// message takes a first line, a header and a body apart.
func message(text string) (first string, header http.Header, body string) {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := bufio.NewScanner(strings.NewReader(head))
	lines.Scan()
	first, header = lines.Text(), make(http.Header)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		header.Add(name, strings.ReplaceAll(value, "{key}", Key))
	}
	return first, header, strings.TrimSuffix(body, "\n")
}

// Request makes the request.
func (c Case) Request() *http.Request {
	body := c.body
	if strings.HasPrefix(c.header.Get("Content-Type"), "multipart/") {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	r := httptest.NewRequest(c.method, c.target, strings.NewReader(body))
	for name, values := range c.header {
		r.Header[name] = values
	}
	return r
}

// Check holds an answer against the response: its status, those lines of the header that were recorded, and the body. JSON may be written
// in any way.
func (c Case) Check(w *httptest.ResponseRecorder) error {
	if w.Code != c.status {
		return fmt.Errorf("status %d, want %d; body %s", w.Code, c.status, w.Body)
	}
	for name := range c.want {
		if got, want := w.Header().Get(name), c.want.Get(name); got != want {
			return fmt.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	got := w.Body.String()
	if strings.HasSuffix(c.want.Get("Content-Type"), "json") {
		var is, wanted any
		if err := json.Unmarshal([]byte(c.content), &wanted); err != nil {
			return fmt.Errorf("the recording: %w", err)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &is); err != nil {
			return fmt.Errorf("%w: %s", err, got)
		}
		if !reflect.DeepEqual(is, wanted) {
			return fmt.Errorf("body\n%s\nwant\n%s", got, c.content)
		}
		return nil
	}
	if strings.TrimSuffix(got, "\n") != c.content {
		return fmt.Errorf("body\n%q\nwant\n%q", got, c.content)
	}
	return nil
}
