package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const importPath = "/api/v1/import"

// imported is an answer in its parts.
type imported struct {
	first    v1.ImportLine
	rows     map[int64]v1.ImportLine
	progress []v1.ImportCounts
	last     v1.ImportLine
}

// counts are those of the last line.
func (i imported) counts() v1.ImportCounts { return *i.last.ImportCounts }

// readImport takes an answer apart. Every line must be of one kind.
func readImport(t testing.TB, w *httptest.ResponseRecorder) imported {
	t.Helper()
	if w.Code != 200 || w.Header().Get("Content-Type") != v1.StreamType || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, header %v, body %.300s", w.Code, w.Header(), w.Body)
	}
	got := imported{rows: make(map[int64]v1.ImportLine)}
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	for n := 0; decoder.More(); n++ {
		var line v1.ImportLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		switch {
		case got.last.Complete != nil:
			t.Errorf("after the last line came %+v", line)
		case line.Complete != nil && line.ImportCounts != nil && (line.Error == nil) == *line.Complete:
			got.last = line
		case line.ImportID != "" && n == 0:
			got.first = line
		case line.Row > 0 && (line.Error != nil) != (line.RenamedTo != ""):
			got.rows[line.Row] = line
		case line.ImportCounts != nil && line.Complete == nil:
			got.progress = append(got.progress, *line.ImportCounts)
		default:
			t.Errorf("line %d is of no kind: %+v", n, line)
		}
	}
	if got.last.Complete == nil || got.first.ImportID == "" {
		t.Fatalf("no first or last line: %+v", got)
	}
	sum := got.counts()
	if sum.Rows != sum.Created+sum.Overwritten+sum.Renamed+sum.Skipped+sum.Failed {
		t.Errorf("the counts do not add up: %+v", sum)
	}
	return got
}

// imports sends a file with a query.
func (f *fixture) imports(query, file string, header ...string) imported {
	f.t.Helper()
	return readImport(f.t, f.do("POST", importPath+query, file, header...))
}

// csvOf is a file of so many rows.
func csvOf(rows int) string {
	var file strings.Builder
	file.WriteString("longUrl,shortCode\n")
	for n := range rows {
		fmt.Fprintf(&file, "https://example.com/%d,row%d\n", n+1, n+1)
	}
	return file.String()
}

func TestRowsBecomeLinks(t *testing.T) {
	f := newFixture(t)
	got := f.imports("?importId=mine", csvOf(2500))
	if want := (v1.ImportCounts{Rows: 2500, Created: 2500, LastRow: 2500}); got.counts() != want || !*got.last.Complete {
		t.Errorf("%+v", got.last)
	}
	if got.first.ImportID != "mine" || got.first.Format != "csv" || len(got.rows) != 0 {
		t.Errorf("%+v, %v", got.first, got.rows)
	}
	if len(got.progress) != 2 || got.progress[0].LastRow != 1000 || got.progress[1].Rows != 2000 {
		t.Errorf("progress %+v", got.progress)
	}
	for n := range 2500 {
		code := link.Code(fmt.Sprintf("row%d", n+1))
		if l := f.service.links[code]; string(l.Target) != fmt.Sprintf("https://example.com/%d", n+1) {
			t.Fatalf("%s leads to %q", code, l.Target)
		}
	}
}

func TestBadImportsAreRefusedAsAWhole(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		query, file string
		element     string
	}{
		"unknown format":      {"?from=excel", "", "from"},
		"empty format":        {"?from=", "", "from"},
		"unknown policy":      {"?onConflict=merge", "", "onConflict"},
		"empty policy":        {"?onConflict=", "", "onConflict"},
		"dryRun":              {"?dryRun=1", "", "dryRun"},
		"startRow 0":          {"?startRow=0", "", "startRow"},
		"startRow negative":   {"?startRow=-1", "", "startRow"},
		"startRow huge":       {"?startRow=99999999999999999999", "", "startRow"},
		"startRow no number":  {"?startRow=two", "", "startRow"},
		"empty importId":      {"?importId=", "", "importId"},
		"importId too long":   {"?importId=" + strings.Repeat("x", maxImportID+1), "", "importId"},
		"importId unreadable": {"?importId=%00", "", "importId"},
		"unknown parameter":   {"?policy=skip", "", "policy"},
		"given twice":         {"?from=csv&from=ndjson", "", "from"},
		"no long URL":         {"", "a,b\n1,2\n", "from"},
		"UTF-16":              {"", "\xff\xfea\x00", "from"},
		"a ZIP file":          {"", "PK\x03\x04", "from"},
		"unclosed header":     {"", `longUrl,"a`, "from"},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			f.refused(f.do("POST", importPath+c.query, c.file), 422, v1.InvalidField, c.element)
		})
	}
	if len(f.service.drafts) != 0 {
		t.Errorf("made %v", f.service.drafts)
	}
}

func TestTransfersAreForAdmins(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Authenticator = scopedKeys{"admin": access.Admin, "other": access.AllScopes &^ access.Admin}
	})
	for _, o := range []operation{{"POST", importPath, csvOf(1), access.Admin}, {"GET", exportPath, "", access.Admin}} {
		f.refused(f.do(o.method, o.path, o.body, "Authorization", ""), 401, v1.Unauthorized)
		f.refused(f.do(o.method, o.path, o.body, "Authorization", "Bearer nobody"), 401, v1.Unauthorized)
		f.refused(f.do(o.method, o.path, o.body, "Authorization", "Bearer other"), 403, v1.Forbidden)
		if w := f.do(o.method, o.path, o.body, "Authorization", "Bearer admin"); w.Code != http.StatusOK {
			t.Errorf("%s %s: %d %s", o.method, o.path, w.Code, w.Body)
		}
		// The key comes before what is asked for.
		f.refused(f.do(o.method, o.path+"?x=y", o.body, "Authorization", "Bearer other"), 403, v1.Forbidden)
		f.refused(f.do("PUT", o.path, o.body, "Authorization", "Bearer admin"), 405, v1.MethodNotAllowed)
	}
	if len(f.service.links) != 1 {
		t.Errorf("%d links", len(f.service.links))
	}
}
