package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/openapi"
	"tinyurl/api/v1"
)

func TestTheDescriptionIsServedToAnybody(t *testing.T) {
	f := newFixture(t)
	for _, method := range []string{"GET", "HEAD"} {
		w := f.do(method, "/api/v1/openapi.json", "", "Authorization", "")
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: status %d, header %v", method, w.Code, h)
		}
		if !bytes.Equal(w.Body.Bytes(), openapi.Document()) {
			t.Errorf("%s: %d bytes", method, w.Body.Len())
		}
	}
	f.refused(f.do("POST", "/api/v1/openapi.json", ""), 405, v1.MethodNotAllowed)
}

func TestThePageForPeopleRunsItsOwnScriptAlone(t *testing.T) {
	f := newFixture(t)
	page, policy := openapi.Page()
	w := f.do("GET", "/docs", "", "Authorization", "")
	h := w.Header()
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), page) || h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("X-Robots-Tag") != "noindex" {
		t.Errorf("status %d, header %v", w.Code, h)
	}
	if got := h.Get("Content-Security-Policy"); got != policy || strings.Contains(got, "unsafe") {
		t.Errorf("policy %q", got)
	}
	f.refused(f.do("POST", "/docs", "password=x", "Content-Type", formType), 405, v1.MethodNotAllowed)
}

func TestEveryWordOfARefusalIsDescribed(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas struct{ ProblemCode struct{ Enum []v1.Code } }
		}
	}
	if err := json.Unmarshal(openapi.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	var want []v1.Code
	for _, row := range refusals() {
		want = append(want, row.code)
	}
	slices.Sort(want)
	got := doc.Components.Schemas.ProblemCode.Enum
	slices.Sort(got)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("the table and the description differ (-table +description):\n%s", diff)
	}
}
