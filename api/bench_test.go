package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// nullWriter is a ResponseWriter that costs nothing.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(int)             {}

// againBody is a body that can be read again and again.
type againBody struct{ bytes.Reader }

func (*againBody) Close() error { return nil }

// benchServe serves one request again and again, router, metrics and recovery included. The request is not made anew, so that what
// is measured is ours.
func benchServe(b *testing.B, f *fixture, method, path, body string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", testKey)
	again := new(againBody)
	w := &nullWriter{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		again.Reset([]byte(body))
		r.Body = again
		clear(w.header)
		f.ServeHTTP(w, r)
	}
}

func BenchmarkServeRedirect(b *testing.B) {
	f := newFixture(b)
	f.add("abcdefg", "https://example.com/some/path?and=query")
	benchServe(b, f, "GET", "/abcdefg", "")
}

func BenchmarkServeMiss(b *testing.B) {
	benchServe(b, newFixture(b), "GET", "/abcdefg", "")
}

func BenchmarkServeCreate(b *testing.B) {
	f := newFixture(b, func(c *Config) { c.Links = sameLink{} })
	benchServe(b, f, "POST", links, benchBody)
}

func BenchmarkServeBulk(b *testing.B) {
	const rows = 1000
	f := newFixture(b, func(c *Config) { c.Links = sameLinks{} })
	body := `{"links":[` + strings.Repeat(benchBody+",", rows-1) + benchBody + `]}`
	benchServe(b, f, "POST", bulk, body)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/link")
}

const benchBody = `{"longUrl":"https://example.com/some/path?and=query"}`

// sameLinks makes a link like it for every draft.
type sameLinks struct{ Links }

func (sameLinks) Create(_ context.Context, _ access.Holder, drafts []link.Draft) ([]Made, error) {
	made := make([]Made, len(drafts))
	for i, d := range drafts {
		made[i].Link = link.Link{Code: "abcdefg", Fields: link.Fields{Target: d.Target}, CreatedAt: noon, UpdatedAt: noon, Version: 1}
	}
	return made, nil
}

// BenchmarkReadCreate is what a create costs from its bytes to its draft: strict JSON, then the fields.
func BenchmarkReadCreate(b *testing.B) {
	for _, header := range []string{"", "8b1c6c0e-3f0e-4f0a-9a53-0d9b1e2c7f11"} {
		b.Run(fmt.Sprintf("once=%v", header != ""), func(b *testing.B) {
			f := newFixture(b)
			c := &call{request: httptest.NewRequest("POST", links, http.NoBody), body: []byte(benchBody)}
			if header != "" {
				c.request.Header.Set(idempotencyKey, header)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.read(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// read does what createLink does before it asks the cluster.
func (f *fixture) read(c *call) (link.Draft, error) {
	if err := wellFormed(c.body, &patience{ctx: c.request.Context()}); err != nil {
		return link.Draft{}, err
	}
	want, err := parseWanted(c.body, ofCreate)
	if err != nil {
		return link.Draft{}, err
	}
	once, err := onceOf(c)
	if err != nil {
		return link.Draft{}, err
	}
	d, err := f.links.rules.draft(&want, once != nil)
	d.Once = once
	return d, err
}

// BenchmarkWriteCreate is what a create costs from its link to the bytes of the answer.
func BenchmarkWriteCreate(b *testing.B) {
	f := newFixture(b)
	made := link.Link{Code: "abcdefg", Fields: link.Fields{Target: "https://example.com/some/path?and=query"}, CreatedAt: noon, UpdatedAt: noon, Version: 1}
	w := &nullWriter{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		answer := reply{status: http.StatusCreated, header: []headerLine{{"Location", base + "/links/" + string(made.Code)}}, body: f.links.shown(made)}
		if err := answer.write(w); err != nil {
			b.Fatal(err)
		}
	}
}
