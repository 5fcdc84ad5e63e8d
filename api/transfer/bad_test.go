package transfer_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyurl/api/transfer"
)

// good is a row of a bad file that must come through.
func good(code string) transfer.Row {
	return transfer.Row{ShortCode: code, LongURL: "https://e.com"}
}

const (
	tooLong   = "the row is longer than 1 MiB"
	badQuotes = "a quote is not closed, or stands where it must be doubled"
	noLongURL = "the row has no long URL"
	notUTF8   = "the row is not UTF-8"
	notJSON   = "the row is not JSON"
)

var (
	mib   = strings.Repeat("a", 1<<20)
	tenMB = strings.Repeat("a", hugeCell)
)

// badCase is a file with rows that cannot be read.
type badCase struct {
	name, text string
	rows       []transfer.Row
	faults     map[int64]string
}

func (c *badCase) check(t *testing.T, format transfer.Format) {
	t.Run(c.name, func(t *testing.T) {
		want := outcome{Rows: c.rows, Faults: c.faults}
		if diff := cmp.Diff(want, readAll(t, strings.NewReader(c.text), format)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestBadCSV reads past rows whose quotes or cells are wrong, and loses no other.
func TestBadCSV(t *testing.T) {
	const head = "short,url,title\n"
	for _, c := range []badCase{
		{"empty file", "", nil, nil},
		{"header alone", head, nil, nil},
		{"quote open to the end", head + "a,https://e.com,\"x\nb,https://e.com,\nc,https://e.com,", []transfer.Row{good("b"), good("c")}, map[int64]string{1: badQuotes}},
		{"quote open to the end of the last line", head + "a,https://e.com,\nb,https://e.com,\"x", []transfer.Row{good("a")}, map[int64]string{2: badQuotes}},
		{"quote open to the next quote", head + "a,\"https://e.com,x\nb,\"https://e.com\",\n", []transfer.Row{good("b")}, map[int64]string{1: badQuotes}},
		{"quote open, then a cell of two lines", head + "a,\"https://e.com,x\nb,https://e.com,\"b\nb\"\n", []transfer.Row{{ShortCode: "b", LongURL: "https://e.com", Title: "b\nb"}}, map[int64]string{1: badQuotes}},
		{"quote not doubled", head + "a,https://e.com,\"x\"y\"\nb,https://e.com,\"\"\n", []transfer.Row{good("b")}, map[int64]string{1: badQuotes}},
		{"quote open for more than a row", head + "a,https://e.com,\"x\n" + strings.Repeat(strings.Repeat(" ", 2000)+"b,https://e.com,\n", 600), repeat(good("b"), 600), map[int64]string{1: badQuotes}},
		{"10 MB cell", head + "a,https://e.com," + tenMB + "\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"10 MB cell in quotes", head + "a,https://e.com,\"" + tenMB + "\"\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"10 MB cell in quotes, then more", head + "\"" + tenMB + "\",https://e.com,\"x\"\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"10 MB cell whose quote stays open", head + "a,https://e.com,\"" + tenMB + "\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"10 MB cell with a stray quote", head + "a,https://e.com,\"" + tenMB + "\"x\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"10 MB cell at the end", head + "a,https://e.com,\"" + tenMB, nil, map[int64]string{1: tooLong}},
		{"1 MiB and one byte", head + mib + "\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"return within a line", head + "a,https://e.com,\"x\"\ry\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: badQuotes}},
		{"too many cells", head + "a,https://e.com,x,y\nb,https://e.com,,,\n", []transfer.Row{good("b")}, map[int64]string{1: "the row has 4 cells, not 3 as the header"}},
		{"too few cells", head + "a,https://e.com\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: "the row has 2 cells, not 3 as the header"}},
		{"rows of nothing", head + "\n,,\r\n \nb,https://e.com,\n", []transfer.Row{good("b")}, nil},
		{"no long URL", head + "a,,x\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: noLongURL}},
		{"Latin-1", head + "a,https://e.com,caf\xe9\nb,https://e.com,\n", []transfer.Row{good("b")}, map[int64]string{1: notUTF8}},
		{"spaces in the header", "Short-Code;LONG_URL ; Title\nb;https://e.com;\n", []transfer.Row{good("b")}, nil},
		{"stronger columns", "shorturl,note,shortcode,title,url\nhttps://s.e/x,n,b,,https://e.com\n", []transfer.Row{{ShortCode: "b", LongURL: "https://e.com", Title: "n"}}, nil},
	} {
		c.check(t, transfer.CSV)
	}
}

func repeat(row transfer.Row, times int) []transfer.Row {
	rows := make([]transfer.Row, times)
	for i := range rows {
		rows[i] = row
	}
	return rows
}

// TestBadCells says of each cell that is read for its meaning what is wrong with it.
func TestBadCells(t *testing.T) {
	for header, cells := range map[string]map[string]string{
		"Created At":      {"yesterday": "createdat: a time is in no known form", "-5": "createdat: a time must be of the years 1970 to 9999", "1969-01-01": "createdat: a time must be of the years 1970 to 9999"},
		"expires_at":      {"2024-13-01": "expiresat: a time is in no known form"},
		"clicks":          {"-1": "clicks: a count is not a whole number of 0 to 9007199254740991", "1.5": "clicks: a count is not a whole number of 0 to 9007199254740991", "9007199254740992": "clicks: a count is not a whole number of 0 to 9007199254740991"},
		"redirect status": {"303": "redirectstatus: a redirect status is 301, 302, 307 or 308", "x": "redirectstatus: a redirect status is 301, 302, 307 or 308"},
		"enabled":         {"maybe": "enabled: a flag is neither true nor false"},
		"has-password":    {"true": "haspassword: " + unknownPassword},
		"botvisits":       {"1": "the row has more visits of bots than visits"},
		"Short URL":       {"https://s.e/": "shorturl: the short URL has no code", "//": "shorturl: the short URL has no code"},
	} {
		for cell, want := range cells {
			got := readAll(t, strings.NewReader("url,"+header+"\nhttps://e.com,"+cell+"\n"), transfer.CSV)
			if got.Faults[1] != want {
				t.Errorf("%s %s: %q, not %q", header, cell, got.Faults[1], want)
			}
		}
	}
}

// TestBadLines reads past lines that are no links, and loses no other.
func TestBadLines(t *testing.T) {
	const b = `{"shortCode":"b","longUrl":"https://e.com"}` + "\n"
	for _, c := range []badCase{
		{"empty file", "", nil, nil},
		{"no JSON", "hello\n" + b, []transfer.Row{good("b")}, map[int64]string{1: notJSON}},
		{"half a line", `{"shortCode":"a","lon` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: notJSON}},
		{"a member twice", `{"longUrl":"https://e.com","longUrl":"https://f.com"}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "the row has a member twice"}},
		{"a member twice, in other letters", `{"longUrl":"https://e.com","title":"a","TITLE":null}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "the row has a member twice"}},
		{"a member twice, escaped", `{"longUrl":"https://e.com","long\u0055rl":"https://f.com"}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "the row has a member twice"}},
		{"a member of a member twice", `{"longUrl":"https://e.com","visits":{"total":1,"total":2}}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "the row has a member twice"}},
		{"the same text in a list", `{"shortCode":"b","longUrl":"https://e.com","tags":["title","title","tags"]}` + "\n", []transfer.Row{{ShortCode: "b", LongURL: "https://e.com", Tags: []string{"title", "title", "tags"}}}, nil},
		{"not an object", "[1]\nnull\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "a JSON object was expected, not an array", 2: noLongURL}},
		{"wrong type", `{"longUrl":5}` + "\n" + `{"longUrl":"https://e.com","tags":"a"}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: `"longUrl" must not be a number`, 2: `"tags" must not be a string`}},
		{"wrong time", `{"longUrl":"https://e.com","createdAt":"now"}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "a time is in no known form"}},
		{"wrong count", `{"longUrl":"https://e.com","maxVisits":[1]}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "a list or an object stands where a text or a number must be"}},
		{"unknown member", `{"longUrl":"https://e.com","colour":"red"}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "the row has a member of an unknown name"}},
		{"two on a line", strings.TrimSpace(b) + b + b, []transfer.Row{good("b")}, map[int64]string{1: "the line holds more than one link"}},
		{"hash left out", `{"longUrl":"https://e.com","hasPassword":true}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: unknownPassword}},
		{"redirect status", `{"longUrl":"https://e.com","redirectStatus":200}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: "a redirect status is 301, 302, 307 or 308"}},
		{"10 MB line", `{"longUrl":"` + tenMB + `"}` + "\n" + b, []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"Latin-1", "{\"longUrl\":\"https://e.com\",\"title\":\"caf\xe9\"}\n" + b, []transfer.Row{good("b")}, map[int64]string{1: notUTF8}},
		{"empty lines", "\n\r\n  \n" + b + "\n", []transfer.Row{good("b")}, nil},
	} {
		c.check(t, transfer.NDJSON)
	}
}

// TestBadLists reads past elements of a JSON list that are no links.
func TestBadLists(t *testing.T) {
	const b = `{"shortlink":"b","longlink":"https://e.com"}`
	for _, c := range []badCase{
		{"no links", "[]", nil, nil},
		{"scalars", `[1, "x", null, ` + b + `]`, []transfer.Row{good("b")}, map[int64]string{1: "a JSON object was expected, not a number", 2: "a JSON object was expected, not a string", 3: noLongURL}},
		{"broken element", `[{"shortlink":"a",,}, ` + b + `]`, []transfer.Row{good("b")}, map[int64]string{1: notJSON}},
		{"10 MB element", `[{"longlink":"` + tenMB + `"},` + b + `]`, []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"wrong type", `[{"longlink":{}},` + b + `]`, []transfer.Row{good("b")}, map[int64]string{1: `"longlink" must not be an object`}},
		{"counts and times as texts", `[{"shortlink":"b","longlink":"https://e.com","hits":"0","expiry_time":"0"}]`, []transfer.Row{good("b")}, nil},
		{"brackets in texts", `[{"shortlink":"b","longlink":"https://e.com","x":"]}\"]}"}]`, []transfer.Row{good("b")}, nil},
	} {
		c.check(t, transfer.Chhoto)
	}
}

// TestBadSQL reads past rows of a dump whose values are wrong.
func TestBadSQL(t *testing.T) {
	const head = "INSERT INTO `my_url` (keyword, url) VALUES "
	for _, c := range []badCase{
		{"expression", head + "('a', CONCAT('x','y')),('b','https://e.com');", []transfer.Row{good("b")}, map[int64]string{1: "a value is neither a text, a number nor NULL"}},
		{"too few", head + "('a'),('b','https://e.com');", []transfer.Row{good("b")}, map[int64]string{1: "the row has 1 cells, not 2 as the header"}},
		{"bad hex", head + "('a',0x123),(x'62','https://e.com');", []transfer.Row{good("b")}, map[int64]string{1: "a value is neither a text, a number nor NULL"}},
		{"10 MB value", head + "('a','" + tenMB + "'),('b','https://e.com');", []transfer.Row{good("b")}, map[int64]string{1: tooLong}},
		{"Latin-1", head + "('a','https://e.com/\xe9'),('b','https://e.com');", []transfer.Row{good("b")}, map[int64]string{1: notUTF8}},
		{"10 MB of another table", "INSERT INTO logs VALUES ('" + tenMB + "');\n" + head + "('b','https://e.com')", []transfer.Row{good("b")}, nil},
		{"comments", "-- a; 'b\n/* ; ( */ " + head + "/* x */ ('b','https://e.com') -- y\n;", []transfer.Row{good("b")}, nil},
		{"update on conflict", head + "('b','https://e.com') ON DUPLICATE KEY UPDATE clicks=(1);" + head + "('b','https://e.com');", repeat(good("b"), 2), nil},
		{"named database", "REPLACE INTO `db`.`y_url`(`keyword`,`url`) VALUES ('b','https://e.com');", []transfer.Row{good("b")}, nil},
	} {
		c.check(t, transfer.YOURLS)
	}
}

// TestUnreadable ends the reading of what is no file of its format, after the rows before the trouble.
func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		name, text string
		format     transfer.Format
		rows       int
	}{
		{"CSV without the column", "a,b\n1,2\n", transfer.CSV, 0},
		{"CSV of prose", "It was a dark night.\n", transfer.Auto, 0},
		{"CSV header with an open quote", "\"url\nhttps://e.com\n", transfer.CSV, 0},
		{"CSV header too long", "url," + tenMB + "\n", transfer.CSV, 0},
		{"CSV header of too many columns", "url" + strings.Repeat(",x", 300) + "\n", transfer.CSV, 0},
		{"UTF-16", "\xff\xfeu\x00r\x00l\x00", transfer.Auto, 0},
		{"gzip", "\x1f\x8b\x08", transfer.Auto, 0},
		{"zip", "PK\x03\x04", transfer.CSV, 0},
		{"binary", "\x7fELF\x00\n", transfer.Auto, 0},
		{"JSON of another kind", `{"error":"no"}`, transfer.Kutt, 0},
		{"JSON cut short", `{"data":[{"address":"a","target":"https://e.com"},{"addr`, transfer.Kutt, 1},
		{"JSON cut short between rows", `{"data":[{"address":"a","target":"https://e.com"},`, transfer.Kutt, 1},
		{"JSON list of no list", `{"data":{}}`, transfer.Kutt, 0},
		{"JSON without a value", `{"data":}`, transfer.Kutt, 0},
		{"JSON without a colon", `{"data"[]}`, transfer.Kutt, 0},
		{"JSON of stray brackets", `[}]`, transfer.Chhoto, 0},
		{"JSON of stray words", `[] x`, transfer.Chhoto, 0},
		{"JSON object for a bare list", `{"links":[]}`, transfer.Chhoto, 0},
		{"SQL without the table", "INSERT INTO logs VALUES (1);", transfer.YOURLS, 0},
		{"SQL cut short", "INSERT INTO x_url (keyword,url) VALUES ('a','https://e.com'),('b','https", transfer.YOURLS, 1},
		{"SQL cut short between rows", "INSERT INTO x_url (keyword,url) VALUES ('a','https://e.com'),", transfer.YOURLS, 1},
		{"SQL without values", "INSERT INTO x_url SELECT * FROM y;", transfer.YOURLS, 0},
		{"SQL without the column", "INSERT INTO x_url (keyword) VALUES ('a');", transfer.YOURLS, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readAll(t, strings.NewReader(c.text), c.format)
			if !errors.Is(got.Err, transfer.ErrUnreadable) || len(got.Rows) != c.rows || len(got.Faults) != 0 {
				t.Errorf("%d rows, %v, %v", len(got.Rows), got.Faults, got.Err)
			}
		})
	}
}

