package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tinyurl/api/transfer"
	"tinyurl/fsm/link"
)

// export writes rows.
func export(t testing.TB, format transfer.Format, rows []transfer.Row) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := transfer.NewWriter(&file, format, "https://s.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// sample is a link with every field set.
func sample(t *testing.T) link.Link {
	t.Helper()
	tags, err := link.ParseTags([]string{"a,b", "news"})
	if err != nil {
		t.Fatal(err)
	}
	return link.Link{
		Code: "k9PqW2z", Owner: "u1", Visits: 7, Version: 4,
		CreatedAt: at(t, "2025-01-02T03:04:05.678Z"), UpdatedAt: at(t, "2025-01-03T03:04:05Z"),
		Fields: link.Fields{
			Target: "https://example.com/?a=1&b=<2>", Title: `All, "of" it`, Tags: tags, Redirect: 301, DropQuery: true, Disabled: true,
			ValidSince: at(t, "2025-02-01T00:00:00Z"), ValidUntil: at(t, "2031-01-01T00:00:00Z"), MaxVisits: 10, Password: "$argon2id$x",
		},
	}
}

// TestWritten fixes the lines that the exports hold.
func TestWritten(t *testing.T) {
	rows := []transfer.Row{transfer.RowOf(sample(t)), {ShortCode: "b", LongURL: "https://e.com"}}
	wantJSON := `{"shortCode":"k9PqW2z","shortUrl":"https://s.example/k9PqW2z","longUrl":"https://example.com/?a=1&b=<2>","title":"All, \"of\" it",` +
		`"tags":["a,b","news"],"owner":"u1","createdAt":"2025-01-02T03:04:05.678Z","updatedAt":"2025-01-03T03:04:05.000Z",` +
		`"validSince":"2025-02-01T00:00:00.000Z","validUntil":"2031-01-01T00:00:00.000Z","maxVisits":10,"redirectStatus":301,` +
		`"forwardQuery":false,"enabled":false,"hasPassword":true,"passwordHash":"$argon2id$x","visits":{"total":7,"nonBots":7,"bots":0},"version":4}` + "\n" +
		`{"shortCode":"b","shortUrl":"https://s.example/b","longUrl":"https://e.com","title":"","tags":[],"owner":"","createdAt":null,"updatedAt":null,` +
		`"validSince":null,"validUntil":null,"maxVisits":null,"redirectStatus":302,"forwardQuery":true,"enabled":true,"hasPassword":false,` +
		`"visits":{"total":0,"nonBots":0,"bots":0},"version":0}` + "\n"
	wantCSV := "shortCode,shortUrl,longUrl,title,tags,owner,createdAt,updatedAt,validSince,validUntil,maxVisits,redirectStatus,forwardQuery,enabled,hasPassword,visits,botVisits,version\n" +
		`k9PqW2z,https://s.example/k9PqW2z,https://example.com/?a=1&b=<2>,"All, ""of"" it","a,b|news",u1,2025-01-02T03:04:05.678Z,2025-01-03T03:04:05.000Z,` +
		"2025-02-01T00:00:00.000Z,2031-01-01T00:00:00.000Z,10,301,false,false,true,7,0,4\n" +
		"b,https://s.example/b,https://e.com,,,,,,,,,302,true,true,false,0,0,0\n"
	for format, want := range map[transfer.Format]string{transfer.NDJSON: wantJSON, transfer.CSV: wantCSV} {
		if diff := cmp.Diff(want, string(export(t, format, rows))); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

// TestProtectedInCSV refuses to make an open link of a protected one: a CSV has no hashes.
func TestProtectedInCSV(t *testing.T) {
	got := readAll(t, bytes.NewReader(export(t, transfer.CSV, []transfer.Row{transfer.RowOf(sample(t))})), transfer.CSV)
	if got.Faults[1] != "haspassword: "+unknownPassword {
		t.Errorf("%+v", got)
	}
}

// TestNothingWritten gives exports without links that can be read.
func TestNothingWritten(t *testing.T) {
	for _, format := range []transfer.Format{transfer.NDJSON, transfer.CSV} {
		file := export(t, format, nil)
		if diff := cmp.Diff(outcome{}, readAll(t, bytes.NewReader(file), transfer.Auto)); diff != "" {
			t.Errorf("%s %q: %s", format, file, diff)
		}
	}
}

// TestWriterErrors hands on what the stream says, and refuses formats of others.
func TestWriterErrors(t *testing.T) {
	for _, format := range []transfer.Format{transfer.Auto, transfer.Shlink, "xml"} {
		if _, err := transfer.NewWriter(&bytes.Buffer{}, format, ""); err == nil {
			t.Errorf("%s: no error", format)
		}
	}
	for _, format := range []transfer.Format{transfer.NDJSON, transfer.CSV} {
		w, err := transfer.NewWriter(cutWriter{}, format, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(good("a")), w.Flush()); !errors.Is(err, errCut) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// cutWriter takes nothing.
type cutWriter struct{}

func (cutWriter) Write([]byte) (int, error) { return 0, errCut }

// TestRoundTrip reads back whatever is written: all of it from NDJSON, all but the hash from CSV.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 0, 5).Draw(t, "rows")
		for _, format := range []transfer.Format{transfer.NDJSON, transfer.CSV} {
			want := slices.Clone(rows)
			if format == transfer.CSV {
				for i := range want {
					want[i].PasswordHash = ""
					want[i].Tags = plainTags(want[i].Tags)
				}
			}
			var file bytes.Buffer
			w, err := transfer.NewWriter(&file, format, "https://s.example")
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range want {
				if err := w.Write(row); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			for _, from := range []transfer.Format{format, transfer.Auto} {
				if diff := cmp.Diff(want, readBack(t, file.Bytes(), from), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("%s as %s: %s\n%s", format, from, diff, file.Bytes())
				}
			}
		}
	})
}

// readBack reads a file all of whose rows are good.
func readBack(t *rapid.T, file []byte, format transfer.Format) []transfer.Row {
	r, err := transfer.NewReader(bytes.NewReader(file), format)
	if err != nil {
		t.Fatal(err)
	}
	rows := []transfer.Row{}
	for {
		row, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return rows
		}
		row.Number = 0
		rows = append(rows, row)
	}
}

// plainTags takes the separator of tags in a cell out of them.
func plainTags(tags []string) []string {
	var plain []string
	for _, tag := range tags {
		plain = append(plain, strings.TrimSpace(strings.ReplaceAll(tag, "|", "")))
	}
	return slices.DeleteFunc(plain, func(tag string) bool { return tag == "" })
}

// drawRow draws a row that a link could have been, and texts that no link should have.
func drawRow(t *rapid.T) transfer.Row {
	text := rapid.String()
	tags := rapid.SliceOfN(rapid.StringMatching(`[a-z,;|"]{1,4}( [a-z,|é]{1,3})?`), 0, 3).Draw(t, "tags")
	if len(tags) == 0 {
		tags = nil
	}
	row := transfer.Row{
		ShortCode: rapid.StringMatching(`([A-Za-z0-9][A-Za-z0-9_-]{0,9})?`).Draw(t, "code"),
		LongURL:   "https://" + text.Draw(t, "target"),
		Title:     text.Draw(t, "title"), Tags: tags, Owner: text.Draw(t, "owner"),
		CreatedAt: drawTime(t, "created"), UpdatedAt: drawTime(t, "updated"), ValidSince: drawTime(t, "since"), ValidUntil: drawTime(t, "until"),
		MaxVisits: rapid.Uint64Max(link.MaxVisitLimit).Draw(t, "maxVisits"),
		Redirect:  rapid.SampledFrom([]link.Redirect{0, 301, 307, 308}).Draw(t, "redirect"),
		DropQuery: rapid.Bool().Draw(t, "drop"), Disabled: rapid.Bool().Draw(t, "disabled"),
		PasswordHash: text.Draw(t, "hash"),
		Visits:       rapid.Uint64Max(link.MaxVisitLimit).Draw(t, "visits"),
		Version:      rapid.Uint64Max(link.MaxVisitLimit).Draw(t, "version"),
	}
	row.BotVisits = rapid.Uint64Max(row.Visits).Draw(t, "bots")
	return row
}

// drawTime draws a time that a link can hold, or none.
func drawTime(t *rapid.T, name string) time.Time {
	ms := rapid.Int64Range(0, 253_402_300_799_999).Draw(t, name)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
