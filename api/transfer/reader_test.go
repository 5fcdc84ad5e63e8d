package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/transfer"
)

// at gives a time of the fixtures.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return when.UTC()
}

// outcome is what a file gave: its rows, and the faults of the bad ones by their number.
type outcome struct {
	Rows   []transfer.Row
	Faults map[int64]string
	Err    error
}

// readAll reads a stream to its end.
func readAll(t testing.TB, stream io.Reader, format transfer.Format) outcome {
	t.Helper()
	var got outcome
	r, err := transfer.NewReader(stream, format)
	if err != nil {
		got.Err = err
		return got
	}
	for number := int64(1); ; number++ {
		row, err := r.Next()
		var bad *transfer.RowError
		switch {
		case err == nil:
			if row.Number != number {
				t.Fatalf("row %d has the number %d", number, row.Number)
			}
			row.Number = 0
			got.Rows = append(got.Rows, row)
		case errors.As(err, &bad):
			if bad.Number != number {
				t.Fatalf("the fault of row %d has the number %d", number, bad.Number)
			}
			if got.Faults == nil {
				got.Faults = map[int64]string{}
			}
			got.Faults[number] = bad.Reason
		default:
			if _, again := r.Next(); !errors.Is(again, err) {
				t.Errorf("after %v came %v", err, again)
			}
			if !errors.Is(err, io.EOF) {
				got.Err = err
			}
			return got
		}
	}
}

const unknownPassword = "the link is protected by a password, which the file does not hold"

// fixture is a file in the shape of one service, and what is in it.
type fixture struct {
	file   string
	format transfer.Format
	want   outcome
}

func fixtures(t *testing.T) []fixture {
	return []fixture{
		{"shlink.csv", transfer.Shlink, outcome{Rows: []transfer.Row{
			{ShortCode: "abc12", LongURL: "https://example.com/a?x=1&y=2", Title: "Spring sale", Tags: []string{"news", "spring sale"}, CreatedAt: at(t, "2024-03-05T09:15:30Z"), Visits: 42},
			{ShortCode: "Plan-b", LongURL: "https://example.com/b,c", CreatedAt: at(t, "2024-03-06T00:00:00Z")},
		}}},
		{"shlink-semicolon.csv", transfer.Shlink, outcome{Rows: []transfer.Row{
			{ShortCode: "abc12", LongURL: "https://example.com/a", Title: "Two\nlines; \"quoted\"", Tags: []string{"news", "spring"}, CreatedAt: at(t, "2024-03-05T10:15:30Z"), Visits: 42},
		}}},
		{"yourls.sql", transfer.YOURLS, outcome{Rows: []transfer.Row{
			{ShortCode: "docs", LongURL: "https://example.com/docs?a=(1);b", Title: "It's the \"docs\"\nand more", CreatedAt: at(t, "2023-01-02T03:04:05Z"), Visits: 7},
			{ShortCode: "x1", LongURL: "https://example.com/it's"},
			{ShortCode: "hex", LongURL: "https://example.com/h", Title: `Hex \ back`, CreatedAt: at(t, "2023-01-02T03:04:06Z"), Visits: 1},
			{ShortCode: "two", LongURL: "https://example.com/two", Visits: 2},
		}}},
		{"yourls.csv", transfer.YOURLS, outcome{Rows: []transfer.Row{
			{ShortCode: "docs", LongURL: "https://example.com/docs", Visits: 7},
			{ShortCode: "x1", LongURL: "https://example.com/x"},
		}}},
		{"kutt.json", transfer.Kutt, outcome{Rows: []transfer.Row{
			{ShortCode: "promo", LongURL: "https://example.com/promo", Title: "Autumn [promo] {1}", CreatedAt: at(t, "2022-11-03T08:09:10.123Z"), ValidUntil: at(t, "2030-01-01T00:00:00Z"), Visits: 12},
			{ShortCode: "bad", LongURL: "https://example.com/bad", CreatedAt: at(t, "2022-11-03T08:09:11Z"), Disabled: true},
		}, Faults: map[int64]string{3: unknownPassword}}},
		{"bitly.json", transfer.Bitly, outcome{Rows: []transfer.Row{
			{ShortCode: "launch", LongURL: "https://example.com/launch", Title: "Launch — day one", Tags: []string{"launch", "press, print"}, CreatedAt: at(t, "2021-07-11T11:53:35Z")},
			{ShortCode: "3Xyz", LongURL: "https://example.com/plain", CreatedAt: at(t, "2021-07-12T00:00:00Z")},
		}, Faults: map[int64]string{3: "the link was deleted"}}},
		{"dub.csv", transfer.Dub, outcome{Rows: []transfer.Row{
			{ShortCode: "spring", LongURL: "https://example.com/spring", Tags: []string{"news", "spring"}, CreatedAt: at(t, "2024-05-06T07:08:09.1Z"), UpdatedAt: at(t, "2024-05-07T07:08:09.1Z"), Visits: 31},
		}, Faults: map[int64]string{2: "shortlink: the short URL has no code"}}},
		{"chhoto.json", transfer.Chhoto, outcome{Rows: []transfer.Row{
			{ShortCode: "cat", LongURL: "https://example.com/cat", Title: `the "cat"`, Visits: 9},
			{ShortCode: "dog", LongURL: "https://example.com/dog", ValidUntil: at(t, "2030-01-01T00:00:00Z")},
		}}},
		{"golink.jsonl", transfer.Golink, outcome{Rows: []transfer.Row{
			{ShortCode: "meet", LongURL: "https://example.com/{{.Path}}", Owner: "ann@example.com", CreatedAt: at(t, "2022-02-03T04:05:06.123Z"), UpdatedAt: at(t, "2022-03-03T04:05:06Z")},
			{ShortCode: "who", LongURL: "https://example.com/who", CreatedAt: at(t, "2022-02-03T04:05:07Z"), UpdatedAt: at(t, "2022-02-03T04:05:07Z")},
		}}},
		{"generic.csv", transfer.CSV, outcome{Rows: []transfer.Row{
			{ShortCode: "one", LongURL: "https://example.com/1", Title: "first; of two", ValidUntil: at(t, "2030-01-01T00:00:00Z"), Visits: 3},
			{LongURL: "https://example.com/2", ValidUntil: at(t, "2030-01-01T00:00:00Z")},
		}}},
		{"own.ndjson", transfer.NDJSON, outcome{Rows: []transfer.Row{
			{
				ShortCode: "k9PqW2z", LongURL: "https://example.com/all?a=1&b=<2>", Title: "All of it", Tags: []string{"a,b", "c|d"}, Owner: "u1",
				CreatedAt: at(t, "2025-01-02T03:04:05.678Z"), UpdatedAt: at(t, "2025-01-03T03:04:05Z"), ValidSince: at(t, "2025-02-01T00:00:00Z"),
				ValidUntil: at(t, "2031-01-01T00:00:00Z"), MaxVisits: 10, Redirect: 301, DropQuery: true, Disabled: true,
				PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", Visits: 7, BotVisits: 2, Version: 4,
			},
			{ShortCode: "plain", LongURL: "https://example.com/", CreatedAt: at(t, "2025-01-02T03:04:05.678Z"), UpdatedAt: at(t, "2025-01-02T03:04:05.678Z"), Version: 1},
		}}},
	}
}

