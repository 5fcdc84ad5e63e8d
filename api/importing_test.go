package api

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

// withoutCodes is a file of so many rows without codes.
func withoutCodes(rows int) string {
	var file strings.Builder
	file.WriteString("longUrl\n")
	for n := range rows {
		fmt.Fprintf(&file, "https://example.com/%d\n", n+1)
	}
	return file.String()
}

func TestATakenCodeIsAQuestionOfPolicy(t *testing.T) {
	file := "longUrl,shortCode\nhttps://example.com/same,same\nhttps://example.com/new,other\nhttps://example.com/back,gone\nhttps://example.com/free,free\n"
	for policy, want := range map[string]struct {
		counts  v1.ImportCounts
		errors  map[int64]v1.Code
		renamed []int64
		target  string // of "other", afterwards
	}{
		"":          {v1.ImportCounts{Created: 1, Skipped: 3}, map[int64]v1.Code{2: v1.SlugTaken, 3: v1.SlugTaken}, nil, "https://example.com/old"},
		"skip":      {v1.ImportCounts{Created: 1, Skipped: 3}, map[int64]v1.Code{2: v1.SlugTaken, 3: v1.SlugTaken}, nil, "https://example.com/old"},
		"overwrite": {v1.ImportCounts{Created: 1, Overwritten: 2, Failed: 1}, map[int64]v1.Code{3: v1.SlugTaken}, nil, "https://example.com/new"},
		"rename":    {v1.ImportCounts{Created: 1, Renamed: 3}, nil, []int64{1, 2, 3}, "https://example.com/old"},
	} {
		for _, dry := range []bool{true, false} {
			f := newFixture(t)
			s := newShelf(f)
			f.add("same", "https://example.com/same")
			f.add("other", "https://example.com/old")
			s.deleted["gone"] = true
			query := fmt.Sprintf("?dryRun=%t", dry)
			if policy != "" {
				query += "&onConflict=" + policy
			}
			before := maps.Clone(s.links)
			got := f.imports(query, file)
			want.counts.Rows, want.counts.LastRow = 4, 4
			if got.counts() != want.counts {
				t.Errorf("%q, dry %t: %+v, want %+v", policy, dry, got.counts(), want.counts)
			}
			for row := range int64(5) {
				line := got.rows[row]
				if want.errors[row] != "" && (line.Error == nil || line.Error.Code != want.errors[row] || line.Error.Status != 409 || line.Error.Detail == "") ||
					want.errors[row] == "" && line.Error != nil {
					t.Errorf("%q, dry %t: row %d: %+v", policy, dry, row, line.Error)
				}
				// A dry run makes no code that it could tell of.
				if named := slices.Contains(want.renamed, row) && !dry; named != (line.RenamedTo != "") || named && s.links[link.Code(line.RenamedTo)].Target == "" {
					t.Errorf("%q: row %d: renamed to %q", policy, row, line.RenamedTo)
				}
			}
			if dry && (!maps.Equal(s.links, before) || s.calls > 0) {
				t.Errorf("%q: the dry run wrote: %v", policy, s.links)
			}
			if !dry && (string(s.links["other"].Target) != want.target || s.links["free"].Target != "https://example.com/free") {
				t.Errorf("%q: %v", policy, s.links)
			}
		}
	}
}

func TestADryRunKnowsDeniedHosts(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	f.add("taken", "https://"+someHost+"/")
	file := "longUrl,shortCode\nhttps://www.EVIL.example:8080/,\nhttps://" + someHost + "/,taken\nhttps://good.example/,\nhttps://" + someHost + "/,new\n"
	for _, policy := range []string{"skip", "overwrite", "rename"} {
		got := f.imports("?dryRun=true&onConflict="+policy, file)
		if want := (v1.ImportCounts{Rows: 4, LastRow: 4, Created: 1, Failed: 3}); got.counts() != want || s.calls != 0 {
			t.Errorf("%s: %+v, %d calls", policy, got.counts(), s.calls)
		}
		for _, row := range []int64{1, 2, 4} {
			if e := got.rows[row].Error; e == nil || e.Code != v1.TargetDenied || e.Status != 422 {
				t.Errorf("%s: row %d: %+v", policy, row, e)
			}
		}
	}
	f.config.Authority.Denials = nil
	f.rewire()
	if got := f.imports("?dryRun=true", file); got.counts().Created != 3 || got.counts().Skipped != 1 {
		t.Errorf("without such a list: %+v", got.counts())
	}
}

func TestRowsOfOneCodeAreTakenInTheirOrder(t *testing.T) {
	var file strings.Builder
	file.WriteString("longUrl,shortCode\n")
	for n := range 700 {
		code := fmt.Sprintf("c%d", n)
		if n%100 == 0 {
			code = "same"
		}
		fmt.Fprintf(&file, "https://example.com/%d,%s\n", n, code)
	}
	for policy, want := range map[string]string{"skip": "https://example.com/0", "overwrite": "https://example.com/600", "rename": "https://example.com/0"} {
		f := newFixture(t)
		s := newShelf(f)
		f.imports("?onConflict="+policy, file.String())
		if got := s.links["same"].Target; string(got) != want {
			t.Errorf("%s: %s, want %s", policy, got, want)
		}
		for _, batch := range s.batches {
			var seen []link.Code
			for _, d := range batch {
				if slices.Contains(seen, d.Slug) {
					t.Errorf("%s: %q stands twice in a batch", policy, d.Slug)
				}
				seen = append(seen, d.Slug)
			}
		}
	}
}

