package compat

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"tinyurl/api/compat/compattest"
	"tinyurl/api/v1"
)

// ask sends a request with the key.
func (f *fakeService) ask(t testing.TB, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("X-Api-Key", compattest.Key)
	return f.serve(t, r)
}

func TestShlinkFieldsAreHandedOnAsTheyWereSent(t *testing.T) {
	const kept = `"longUrl":"https://example.com/\ud83d\ude00<>&","title":null,"tags":["a"],"validSince":"x","validUntil":null,"maxVisits":1e1,"forwardQuery":false`
	for _, test := range []struct{ method, path, body, want string }{
		{"POST", "/rest/v3/short-urls", `{` + kept + `}`, `{` + kept + `}`},
		{"PATCH", "/rest/v3/short-urls/custom", `{` + kept + `}`, `{` + kept + `}`},
		{"POST", "/rest/v3/short-urls", ` { "longUrl" : "a" , "domain" : "SHO.RT" , "longUrl" : "b" } `, `{"longUrl":"a","longUrl":"b"}`},
		{"POST", "/rest/v3/short-urls", `{"customSlug":"x","findIfExists":true,"domain":null}`, `{"customSlug":"x","findIfExists":true}`},
		{"POST", "/rest/v3/short-urls", `{"customSlug":" ","domain":"","deviceLongUrls":{"ios":null},"pathPrefix":""}`, `{}`},
		{"POST", "/rest/v3/short-urls", `{"customSlug":null,"deviceLongUrls":[],"shortCodeLength":null,"domain":"DEFAULT"}`, `{"customSlug":null}`},
		{"PATCH", "/rest/v3/short-urls/custom", `{"validateUrl":true,"crawlable":null,"deviceLongUrls":null}`, `{}`},
		{"POST", "/rest/v3/short-urls", "{\"longUrl\":\"\xff\"}", "{\"longUrl\":\"\xff\"}"},
	} {
		f := newFake()
		f.ask(t, test.method, test.path, test.body)
		if len(f.wanted) != 1 || f.wanted[0] != test.want {
			t.Errorf("%s: handed on\n%q\nwant\n%q", test.body, f.wanted, test.want)
		}
	}
}

func TestFormToolsFindOnlyWhatLeadsOn(t *testing.T) {
	for target, want := range map[string]string{
		"/api-create.php?url=https://example.com/new":                        `{"longUrl":"https://example.com/new","findIfExists":true,"enabled":true}`,
		"/api-create.php?url=https://example.com/new&alias=a":                `{"longUrl":"https://example.com/new","customSlug":"a"}`,
		"/yourls-api.php?action=shorturl&url=example.com:80&title=%3C":       `{"longUrl":"example.com:80","findIfExists":true,"title":"\u003c","enabled":true}`,
		"/yourls-api.php?action=shorturl&url=+example.com/a:b&keyword=a%2Fb": `{"longUrl":"http://example.com/a:b","customSlug":"a/b"}`,
		"/yourls-api.php?action=shorturl&url=//example.com&keyword=a":        `{"longUrl":"http:////example.com","customSlug":"a"}`,
	} {
		f := newFake()
		f.ask(t, "GET", target, "")
		if len(f.wanted) != 1 || f.wanted[0] != want {
			t.Errorf("%s: asked for\n%s\nwant\n%s", target, f.wanted, want)
		}
	}
}

