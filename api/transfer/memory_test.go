package transfer_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"tinyurl/api/transfer"
)

// endless gives a text again and again, until so many bytes have come.
type endless struct {
	head, text string
	left       int
	at         int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left <= 0 && e.at == 0 {
		return 0, io.EOF // never in the middle of a row
	}
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= n
	return n, nil
}

// heapRoom is by how much the heap may grow: the window of the longest row, what a row is made of, and what the collector has not
// yet come to.
const heapRoom = 24 << 20

// TestMemoryIsFlat reads files that are much longer than the memory they may take, in each family.
func TestMemoryIsFlat(t *testing.T) {
	url := "https://example.com/" + strings.Repeat("path/", 800)
	for name, stream := range map[string]struct {
		format transfer.Format
		endless
	}{
		"csv":             {transfer.CSV, endless{head: "url,title,tags\n", text: url + ",\"a \"\"title\"\"\",x|y\n"}},
		"ndjson":          {transfer.NDJSON, endless{text: `{"longUrl":"` + url + `","tags":["x"]}` + "\n"}},
		"list":            {transfer.Chhoto, endless{head: "[", text: `{"longlink":"` + url + `"},`}},
		"sql":             {transfer.YOURLS, endless{head: "INSERT INTO my_url (url) VALUES ", text: "('" + url + "'),"}},
		"sql of others":   {transfer.YOURLS, endless{head: "INSERT INTO my_log VALUES ", text: "('" + url + "'),"}},
		"one endless row": {transfer.CSV, endless{head: "url\n", text: url}},
		"one open quote":  {transfer.CSV, endless{head: "url\n\"", text: url}},
	} {
		t.Run(name, func(t *testing.T) {
			stream.left = streamSize / 8
			if name == "ndjson" {
				stream.left = streamSize
			}
			read(t, &stream.endless, stream.format)
		})
	}
}

// read reads a stream to its end, with an eye on the heap.
func read(t *testing.T, stream io.Reader, format transfer.Format) {
	t.Helper()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, err := transfer.NewReader(stream, format)
	if err != nil {
		t.Fatal(err)
	}
	for rows := 0; ; rows++ {
		if rows%1024 == 0 {
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc+heapRoom {
				t.Fatalf("after %d rows the heap has grown by %d bytes", rows, now.HeapAlloc-before.HeapAlloc)
			}
		}
		if _, err := r.Next(); err != nil && !bad(err) {
			return
		}
	}
}