func TestRowsWithoutACodeMakeOneLinkForEachImport(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	for range 3 {
		if got := f.imports("?importId=a", withoutCodes(300)); got.counts().Created != 300 {
			t.Errorf("%+v", got.counts())
		}
	}
	if len(s.links) != 300 {
		t.Errorf("%d links of 300 rows", len(s.links))
	}
	// Another row in the same place is told, not taken for the first.
	got := f.imports("?importId=a&startRow=300", strings.Replace(withoutCodes(300), "/300", "/other", 1))
	if got.rows[300].Error == nil || got.rows[300].Error.Code != v1.KeyReused {
		t.Errorf("%+v", got.rows)
	}
	first := f.imports("", withoutCodes(2)).first.ImportID
	if second := f.imports("", withoutCodes(2)).first.ImportID; first == second || first == "" {
		t.Errorf("ids %q and %q", first, second)
	}
	if len(s.links) != 304 {
		t.Errorf("%d links", len(s.links))
	}
}

func TestARenamedRowIsRenamedOnce(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	f.add("same", "https://example.com/old")
	file := "longUrl,shortCode\nhttps://example.com/new,same\n"
	first := f.imports("?importId=a&onConflict=rename", file).rows[1].RenamedTo
	if again := f.imports("?importId=a&onConflict=rename", file).rows[1].RenamedTo; again != first || len(s.links) != 2 {
		t.Errorf("%q, then %q: %v", first, again, s.links)
	}
}

func TestRowsBeforeTheFirstAreNotJudged(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	file := "longUrl,shortCode\nnonsense,\nhttps://example.com/2,two\nhttps://example.com/3,three\n"
	if got := f.imports("?startRow=3", file); got.counts() != (v1.ImportCounts{Rows: 1, Created: 1, LastRow: 3}) || len(s.links) != 1 {
		t.Errorf("%+v, %v", got.counts(), s.links)
	}
	if got := f.imports("?startRow=4", file); got.counts() != (v1.ImportCounts{LastRow: 3}) || !*got.last.Complete {
		t.Errorf("%+v", got.last)
	}
	if got := f.imports("", ""); got.counts() != (v1.ImportCounts{}) || !*got.last.Complete {
		t.Errorf("an empty file: %+v", got.last)
	}
}

// Each fixture of the reader's is imported whole.
func TestFilesOfOtherServicesAreImported(t *testing.T) {
	for file, want := range map[string]struct {
		created, failed int64
		code            link.Code
		target          string
	}{
		"shlink.csv":           {2, 0, "Plan-b", "https://example.com/b,c"},
		"shlink-semicolon.csv": {0, 1, "", ""}, // a title of two lines
		"yourls.sql":           {3, 1, "hex", "https://example.com/h"},
		"yourls.csv":           {1, 1, "x1", "https://example.com/x"}, // "docs" is reserved
		"kutt.json":            {2, 1, "promo", "https://example.com/promo"},
		"bitly.json":           {2, 1, "launch", "https://example.com/launch"},
		"dub.csv":              {1, 1, "spring", "https://example.com/spring"},
		"chhoto.json":          {2, 0, "cat", "https://example.com/cat"},
		"golink.jsonl":         {2, 0, "meet", "https://example.com/{{.Path}}"},
		"generic.csv":          {2, 0, "one", "https://example.com/1"},
		"own.ndjson":           {1, 1, "plain", "https://example.com/"}, // a hash that nothing could be compared with
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("transfer", "testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			f := newFixture(t)
			s := newShelf(f)
			got := f.imports("", string(text))
			if c := got.counts(); c.Created != want.created || c.Failed != want.failed || c.Rows != want.created+want.failed {
				t.Errorf("%+v: %+v", c, got.rows)
			}
			if l := s.links[want.code]; string(l.Target) != want.target {
				t.Errorf("%s leads to %q", want.code, l.Target)
			}
			if again := f.imports("?importId="+got.first.ImportID, string(text)); again.counts().Failed != want.failed || len(s.links) != int(want.created) {
				t.Errorf("again: %+v", again.counts())
			}
		})
	}
}