func TestShortURLsAreKnownByTheirSite(t *testing.T) {
	s := newSite("https://sho.rt/s")
	for text, want := range map[string]string{
		"abc": "abc", "https://sho.rt/s/abc": "abc", "http://sho.rt/s/abc": "abc", "https://sho.rt/abc": "https://sho.rt/abc",
		"https://sho.rt/s/": "", "": "", "https://evil.example/?https://sho.rt/s/abc": "https://evil.example/?https://sho.rt/s/abc",
		"sho.rt/s/abc": "sho.rt/s/abc",
	} {
		if got := s.codeOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParametersThatAgreeMayComeTwice(t *testing.T) {
	p := readParameters(Request{Query: "url=a&key=k", Form: []byte("url=a&x=1"), FormType: "application/x-www-form-urlencoded; charset=utf-8"})
	if p.err != nil || p.get("url") != "a" || p.get("x") != "1" || p.get("key") != "k" {
		t.Errorf("%+v", p)
	}
	for _, r := range []Request{
		{Query: "a=1&a=2"},
		{Query: "a=1", Form: []byte("a=2")},
		{Query: "a=%"},
		{Query: "a=%ff"},
		{Query: "%ff=a"},
		{Form: []byte("a;b")},
		{Form: []byte("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1"), FormType: "multipart/form-data; boundary=x"},
		{Form: []byte("--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n1\r\n--x--\r\n"), FormType: "multipart/form-data; boundary=x"},
	} {
		if p := readParameters(r); p.err == nil {
			t.Errorf("%+v was taken: %+v", r, p)
		}
	}
}

func TestEveryFormatOfYOURLSCanBeRead(t *testing.T) {
	f := newFake()
	f.links[0].LongURL, f.links[0].Title = "https://example.com/?a=<b>&c='\"\u2028", "\x00</script> ü"
	for format, media := range map[string]string{"xml": "application/xml", "json": "application/json", "jsonp": "application/javascript", "simple": plainText, "": plainText, "yaml": plainText} {
		w := f.ask(t, "GET", "/yourls-api.php?action=url-stats&shorturl=abc123&callback=cb&format="+format, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != media || strings.Contains(w.Body.String(), "</script>") {
			t.Errorf("%q: status %d, %s: %s", format, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if format == "xml" {
			for reader := xml.NewDecoder(w.Body); ; {
				if _, err := reader.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestAShortURLThatWasNotMadeIsNoText(t *testing.T) {
	w := newFake().ask(t, "GET", "/yourls-api.php?action=shorturl&format=simple&url=x&keyword=custom", "")
	if w.Code != 400 || w.Body.Len() != 0 || w.Header().Get(ErrorHeader) == "" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestLongMessagesAreCutAtWholeCharacters(t *testing.T) {
	if got := shortened(strings.Repeat("ü", 61)); got != strings.Repeat("ü", 55)+"[...]" {
		t.Error(got)
	}
	if got := shortened(strings.Repeat("ü", 60)); got != strings.Repeat("ü", 60) {
		t.Error(got)
	}
	if got := clip(strings.Repeat("ü", 100)); len(got) > maxEcho+len("…")+1 || !strings.HasSuffix(got, "…") {
		t.Error(got)
	}
}

func TestEveryProblemHasAShapeOfShlink(t *testing.T) {
	for _, code := range []v1.Code{
		v1.InvalidJSON, v1.InvalidURL, v1.InvalidSlug, v1.SlugReserved, v1.InvalidField, v1.InvalidCursor, v1.TargetDenied, v1.KeyReused, v1.SlugTaken,
		v1.PreconditionFailed, v1.NotFound, v1.Gone, v1.Unauthorized, v1.Forbidden, v1.MethodNotAllowed, v1.RequestTimeout, v1.TooLarge, v1.RateLimited,
		v1.NoLeader, v1.Overloaded, v1.DiskFull, v1.Internal, NotSupported,
	} {
		for _, r := range []Request{{}, {Code: "x\xff"}, {Keyed: true}} {
			p := shlinkProblemOf(v1.Problem{Type: "urn:tinyurl:problem:" + string(code), Title: "T", Detail: "d", Status: 422, Code: code}, r)
			if p.Type == "" || p.Title == "" || p.Detail == "" || p.Status == 422 || !strings.HasPrefix(p.Type, "https://shlink.io/api/error/") && p.Type != "urn:tinyurl:problem:"+string(code) {
				t.Errorf("%s: %+v", code, p)
			}
		}
	}
}

func TestOnlyPathsOfTheAdaptersAreTheirs(t *testing.T) {
	a := New(compattest.PublicURL)
	for path, theirs := range map[string]bool{
		"/rest": true, "/rest/": true, "/rest/v3": true, "/rest/x/y": true, "/api-create.php": true, "/yourls-api.php": true,
		"/": false, "/resting": false, "/api": false, "/x.php": false, "/api-create.php/": false, "": false,
	} {
		if got := a.RefuseAt(path, ""); (got != nil) != theirs {
			t.Errorf("%s: %v", path, got != nil)
		}
	}
}
