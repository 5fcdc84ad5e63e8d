package api

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const exportPath = "/api/v1/export"

// everything fills a shelf with links of all kinds.
func everything(f *fixture) {
	f.add("plain", "https://example.com/")
	f.add("full", "https://example.com/a?b=<c>&d=%20", func(l *link.Link) {
		l.Title, l.Tags, l.Owner = "A \"title\", with\u2028everything ü", "a,b\nc|d", "u1"
		l.CreatedAt = noon.Add(-time.Hour)
		l.UpdatedAt = l.CreatedAt
		l.ValidSince, l.ValidUntil = noon.Add(-time.Minute), noon.Add(time.Minute)
		l.MaxVisits, l.Visits, l.Redirect, l.DropQuery, l.Disabled, l.Password = 10, 7, 308, true, true, someHash
	})
	f.add("past", "https://example.com/past", func(l *link.Link) { l.ValidUntil = noon.Add(-100 * 24 * time.Hour) })
	f.add("k9PqW2z", "https://example.com/generated", func(l *link.Link) { l.CreatedAt, l.UpdatedAt = noon.Add(-time.Minute), noon.Add(-time.Minute) })
	for n := range 2*exportPage + 3 {
		f.add(fmt.Sprintf("many%d", n), fmt.Sprintf("https://example.com/%d", n))
	}
}

func TestAnExportComesBackAsItWas(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	everything(f)
	w := f.do("GET", exportPath, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != v1.StreamType || w.Header().Get("Cache-Control") != "no-store" ||
		w.Header().Get("Content-Disposition") != `attachment; filename="links.ndjson"` {
		t.Fatalf("status %d, header %v", w.Code, w.Header())
	}
	other := newFixture(t)
	into := newShelf(other)
	got := other.imports("", w.Body.String())
	if got.counts().Created != int64(len(s.links)) || !maps.Equal(s.links, into.links) {
		t.Errorf("%+v: %d links of %d", got.counts(), len(into.links), len(s.links))
		for code, l := range s.links {
			if into.links[code] != l {
				t.Errorf("%+v\ncame as %+v", l, into.links[code])
				break
			}
		}
	}
	if again := other.do("GET", exportPath, ""); again.Code != 200 || len(into.lists) != 3 {
		t.Errorf("again: %d, %d pages", again.Code, len(into.lists))
	} else if second := f.do("GET", exportPath+"?format=ndjson", ""); again.Body.String() != second.Body.String() {
		t.Error("the second export differs from the first")
	}
	// Into the place it came from: all is there already.
	if there := f.imports("", f.do("GET", exportPath, "").Body.String()); there.counts().Skipped != int64(len(s.links)) || len(there.rows) != 0 {
		t.Errorf("%+v", there.counts())
	}
}

func TestOnlyTheFirstPageAsksTheLeader(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	everything(f)
	f.do("GET", exportPath, "")
	for n, l := range s.lists {
		if l.Local != (n > 0) || !l.OldestFirst || l.Match != nil || l.Tags != nil || (l.After == Place{}) != (n == 0) {
			t.Errorf("page %d: %+v", n, l)
		}
	}
	if len(s.lists) != 3 {
		t.Errorf("%d pages", len(s.lists))
	}
}

func TestWhatIsMadeAfterTheBeginningIsLeftOut(t *testing.T) {
	f := newFixture(t)
	newShelf(f)
	f.add("there", "https://example.com/")
	f.add("later", "https://example.com/", func(l *link.Link) { l.CreatedAt = noon.Add(time.Millisecond) })
	if text := f.do("GET", exportPath, "").Body.String(); !strings.Contains(text, `"there"`) || strings.Contains(text, "later") {
		t.Error(text)
	}
}

func TestACSVHoldsNoHashes(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	w := f.do("GET", exportPath+"?format=csv", "")
	if !strings.HasPrefix(w.Body.String(), "shortCode,shortUrl,longUrl,") || strings.Count(w.Body.String(), "\n") != 1 {
		t.Errorf("of nothing: %q", w.Body)
	}
	everything(f)
	w = f.do("GET", exportPath+"?format=csv", "")
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != len(s.links)+1 || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" ||
		w.Header().Get("Content-Disposition") != `attachment; filename="links.csv"` {
		t.Errorf("%d rows of %d links, %v, %v", len(rows), len(s.links), err, w.Header())
	}
	for _, row := range rows {
		if strings.Contains(strings.Join(row, ""), "argon2") {
			t.Errorf("%q", row)
		}
	}
}

func TestBadExportsAreRefused(t *testing.T) {
	f := newFixture(t)
	newShelf(f)
	for query, element := range map[string]string{"?format=xml": "format", "?format=": "format", "?format=csv&format=csv": "format", "?limit=1": "limit"} {
		f.refused(f.do("GET", exportPath+query, ""), 422, v1.InvalidField, element)
	}
	// Half a file would look whole to who knows the end of a connection alone.
	r := httptest.NewRequest("GET", exportPath, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	f.refused(w, 422, v1.InvalidField)
}

func TestAnExportThatCannotBeginIsAProblem(t *testing.T) {
	for _, c := range []struct {
		fault  error
		status int
		code   v1.Code
	}{{link.ErrNoLeader, 503, v1.NoLeader}, {link.ErrUnauthorized, 401, v1.Unauthorized}, {errUnheardOf, 500, v1.Internal}} {
		f := newFixture(t)
		newShelf(f).listErr = func(int) error { return c.fault }
		f.refused(f.do("GET", exportPath, ""), c.status, c.code)
	}
}

func TestAHeadOfAnExportReadsNoMoreThanThat(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	everything(f)
	if w := f.do("HEAD", exportPath, ""); w.Code != 200 || w.Body.Len() != 0 || len(s.lists) != 1 || w.Header().Get("Content-Disposition") == "" {
		t.Errorf("%d, %d bytes, %d pages", w.Code, w.Body.Len(), len(s.lists))
	}
}

// Half a file must never look whole.
func TestAnExportThatFailsMidwayBreaksTheConnection(t *testing.T) {
	for _, format := range []string{"ndjson", "csv"} {
		f := newFixture(t)
		newShelf(f).listErr = func(n int) error {
			if n == 3 {
				return errUnheardOf
			}
			return nil
		}
		everything(f)
		request, err := http.NewRequest(http.MethodGet, "http://"+f.listen(t, Limits{}, nil)+exportPath+"?format="+format, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Api-Key", testKey)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			var text []byte
			text, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != 200 || strings.Contains(string(text), "fire") {
				t.Errorf("%d, %s", response.StatusCode, text)
			}
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", format, err)
		}
		until(t, "it is logged", func() bool { return strings.Contains(f.log.String(), "stream broken off") })
		if used := f.bodies.used.Load() + f.transfers.inside.Load(); used != 0 {
			t.Errorf("%d are kept", used)
		}
	}
}
