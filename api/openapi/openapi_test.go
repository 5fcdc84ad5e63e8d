package openapi

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// parsed is the document as far as its own tests need it.
type parsed struct {
	OpenAPI    string
	Tags       []struct{ Name string }
	Paths      map[string]map[string]operation
	Components map[string]map[string]any
}

type operation struct {
	OperationID string
	Tags        []string
	Summary     string
	Responses   map[string]any
}

func parse(t *testing.T) parsed {
	t.Helper()
	var doc parsed
	if err := json.Unmarshal(Document(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheDocumentIsOpenAPI31(t *testing.T) {
	if doc := parse(t); doc.OpenAPI != "3.1.0" || len(doc.Paths) == 0 {
		t.Errorf("version %q with %d paths", doc.OpenAPI, len(doc.Paths))
	}
}

func TestEveryOperationHasANameASummaryAndAGroup(t *testing.T) {
	doc := parse(t)
	seen := make(map[string]bool)
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 || len(op.Responses) == 0 || seen[op.OperationID] {
				t.Errorf("%s %s: %+v", method, path, op)
				continue
			}
			seen[op.OperationID] = true
			if !slices.ContainsFunc(doc.Tags, func(tag struct{ Name string }) bool { return tag.Name == op.Tags[0] }) {
				t.Errorf("%s %s is of no known group: %s", method, path, op.Tags[0])
			}
		}
	}
}

func TestNothingInTheDocumentIsUnused(t *testing.T) {
	doc := parse(t)
	for kind, all := range doc.Components {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if kind != "securitySchemes" && !strings.Contains(string(Document()), `"#/components/`+kind+`/`+name+`"`) {
				t.Errorf("%s/%s is used nowhere", kind, name)
			}
		}
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	html, policy := Page()
	text := string(html)
	for _, tag := range []string{"style", "script"} {
		if strings.Count(text, "<"+tag) != 1 || strings.Count(text, "</"+tag+">") != 1 {
			t.Errorf("the policy names one %s, and the page has another number of them", tag)
		}
		if !strings.Contains(policy, tag+"-src '"+hashOf(html, tag)+"'") {
			t.Errorf("policy %s", policy)
		}
	}
	if found := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9]|@import|(?-i:\burl\()|\bsrc=| on[a-z]+="|style="|innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b`).FindString(text); found != "" {
		t.Errorf("the page has %q", found)
	}
	for _, directive := range []string{"default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("policy %s is without %s", policy, directive)
		}
	}
	if strings.Contains(policy, "unsafe") || hashOf(html, "style") == hashOf(html, "script") {
		t.Errorf("policy %s", policy)
	}
}

func TestThePageCanBeReadWithoutAScript(t *testing.T) {
	html, _ := Page()
	_, inside, _ := strings.Cut(string(html), "<noscript>")
	inside, _, _ = strings.Cut(inside, "</noscript>")
	if !strings.Contains(inside, `href="api/v1/openapi.json"`) {
		t.Errorf("no link to the document: %q", inside)
	}
}