func TestALeaderThatComesBackIsWaitedFor(t *testing.T) {
	for name, fault := range map[string]error{"no leader": link.ErrNoLeader, "overloaded": link.ErrOverloaded, "no answer": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				f := newFixture(t)
				s := newShelf(f)
				began := time.Now()
				s.refuse = func(context.Context, int) error {
					if time.Since(began) < 20*time.Second {
						return fault
					}
					return nil
				}
				if got := f.imports("", withoutCodes(3000)); got.counts().Created != 3000 || len(s.links) != 3000 {
					t.Errorf("%+v", got.counts())
				}
				if took := time.Since(began); took > 25*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestOnlyRowsWithoutAnOutcomeAreTriedAgain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t)
		s := newShelf(f)
		refused := make(map[link.Target]bool)
		s.rowRefuse = func(d link.Draft) error {
			if strings.HasSuffix(string(d.Target), "7") && !refused[d.Target] {
				refused[d.Target] = true
				return link.ErrNoLeader
			}
			return nil
		}
		if got := f.imports("", withoutCodes(100)); got.counts().Created != 100 {
			t.Errorf("%+v", got.counts())
		}
		if len(s.batches) != 2 || len(s.batches[1]) != 10 {
			t.Errorf("%d batches", len(s.batches))
		}
	})
}

// What would meet every row ends the import, and the last line says where to go on.
func TestAnImportThatCannotGoOnSaysWhere(t *testing.T) {
	for name, c := range map[string]struct {
		fault  error
		code   v1.Code
		status int
	}{
		"no leader":   {link.ErrNoLeader, v1.NoLeader, 503},
		"overloaded":  {link.ErrOverloaded, v1.Overloaded, 503},
		"revoked":     {link.ErrUnauthorized, v1.Unauthorized, 401},
		"disk full":   {link.ErrDiskFull, v1.DiskFull, 507},
		"no codes":    {link.ErrExhausted, v1.DiskFull, 507},
		"unheard of":  {errUnheardOf, v1.Internal, 500},
		"row by row":  {nil, v1.NoLeader, 503},
		"row revoked": {nil, v1.Unauthorized, 401},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				f := newFixture(t)
				s := newShelf(f)
				// The second batch and all after it but one fail.
				s.refuse = func(_ context.Context, call int) error {
					if call == 1 || call == 3 {
						return nil
					}
					return c.fault
				}
				s.rowRefuse = func(d link.Draft) error {
					switch {
					case s.calls == 1 || s.calls == 3:
						return nil
					case name == "row by row":
						return link.ErrNoLeader
					case name == "row revoked":
						return link.ErrUnauthorized
					}
					return nil
				}
				file := withoutCodes(5000)
				got := f.imports("?importId=a", file)
				counts := got.counts()
				if *got.last.Complete || got.last.Error.Code != c.code || got.last.Error.Status != c.status || strings.Contains(got.last.Error.Detail, "10.0.0.2") {
					t.Errorf("%+v", got.last)
				}
				if counts.LastRow != counts.Rows || counts.Rows != counts.Created || counts.Rows >= 5000 || counts.Rows%maxImportRows != 0 {
					t.Errorf("%+v", counts)
				}
				// All that was counted is there, and the rest comes when it goes on. No row makes two links.
				s.refuse, s.rowRefuse = nil, nil
				rest := f.imports(fmt.Sprintf("?importId=a&startRow=%d", counts.LastRow+1), file)
				if !*rest.last.Complete || rest.counts().Rows+counts.Rows != 5000 || len(s.links) != 5000 {
					t.Errorf("then %+v: %d links", rest.last, len(s.links))
				}
			})
		})
	}
}

func TestAFileThatEndsEarlyIsNotTakenForAWholeOne(t *testing.T) {
	long := strings.Repeat(" ", 64<<10) // more than is looked at before the answer begins
	for name, c := range map[string]struct {
		body io.Reader
		code v1.Code
		last int64
	}{
		"JSON":        {strings.NewReader(`[{"shortlink":"a","longlink":"https://example.com/a"},` + long), v1.InvalidField, 1},
		"broken":      {io.MultiReader(strings.NewReader(csvOf(300)+strings.Repeat("\n", 64<<10)), iotest.ErrReader(io.ErrUnexpectedEOF)), v1.InvalidField, 300},
		"slow client": {io.MultiReader(strings.NewReader(csvOf(300)+strings.Repeat("\n", 64<<10)), iotest.ErrReader(os.ErrDeadlineExceeded)), v1.RequestTimeout, 300},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			r := httptest.NewRequest("POST", importPath, c.body)
			r.Header.Set("Authorization", "Bearer "+testKey)
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			got := readImport(t, w)
			if *got.last.Complete || got.last.Error.Code != c.code || got.counts().LastRow != c.last || len(f.service.links) != int(c.last) {
				t.Errorf("%+v %+v, %d links", got.last, got.counts(), len(f.service.links))
			}
		})
	}
}

func TestAPanicOfABatchIsToldAsInternal(t *testing.T) {
	f := newFixture(t)
	f.service.panics = errUnheardOf
	got := f.imports("", withoutCodes(1))
	if *got.last.Complete || got.last.Error.Code != v1.Internal || strings.Contains(got.last.Error.Detail, "fire") {
		t.Errorf("%+v", got.last)
	}
	if !strings.Contains(f.log.String(), "handler panicked") || !strings.Contains(f.log.String(), "caught fire") {
		t.Errorf("log: %s", f.log)
	}
}
