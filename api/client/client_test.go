package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
)

// answering gives a client of a server that answers everything with one answer.
func answering(t *testing.T, status int, mediaType, body string, header ...string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL+"/", "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServersThatCannotBeAreRefused(t *testing.T) {
	for _, server := range []string{"", "localhost:8080", "ftp://a", "http://", "http://a?b", "http://a#b", "http://a\n", "://"} {
		if c, err := New(server, "", nil); err == nil {
			t.Errorf("%q: %+v", server, c)
		}
	}
}

func TestStrangersAreNotTakenForTheAPI(t *testing.T) {
	for name, c := range map[string]*Client{
		"page":               answering(t, 502, "text/html", "<h1>Bad gateway</h1>"),
		"plain":              answering(t, 404, "text/plain", "404 page not found"),
		"broken problem":     answering(t, 500, v1.ProblemType, "{"),
		"problem of another": answering(t, 500, v1.ProblemType, `{"title":"Oops"}`),
		"redirect":           answering(t, 302, "text/html", "", "Location", "https://login.example/"),
	} {
		_, err := c.Create(context.Background(), v1.CreateLink{LongURL: "https://example.com"}, "")
		refusal, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, ErrNoAnswer) || refusal.Code != "" || refusal.Status == 0 || errors.Is(err, v1.Code("")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]*Client{
		"page":  answering(t, 200, "text/html", "<h1>Welcome</h1>"),
		"empty": answering(t, 200, "application/json", ""),
	} {
		if _, err := c.Get(context.Background(), "abc", false); err == nil {
			t.Errorf("%s: taken for a link", name)
		}
	}
	if _, err := answering(t, 200, "text/html", "hi").Resolve(context.Background(), "abc"); err == nil {
		t.Error("a page was taken for a redirect")
	}
}

func TestTheStatusOfTheAnswerCounts(t *testing.T) {
	c := answering(t, 503, v1.ProblemType+"; charset=utf-8", `{"status":200,"code":"no_leader","detail":"none"}`, "Retry-After", "7")
	err := c.Delete(context.Background(), "abc")
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Status != 503 || refusal.RetryAfter != 7*time.Second || err.Error() != "no_leader: none" {
		t.Errorf("%v", err)
	}
	c = answering(t, 503, v1.ProblemType, `{"code":"no_leader"}`, "Retry-After", "Fri, 31 Dec 2030 23:59:59 GMT")
	if refusal, _ := errors.AsType[*Error](c.Leave(context.Background())); refusal == nil || refusal.RetryAfter != 0 {
		t.Errorf("%+v", refusal)
	}
}

func TestResultsMustMatchTheRows(t *testing.T) {
	c := answering(t, 200, "application/json", `{"results":[]}`)
	if _, err := c.CreateBulk(context.Background(), []v1.CreateLink{{LongURL: "https://example.com"}}, ""); err == nil {
		t.Error("no result for a row was taken")
	}
}

func TestTheKeyDoesNotFollowRedirects(t *testing.T) {
	var visited bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	t.Cleanup(other.Close)
	c := answering(t, 307, "text/plain", "", "Location", other.URL)
	if err := c.Delete(context.Background(), "abc"); err == nil || visited {
		t.Errorf("%v, visited %v", err, visited)
	}
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	c := answering(t, 200, "application/json", "{}")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Cluster(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestRequestsCarryWhatTheAPIAsksFor(t *testing.T) {
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(context.Background(), v1.CreateLink{LongURL: "https://example.com/<&>"}, "k"); err != nil {
		t.Fatal(err)
	}
	if got.URL.Path != "/api/v1/links" || got.Header.Get("Authorization") != "Bearer secret" || got.Header.Get("Idempotency-Key") != "k" ||
		strings.TrimSpace(body) != `{"longUrl":"https://example.com/<&>"}` {
		t.Errorf("%s %v %s", got.URL, got.Header, body)
	}
}