// TestFixtures reads the files of each service, by name and by their looks, whole and in the smallest pieces.
func TestFixtures(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", f.file))
			if err != nil {
				t.Fatal(err)
			}
			streams := map[string]io.Reader{
				"whole":           bytes.NewReader(data),
				"byte by byte":    iotest.OneByteReader(bytes.NewReader(data)),
				"data with EOF":   iotest.DataErrReader(bytes.NewReader(data)),
				"behind a BOM":    io.MultiReader(bytes.NewReader([]byte("\ufeff")), bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))),
				"no last break":   bytes.NewReader(bytes.TrimRight(data, "\r\n")),
				"CRLF":            bytes.NewReader(crlf(f.file, data)),
				"after a break":   io.MultiReader(bytes.NewReader([]byte("\n")), bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))),
				"blank at an end": io.MultiReader(bytes.NewReader(data), bytes.NewReader([]byte("\r\n\r\n \n"))),
			}
			for name, stream := range streams {
				if diff := cmp.Diff(f.want, readAll(t, stream, f.format)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			if diff := cmp.Diff(f.want, readAll(t, bytes.NewReader(data), transfer.Auto)); diff != "" {
				t.Errorf("detected: %s", diff)
			}
			r, err := transfer.NewReader(bytes.NewReader(data), transfer.Auto)
			if err != nil || r.Format() != f.format {
				t.Errorf("detected as %v, %v", r.Format(), err)
			}
		})
	}
}

// crlf gives a file line breaks as of Windows, but for the one that has a break in a text.
func crlf(file string, data []byte) []byte {
	if file == "shlink-semicolon.csv" {
		return data
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

// TestPages reads what is left when the pages of an API are put into one file.
func TestPages(t *testing.T) {
	for file, rows := range map[string]int{"kutt.json": 4, "bitly.json": 4, "chhoto.json": 4, "golink.jsonl": 4} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if got := readAll(t, bytes.NewReader(append(data, data...)), transfer.Auto); len(got.Rows) != rows || got.Err != nil {
			t.Errorf("%s: %d rows, %v", file, len(got.Rows), got.Err)
		}
	}
}

// TestBareLists detects the lists of the APIs without what is around them, as jq would cut them out.
func TestBareLists(t *testing.T) {
	for text, want := range map[string]transfer.Format{
		`[{"address":"a","target":"https://e.com","data":[1]}]`:        transfer.Kutt,
		`[{"id":"b.ly/a","long_url":"https://e.com","references":{}}]`: transfer.Bitly,
		`[{"shortlink":"a","longlink":"https://e.com"}]`:               transfer.Chhoto,
		`[]`: transfer.Chhoto,
	} {
		r, err := transfer.NewReader(bytes.NewReader([]byte(text)), transfer.Auto)
		if err != nil || r.Format() != want {
			t.Errorf("%s: %v, %v", text, r.Format(), err)
		}
	}
}

// TestParseFormat takes the names of the contract, and no others.
func TestParseFormat(t *testing.T) {
	for _, name := range []string{"auto", "shlink", "yourls", "kutt", "bitly", "dub", "chhoto", "golink", "csv", "ndjson"} {
		if got, err := transfer.ParseFormat(name); err != nil || string(got) != name {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := transfer.ParseFormat(""); err != nil || got != transfer.Auto {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := transfer.ParseFormat("CSV"); err == nil {
		t.Error("CSV in capitals was taken")
	}
	if _, err := transfer.NewReader(bytes.NewReader(nil), "xml"); err == nil {
		t.Error("a reader of xml was made")
	}
}
