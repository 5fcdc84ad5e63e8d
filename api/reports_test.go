package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

const (
	reportPath  = "/api/v1/report"
	reportsPath = "/api/v1/reports"
	oneReport   = `{"shortCode":"seen","reason":"spam"}`
)

// reportOperations are those that need a key.
func reportOperations() []operation {
	return []operation{
		{"GET", reportsPath, "", access.Admin},
		{"DELETE", reportsPath + "/" + someReported, "", access.Admin},
	}
}

func TestAnybodyReportsALink(t *testing.T) {
	f := keeper(t)
	delete(f.kept.reports, someReported)
	for i, header := range []http.Header{{"Authorization": nil}, {"Authorization": {"Bearer wrong"}}, {"X-Api-Key": {"a", "b"}}, {}} {
		w := f.doWith("POST", reportPath, `{"shortCode":"seen","reason":"spam `+fmt.Sprint(i)+`"}`, header)
		if w.Code != 204 || w.Body.Len() != 0 {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
	if r := f.kept.reports[someReported]; r.Count != 4 || r.Reason != "spam 3" {
		t.Errorf("%+v", r)
	}
	page := decode[v1.ReportPage](t, f.do("GET", reportsPath, ""), 200)
	if r := page.Data[0]; len(page.Data) != 1 || r.ShortCode != someReported || r.Count != 4 || r.Reason != "spam 3" || !r.CreatedAt.Equal(noon) || !r.UpdatedAt.Equal(noon) {
		t.Errorf("%+v", page)
	}
	if w := f.do("DELETE", reportsPath+"/"+someReported, ""); w.Code != 204 || len(f.kept.reports) != 0 {
		t.Errorf("status %d", w.Code)
	}
	f.refused(f.do("DELETE", reportsPath+"/"+someReported, ""), 404, v1.NotFound)
}

func TestBadReportsAreRefused(t *testing.T) {
	for body, element := range map[string]string{
		`{}`: "shortCode", `{"reason":"x"}`: "shortCode", `{"shortCode":null,"reason":"x"}`: "shortCode", `{"shortCode":"","reason":"x"}`: "shortCode",
		`{"shortCode":"https://sho.rt/seen","reason":"x"}`: "shortCode", `{"shortCode":"a/b","reason":"x"}`: "shortCode", `{"shortCode":"-a","reason":"x"}`: "shortCode",
		`{"shortCode":"` + strings.Repeat("x", 129) + `","reason":"x"}`: "shortCode", `{"shortCode":"seen\u0000","reason":"x"}`: "shortCode",
		`{"shortCode":"seen"}`: "reason", `{"shortCode":"seen","reason":null}`: "reason", `{"shortCode":"seen","reason":""}`: "reason",
		`{"shortCode":"seen","reason":"\u001b[31m"}`: "reason", `{"shortCode":"seen","reason":"` + strings.Repeat("x", access.MaxReason+1) + `"}`: "reason",
	} {
		f := keeper(t)
		f.refused(f.do("POST", reportPath, body), 422, v1.InvalidField, element)
		if f.kept.changes != 0 || f.service.inside.Load() != 0 {
			t.Errorf("%s: something was asked for", clip(body, 80))
		}
	}
	f := keeper(t)
	f.refused(f.do("POST", reportPath, `{"shortCode":"missing","reason":"x"}`), 404, v1.NotFound)
	if w := f.do("POST", reportPath, `{"shortCode":"seen","reason":"`+strings.Repeat("x", access.MaxReason)+`"}`); w.Code != 204 {
		t.Errorf("status %d for the longest reason", w.Code)
	}
}

func TestReportsAreLimitedByAddressAlsoWithoutARateLimit(t *testing.T) {
	clock := &watch{noon}
	f := keeper(t, func(c *Config) { c.Now = clock.read })
	report := func(body string) int {
		return f.doWith("POST", reportPath, body, http.Header{"Authorization": {"Bearer " + testKey}}).Code
	}
	for i := range 10 {
		body, want := oneReport, 204
		if i%2 == 1 {
			body, want = "{", 422 // bad ones count too
		}
		if got := report(body); got != want {
			t.Fatalf("report %d: status %d", i, got)
		}
	}
	w := f.do("POST", reportPath, oneReport)
	f.refused(w, 429, v1.RateLimited)
	toldLimit(t, w, 429, "10", "0", "60", "6")
	if f.kept.changes != 5 {
		t.Errorf("%d changes", f.kept.changes)
	}
	clock.now = clock.now.Add(6 * time.Second)
	if report(oneReport) != 204 || report(oneReport) != 429 {
		t.Error("not one more after six seconds")
	}
	if f.do("GET", reportsPath, "").Code != 200 {
		t.Error("who reads reports is limited")
	}
}

func TestReportsOfManyAddressesAreLimitedTogether(t *testing.T) {
	clock := &watch{noon}
	f := keeper(t, func(c *Config) {
		c.Now = clock.read
		c.Admission.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	reported := func(i int, body string) *httptest.ResponseRecorder {
		return f.from(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}).String(), "", "POST", reportPath, body)
	}
	for i := range 250 { // these never reach the log
		f.refused(reported(i, "{"), 422, v1.InvalidJSON)
	}
	for i := range 100 {
		if w := reported(i, oneReport); w.Code != 204 {
			t.Fatalf("report %d: status %d", i, w.Code)
		}
	}
	w := reported(200, oneReport)
	f.refused(w, 429, v1.RateLimited)
	toldLimit(t, w, 429, "10", "8", "12", "1")
	if f.kept.changes != 100 {
		t.Errorf("%d changes", f.kept.changes)
	}
	clock.now = clock.now.Add(100 * time.Millisecond)
	if first, second := reported(201, oneReport), reported(202, oneReport); first.Code != 204 || second.Code != 429 {
		t.Errorf("status %d and %d a tenth of a second later", first.Code, second.Code)
	}
	if w := f.do("DELETE", reportsPath+"/"+someReported, ""); w.Code != 204 {
		t.Errorf("status %d for who dismisses", w.Code)
	}
}

func TestAReportCountsAsACallWithoutAKey(t *testing.T) {
	f, _, _ := limited(t)
	f.add(someReported, "https://example.com")
	for _, want := range []int{204, 204, 429} {
		if w := f.from(one, "ann", "POST", reportPath, oneReport); w.Code != want {
			t.Errorf("status %d, want %d", w.Code, want)
		}
	}
	for key, want := range map[string]int{"guess": 429, "": 429, "ann": 200} {
		if w := f.from(one, key, "GET", links+"/abc", ""); w.Code != want {
			t.Errorf("%q: status %d, want %d", key, w.Code, want)
		}
	}
}
