package shop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// memory is a store of one link.
type memory struct{ target string }

func (m *memory) Create(_ context.Context, target string) (string, error) {
	m.target = target
	return Encode(1), nil
}

func (m *memory) Find(_ context.Context, code string) (string, error) {
	if code != Encode(1) || m.target == "" {
		return "", ErrNotFound
	}
	return m.target, nil
}

func TestLinksAreMadeAndFollowed(t *testing.T) {
	h := Handler(&memory{}, "http://short", "key")
	ask := func(method, path, key, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		method, path, key, body string
		status                  int
	}{
		{"GET", "/0000001", "", "", http.StatusNotFound},
		{"POST", "/api/v1/links", "wrong", `{"longUrl":"https://a.example/"}`, http.StatusUnauthorized},
		{"POST", "/api/v1/links", "key", `{"longUrl":"ftp://a.example/"}`, http.StatusUnprocessableEntity},
		{"POST", "/api/v1/links", "key", `{"longUrl":"https://a.example/"}`, http.StatusCreated},
		{"GET", "/0000001", "", "", http.StatusFound},
		{"GET", "/short", "", "", http.StatusNotFound},
		{"GET", "/healthz", "", "", http.StatusOK},
	} {
		w := ask(c.method, c.path, c.key, c.body)
		if w.Code != c.status {
			t.Errorf("%s %s: %d, not %d: %s", c.method, c.path, w.Code, c.status, w.Body)
		}
		if c.status == http.StatusFound && w.Header().Get("Location") != "https://a.example/" {
			t.Errorf("it leads to %q", w.Header().Get("Location"))
		}
	}
}

func TestCodesAreNumbers(t *testing.T) {
	for _, n := range []uint64{0, 1, 61, 62, 123456789, 62*62*62*62*62*62*62 - 1} {
		if got, ok := Decode(Encode(n)); !ok || got != n || len(Encode(n)) != CodeLength {
			t.Errorf("%d came back as %d, %v", n, got, ok)
		}
	}
	if _, ok := Decode("abc-def"); ok {
		t.Error("a dash is no letter")
	}
}
