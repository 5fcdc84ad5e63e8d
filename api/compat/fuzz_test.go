package compat

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"tinyurl/api/compat/compattest"
	"tinyurl/api/v1"
)

// play sends what was made up, with the key, and checks what holds of every answer.
func play(t *testing.T, method, path, query, body, mediaType string) (*fakeService, *httptest.ResponseRecorder) {
	t.Helper()
	f := newFake()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", mediaType)
	r.Header.Set("X-Api-Key", compattest.Key)
	if strings.Contains(query+body, "signature") || strings.Contains(query+body, "key") {
		r.Header.Del("X-Api-Key") // the one that was shown counts
	}
	w := f.serve(t, r)
	if w.Code < 200 || w.Code == 500 || w.Code > 503 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if !utf8.Valid(w.Body.Bytes()) {
		t.Fatalf("an answer that is no text: %q", w.Body)
	}
	return f, w
}

// undamaged checks that broken text was refused rather than replaced: it would be another link.
func (f *fakeService) undamaged(t *testing.T, sent string) {
	t.Helper()
	if sent = strings.ToLower(sent); strings.Contains(sent, "\ufffd") || strings.Contains(sent, "%ef%bf%bd") {
		return
	}
	for _, wanted := range f.wanted {
		if strings.Contains(wanted, "\ufffd") {
			t.Fatalf("%q became %q", sent, wanted)
		}
	}
}

func FuzzTinyURL(f *testing.F) {
	for _, query := range []string{"url=https://example.com", "url=a&alias=b&key=c", "url=%ff", "a=1&a=2", "url=x;y", "url=https%3A%2F%2Fexample.org%2F&alias="} {
		f.Add(query, "", "")
		f.Add("", query, "application/x-www-form-urlencoded")
	}
	f.Add("", "--x\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nhttps://example.com\r\n--x--\r\n", "multipart/form-data; boundary=x")
	f.Fuzz(func(t *testing.T, query, body, mediaType string) {
		for _, method := range []string{"GET", "POST"} {
			service, w := play(t, method, tinyURLPath, query, body, mediaType)
			service.undamaged(t, query+body)
			if text := w.Body.String(); w.Code == 200 != strings.HasPrefix(text, compattest.PublicURL+"/") || w.Code != 200 && text != "Error" {
				t.Fatalf("status %d: %s", w.Code, text)
			}
		}
	})
}

func FuzzYOURLS(f *testing.F) {
	for _, action := range []string{"shorturl&url=https://example.com&keyword=a&title=b", "expand&shorturl=abc123", "url-stats&shorturl=https://sho.rt/custom", "stats&filter=last&limit=2&start=1", "db-stats", "", "x"} {
		for _, format := range []string{"json", "xml", "simple", "jsonp&callback=a.b", "jsonp&callback=%3C", "?"} {
			f.Add("action="+action+"&format="+format, "", "")
			f.Add("", "action="+action+"&format="+format, "application/x-www-form-urlencoded")
		}
	}
	f.Add("timestamp=1&signature=a", "username=a&password=b", "")
	f.Fuzz(func(t *testing.T, query, body, mediaType string) {
		for _, method := range []string{"GET", "POST"} {
			service, w := play(t, method, yourlsPath, query, body, mediaType)
			service.undamaged(t, query+body)
			text := w.Body.Bytes()
			switch w.Header().Get("Content-Type") {
			case "application/javascript":
				call, end := strings.Index(w.Body.String(), "("), len(text)-1
				if !validCallback(string(text[:call])) || text[end] != ')' {
					t.Fatalf("a program: %s", text)
				}
				text = text[call+1 : end]
				fallthrough
			case "application/json":
				if !json.Valid(text) {
					t.Fatalf("no JSON: %s", text)
				}
			case "application/xml":
				for reader := xml.NewDecoder(strings.NewReader(string(text))); ; {
					if _, err := reader.Token(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatalf("no XML: %v: %s", err, text)
					}
				}
			case plainText:
			default:
				t.Fatalf("header %v", w.Header())
			}
		}
	})
}

func FuzzShlink(f *testing.F) {
	for _, body := range []string{
		`{"longUrl":"https://example.com","customSlug":"x","tags":["a"],"domain":"sho.rt"}`, `{}`, `[]`, `{"a":1,"a":2}`, `{"longUrl":"\ud800"}`, "{\"\xff\":1}", `{"deviceLongUrls":{"ios":null}}`,
		`{"shortCodeLength":5,"crawlable":true,"validateUrl":null}`, `{"customSlug":" "}`, `{"domain":[]}`, `{"longUrl":1}{`,
	} {
		f.Add("page=2&itemsPerPage=1&tags[]=a&tags[1]=b&orderBy=dateCreated-ASC", body)
		f.Add("domain=x&searchTerm=%ff&itemsPerPage=-1", body)
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		for method, path := range map[string]string{"GET": "/rest/v3/short-urls", "POST": "/rest/v3/short-urls", "PATCH": "/rest/v3/short-urls/custom", "DELETE": "/rest/v3/short-urls/custom", "PUT": "/rest/v3/tags"} {
			service, w := play(t, method, path, query, body, "application/json")
			checkShlink(t, w)
			for _, wanted := range service.wanted {
				if !json.Valid([]byte(wanted)) || !strings.HasPrefix(wanted, "{") {
					t.Fatalf("%q became %q", body, wanted)
				}
			}
		}
		for _, path := range []string{"/rest/v3/tags", "/rest/v3/tags/stats", "/rest/health"} {
			_, w := play(t, "GET", path, query, body, "")
			checkShlink(t, w)
		}
	})
}

// checkShlink checks that an answer is JSON of the right kind.
func checkShlink(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code == 204 {
		return
	}
	want := "application/json"
	if w.Code >= 400 {
		want = v1.ProblemType
	}
	if got := w.Header().Get("Content-Type"); got != want || !json.Valid(w.Body.Bytes()) {
		t.Fatalf("status %d, %s: %s", w.Code, got, w.Body)
	}
}