// errCut is what a connection gives that breaks.
var errCut = errors.New("cut")

// cutReader breaks after a text.
type cutReader struct{ text io.Reader }

func (c cutReader) Read(p []byte) (int, error) {
	n, err := c.text.Read(p)
	if errors.Is(err, io.EOF) {
		err = errCut
	}
	return n, err
}

// TestBrokenStream hands on the error of the stream, and never a row that did not come whole.
func TestBrokenStream(t *testing.T) {
	filler := strings.Repeat("\n", 128<<10) // the head of the file must come whole
	for format, text := range map[transfer.Format]string{
		transfer.CSV:    "url\n" + filler + "https://e.com/1\nhttps://e.com/2",
		transfer.NDJSON: filler + `{"longUrl":"https://e.com/1"}` + "\n" + `{"longUrl":"https://e.com/2"}`,
		transfer.Chhoto: "[" + filler + `{"longlink":"https://e.com/1"},{"longlink":"https://e.com`,
		transfer.YOURLS: "-- dump\n" + filler + "INSERT INTO a_url (url) VALUES ('https://e.com/1'),('https:",
	} {
		got := readAll(t, cutReader{strings.NewReader(text)}, format)
		if !errors.Is(got.Err, errCut) || len(got.Rows) != 1 {
			t.Errorf("%s: %d rows, %v", format, len(got.Rows), got.Err)
		}
	}
	if _, err := transfer.NewReader(cutReader{strings.NewReader("url\n")}, transfer.Auto); !errors.Is(err, errCut) {
		t.Errorf("at the head: %v", err)
	}
	if _, err := transfer.NewReader(idle{}, transfer.Auto); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("of a stream that gives nothing: %v", err)
	}
}

// idle is a stream that gives neither bytes nor an error.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
