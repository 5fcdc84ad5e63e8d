package api

import (
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const (
	denyPath  = "/api/v1/deny"
	oneDenied = `{"host":"worse.example","reason":"malware"}`
)

func denialOperations() []operation {
	return []operation{
		{"POST", denyPath, oneDenied, access.Admin},
		{"GET", denyPath, "", access.Admin},
		{"DELETE", denyPath + "/" + someHost, "", access.Admin},
	}
}

func TestAHostIsDeniedInOneSpelling(t *testing.T) {
	for given, want := range map[string]string{
		"worse.example": "worse.example", "WORSE.Example.": "worse.example", "bücher.example": "xn--bcher-kva.example", "XN--BCHER-KVA.example": "xn--bcher-kva.example",
		"192.0.2.1": "192.0.2.1", "[2001:DB8::0:1]": "[2001:db8::1]", "com": "com", "a_b.example": "a_b.example",
	} {
		f := newFixture(t)
		w := f.do("POST", denyPath, `{"host":"`+given+`"}`)
		got := decode[v1.Denied](t, w, 201)
		if got.Host != want || got.Reason != "" || !got.CreatedAt.Equal(noon) || f.kept.denied[want].Host != want {
			t.Errorf("%s: %+v", given, got)
		}
		location := w.Header().Get("Location")
		if w := f.do("DELETE", location, ""); w.Code != 204 || f.kept.denied[want].Host != "" {
			t.Errorf("DELETE %s: status %d", location, w.Code)
		}
	}
}

func TestAHostThatIsDeniedStays(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST", denyPath, `{"host":"EVIL.example","reason":"other"}`)
	if got := decode[v1.Denied](t, w, 200); got.Host != someHost || got.Reason != "phishing" || f.kept.changes != 0 || w.Header().Get("Location") != "" {
		t.Errorf("%+v, header %v", got, w.Header())
	}
}

func TestBadDenialsAreRefused(t *testing.T) {
	bad := map[string]string{}
	for _, host := range []string{
		"", " ", ".", "a b", "https://worse.example", "worse.example/", "worse.example/x", "worse.example:80", "user@worse.example", "*.worse.example", "*", "a,b", "a;b", "!", "(x)", "a\\u0000b",
		"[::1", "::1]", "[192.0.2.1]", "[::1]:80", "[fe80::1%25eth0]", "?", "#", "%00", strings.Repeat("x", access.MaxHost+1), "a.b.c.d.e.f.g.h.i", "..", "\\u202e",
	} {
		bad[`{"host":"`+host+`"}`] = "host"
	}
	bad[`{}`], bad[`{"host":null}`], bad[`{"reason":"x"}`] = "host", "host", "host"
	bad[`{"host":"worse.example","reason":"`+strings.Repeat("x", access.MaxReason+1)+`"}`] = "reason"
	bad[`{"host":"worse.example","reason":"a\nb"}`] = "reason"
	for body, element := range bad {
		f := newFixture(t)
		w := f.do("POST", denyPath, body)
		if w.Code != 422 {
			t.Errorf("%s: status %d", clip(body, 80), w.Code)
			continue
		}
		f.refused(w, 422, v1.InvalidField, element)
		if f.service.inside.Load() != 0 {
			t.Errorf("%s: the cluster was asked", clip(body, 80))
		}
	}
	decode[v1.Denied](t, newFixture(t).do("POST", denyPath, `{"host":"worse.example","reason":"`+strings.Repeat("x", access.MaxReason)+`"}`), 201)
}

// denying is a fixture whose node denies some hosts by itself.
func denying(t *testing.T) *fixture {
	return newFixture(t, func(c *Config) {
		c.Admission.Denied = func(host string) bool { return strings.HasSuffix("."+host, ".evil.example") }
	})
}

func TestTheClusterIsToldTheHostOfEveryTarget(t *testing.T) {
	f := denying(t)
	f.add("abc", "https://example.com")
	for target, host := range map[string]string{
		"https://Example.COM/x": "example.com", "http://user@BÜCHER.example:8080/?a=http://evil.example": "xn--bcher-kva.example", "http://[::1]:80/": "[::1]",
	} {
		f.service.drafts, f.service.edits = nil, nil
		decode[v1.Link](t, f.do("POST", links, `{"longUrl":"`+target+`"}`), 201)
		decode[v1.Results](t, f.do("POST", bulk, `{"links":[{"longUrl":"`+target+`"}]}`), 200)
		decode[v1.Link](t, f.do("PATCH", links+"/abc", `{"longUrl":"`+target+`"}`), 200)
		if f.service.drafts[0].Host != host || f.service.drafts[1].Host != host || f.service.edits[0].Host != host {
			t.Errorf("%s: %+v, %+v", target, f.service.drafts, f.service.edits)
		}
	}
	f.service.edits = nil
	if f.do("PATCH", links+"/abc", `{"title":"x"}`); f.service.edits[0].Host != "" {
		t.Error("an edit that sets no target has a host")
	}
}

func TestTheNodesOwnListIsAskedForEveryTarget(t *testing.T) {
	f := denying(t)
	f.add("abc", "https://example.com")
	for _, target := range []string{"https://evil.example", "http://WWW.Evil.Example.:80/x", "https://user:pw@evil.example"} {
		body := `{"longUrl":"` + target + `"}`
		f.refused(f.do("POST", links, body), 422, v1.TargetDenied, "longUrl")
		f.refused(f.do("PATCH", links+"/abc", body), 422, v1.TargetDenied, "longUrl")
		rows := decode[v1.Results](t, f.do("POST", bulk, `{"links":[`+body+`,`+oneLink+`]}`), 200).Results
		if e := rows[0].Error; rows[0].Status != 422 || e == nil || e.Code != v1.TargetDenied || e.InvalidElements[0] != "longUrl" || rows[1].Status != 201 {
			t.Errorf("%s: rows %+v", target, rows)
		}
	}
	if f.service.links["abc"].Target != "https://example.com" || len(f.service.edits) != 0 {
		t.Error("the link was changed")
	}
	decode[v1.Link](t, f.do("POST", links, `{"longUrl":"https://notevil.example"}`), 201)
}

func TestWhatTheClusterDeniesNamesItsElement(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	f.service.fail = link.ErrTargetDenied
	f.refused(f.do("POST", links, oneLink), 422, v1.TargetDenied)
	f.refused(f.do("PATCH", links+"/abc", oneLink), 422, v1.TargetDenied, "longUrl")
}
