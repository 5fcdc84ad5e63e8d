package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/bubble"
)

// head is the beginning of an import whose body comes in chunks.
const head = "POST " + importPath + "?importId=mine HTTP/1.1\r\nHost: a\r\n" + keyLine + "Transfer-Encoding: chunked\r\n\r\n"

// chunk is a piece of a body.
func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// lineOf reads the next line of an answer.
func lineOf(t *testing.T, decoder *json.Decoder) (line v1.ImportLine) {
	t.Helper()
	if err := decoder.Decode(&line); err != nil {
		t.Fatal(err)
	}
	return line
}

// A client sends some rows, hears of them, and sends the rest: nothing waits for the end of the file.
func TestAnImportIsHeardOfWhileItGoesOn(t *testing.T) {
	f := newFixture(t)
	newShelf(f)
	conn := dial(t, f.listen(t, Limits{}, nil))
	send := func(text string) {
		t.Helper()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	// More than is looked at before the answer begins, and than the batches that may be under way.
	rows := (importsInFlight+2)*maxImportRows + 2000
	file := csvOf(rows) + strings.Repeat("\n", 64<<10)
	send(head + chunk(file))
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != 200 {
		t.Fatal(response, err)
	}
	decoder := json.NewDecoder(response.Body)
	if line := lineOf(t, decoder); line.ImportID != "mine" {
		t.Errorf("%+v", line)
	}
	if line := lineOf(t, decoder); line.ImportCounts == nil || line.Rows != 1000 || line.Complete != nil {
		t.Errorf("%+v", line)
	}
	send(chunk("https://example.com/last,last\n") + "0\r\n\r\n")
	for {
		line := lineOf(t, decoder)
		if line.Complete != nil {
			if !*line.Complete || line.Created != int64(rows+1) {
				t.Errorf("%+v", line.ImportCounts)
			}
			break
		}
	}
	closed(t, conn)
	if f.do("GET", "/last", "").Code != 302 {
		t.Error("the last row made no link")
	}
}

// What is left of a body that ended badly must not be taken for a request.
func TestTheRestOfABrokenImportIsNoRequest(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	f.add("abc", "https://example.com/")
	conn := dial(t, f.listen(t, Limits{}, nil))
	smuggled := "DELETE /api/v1/links/abc HTTP/1.1\r\nHost: a\r\n" + keyLine + "\r\n"
	if _, err := io.WriteString(conn, head+chunk(csvOf(3)+strings.Repeat("\n", 64<<10))+"nonsense\r\n"+smuggled+smuggled); err != nil {
		t.Fatal(err)
	}
	if response, body := answerOn(t, conn); response.StatusCode != 200 || !strings.Contains(string(body), `"complete":false`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	closed(t, conn)
	if s.deleted["abc"] {
		t.Error("a part of the body was obeyed")
	}
}

// slow gives a fixture that waits so long for a client, and what dials it in memory.
func slow(t *testing.T, patience time.Duration) (*fixture, func() (net.Conn, error)) {
	limits := Limits{ReadHeader: time.Second, Read: patience}
	f := newFixture(t, func(c *Config) { c.Limits = limits })
	newShelf(f)
	return f, f.inMemory(t, limits, nil)
}

// A pause between two rows may be as long as that for a whole request elsewhere, and the whole may be longer.
func TestEachReadOfAnImportHasItsOwnTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const pause = 300 * time.Millisecond
		f, way := slow(t, pause)
		conn := connect(t, way)
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		tick := time.NewTicker(pause / 4)
		defer tick.Stop()
		for _, piece := range append(in(5, csvOf(3)), "") {
			if _, err := io.WriteString(conn, chunk(piece)); err != nil {
				t.Fatal(err)
			}
			<-tick.C
		}
		response, body := answerOn(t, conn)
		if response.StatusCode != 200 || !strings.Contains(string(body), `"created":3`) || !strings.Contains(string(body), `"complete":true`) {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		if took := time.Since(began); took < 2*pause || f.transfers.inside.Load() != 0 {
			t.Errorf("only %v: shorter than what is allowed for one read", took)
		}
	})
}

func TestASlowImportIsGivenUp(t *testing.T) {
	padding := strings.Repeat("\n", 64<<10)
	for name, c := range map[string]struct {
		sent  string
		whole bool // the answer had not begun
	}{
		"nothing":          {head, true},
		"half a header":    {head + chunk("long"), true},
		"half a chunk":     {head + "ff\r\nlong", true},
		"rows":             {head + chunk(csvOf(3)+padding), false},
		"half a row":       {head + chunk(csvOf(3)+padding+"https://exam"), false},
		"with a length":    {"POST " + importPath + " HTTP/1.1\r\nHost: a\r\n" + keyLine + "Content-Length: 1000000\r\n\r\n" + csvOf(3) + padding, false},
		"waiting for 100":  {"POST " + importPath + " HTTP/1.1\r\nHost: a\r\n" + keyLine + "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n", true},
		"without a key":    {"POST " + importPath + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", true},
		"without, chunked": {"POST " + importPath + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlo", true},
	} {
		inBubble(t, name, func(t *testing.T) {
			f, way := slow(t, 100*time.Millisecond)
			conn := connect(t, way)
			if _, err := io.WriteString(conn, c.sent); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			if err == nil && response.StatusCode == http.StatusContinue {
				response, err = http.ReadResponse(reader, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := 408
			if strings.Contains(name, "without") {
				want = 401
			}
			if c.whole {
				checkProblem(t, response.Header, body, want, map[int]v1.Code{408: v1.RequestTimeout, 401: v1.Unauthorized}[want])
			} else if response.StatusCode != 200 || !strings.Contains(string(body), `"lastRow":3`) ||
				!strings.Contains(string(body), `"complete":false`) || !strings.Contains(string(body), `"request_timeout"`) {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			closed(t, conn)
			if used := f.bodies.used.Load() + f.transfers.inside.Load(); used != 0 {
				t.Errorf("%d are kept", used)
			}
		})
	}
}

// Whoever is refused must see why, however much they are about to send.
func TestRefusedImportsAreAnsweredWhileTheySend(t *testing.T) {
	big := strings.Repeat("x", 10<<20)
	for name, c := range map[string]struct {
		key, query string
		body       string
		status     int
		code       v1.Code
	}{
		"no key":       {"", "", big, 401, v1.Unauthorized},
		"wrong key":    {"wrong", "", big, 401, v1.Unauthorized},
		"bad query":    {testKey, "?startRow=0", big, 422, v1.InvalidField},
		"no such file": {testKey, "", big, 422, v1.InvalidField},
		"a ZIP file":   {testKey, "", "PK\x03\x04" + big, 422, v1.InvalidField},
	} {
		for _, told := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, told %t", name, told), func(t *testing.T) {
				f := newFixture(t)
				var body io.Reader = strings.NewReader(c.body)
				if !told {
					body = struct{ io.Reader }{body}
				}
				request, err := http.NewRequest(http.MethodPost, "http://"+f.listen(t, Limits{}, nil)+importPath+c.query, body)
				if err != nil {
					t.Fatal(err)
				}
				if c.key != "" {
					request.Header.Set("X-Api-Key", c.key)
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				text, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != c.status {
					t.Errorf("status %d", response.StatusCode)
				}
				checkProblem(t, response.Header, text, c.status, c.code)
			})
		}
	}
}

// All that people and their programs do to files.
func TestOddFiles(t *testing.T) {
	huge := strings.Repeat("x", 10<<20)
	for name, c := range map[string]struct {
		file string
		want v1.ImportCounts
		bad  []int64
	}{
		"BOM":              {"\ufefflongUrl,shortCode\nhttps://example.com,a\n", v1.ImportCounts{Rows: 1, Created: 1}, nil},
		"CRLF":             {"longUrl;shortCode\r\nhttps://example.com;a\r\n\r\n", v1.ImportCounts{Rows: 1, Created: 1}, nil},
		"no line end":      {"longUrl\nhttps://example.com", v1.ImportCounts{Rows: 1, Created: 1}, nil},
		"an open quote":    {"longUrl,title\nhttps://example.com,\"open\nhttps://example.com/2,two\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"10 MB in a cell":  {"longUrl,title\nhttps://example.com/1," + huge + "\nhttps://example.com/2,two\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"10 MB in quotes":  {"longUrl,title\nhttps://example.com/1,\"" + huge + "\"\nhttps://example.com/2,two\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"10 MB in a line":  {`{"longUrl":"https://example.com/` + huge + "\"}\n{\"longUrl\":\"https://example.com/2\"}\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"many empty lines": {"longUrl\n" + strings.Repeat("\n", 1<<20) + "https://example.com\n", v1.ImportCounts{Rows: 1, Created: 1}, nil},
		"too many cells":   {"longUrl,title\nhttps://example.com/1,a,b\nhttps://example.com/2,two\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"bytes of no text": {"longUrl,title\nhttps://example.com/1,\xff\nhttps://example.com/2,two\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"a NUL":            {"longUrl,title\nhttps://example.com/1,a\x00\nhttps://example.com/2,two\n", v1.ImportCounts{Rows: 2, Created: 1, Failed: 1}, []int64{1}},
		"lines of no JSON": {"{\"longUrl\":\"https://example.com\"}\nnonsense\n[]\n", v1.ImportCounts{Rows: 3, Created: 1, Failed: 2}, []int64{2, 3}},
		"a lost password":  {"{\"longUrl\":\"https://example.com\",\"hasPassword\":true}\n", v1.ImportCounts{Rows: 1, Failed: 1}, []int64{1}},
		"nothing":          {"", v1.ImportCounts{}, nil},
		"a header alone":   {"longUrl,shortCode\n", v1.ImportCounts{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			newShelf(f)
			api, err := client.New("http://"+f.listen(t, Limits{}, nil), testKey, nil)
			if err != nil {
				t.Fatal(err)
			}
			var bad []int64
			counts, err := api.Import(t.Context(), strings.NewReader(c.file), client.ImportOptions{}, func(line v1.ImportLine) {
				if line.Row > 0 && line.Error.Status == 422 && line.Error.Detail != "" {
					bad = append(bad, line.Row)
				}
			})
			c.want.LastRow = c.want.Rows
			if err != nil || counts != c.want || fmt.Sprint(bad) != fmt.Sprint(c.bad) {
				t.Errorf("%+v, bad %v, %v", counts, bad, err)
			}
		})
	}
}

// Over HTTP/2 both directions are streams as well.
func TestImportAndExportOverTLS(t *testing.T) {
	s, api := overTLS(t, Limits{})
	counts, err := api.Import(t.Context(), strings.NewReader(csvOf(5000)), client.ImportOptions{}, nil)
	if err != nil || counts.Created != 5000 || len(s.links) != 5000 {
		t.Fatalf("%+v, %v", counts, err)
	}
	var file strings.Builder
	if err := api.Export(t.Context(), &file, "ndjson"); err != nil || strings.Count(file.String(), "\n") != 5000 {
		t.Errorf("%d lines, %v", strings.Count(file.String(), "\n"), err)
	}
	s.listErr = func(n int) error {
		if n%3 == 0 {
			return errUnheardOf
		}
		return nil
	}
	s.lists = nil
	if err := api.Export(t.Context(), io.Discard, "csv"); err == nil {
		t.Error("half a file was taken for a whole one")
	}
}

// A connection that is lost ends the import, and what was told before says where to go on.
func TestALostConnectionEndsAnImport(t *testing.T) {
	f := newFixture(t)
	s := newShelf(f)
	api, err := client.New("http://"+f.listen(t, Limits{}, nil), testKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	go func() {
		_, _ = io.WriteString(writer, csvOf(4000)+strings.Repeat("\n", 64<<10))
		// Never closed: the import can only end by the connection.
	}()
	counts, err := api.Import(ctx, reader, client.ImportOptions{ID: "a"}, func(line v1.ImportLine) {
		if line.ImportCounts != nil {
			cancel()
		}
	})
	if err == nil || counts.LastRow < 1000 || counts.LastRow%1000 != 0 {
		t.Fatalf("%+v, %v", counts, err)
	}
	until(t, "the node has given it up", func() bool { return f.transfers.inside.Load() == 0 })
	rest, err := api.Import(t.Context(), strings.NewReader(csvOf(4000)), client.ImportOptions{ID: "a", StartRow: counts.LastRow + 1}, nil)
	if err != nil || rest.Rows+counts.Rows != 4000 || rest.Failed > 0 || len(s.links) != 4000 {
		t.Errorf("%+v, %v: %d links", rest, err, len(s.links))
	}
}
