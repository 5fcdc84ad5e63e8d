package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// blind takes an answer and keeps only its status.
type blind struct {
	header http.Header
	status int
}

func (b *blind) Header() http.Header         { return b.header }
func (b *blind) WriteHeader(status int)      { b.status = status }
func (b *blind) Write(p []byte) (int, error) { return len(p), nil }

// filled is prefix, then as many parts as fit into size bytes, with commas between them, then suffix.
func filled(size int, prefix string, part func(i int) string, suffix string) string {
	var b strings.Builder
	b.Grow(size)
	b.WriteString(prefix)
	for i := 0; ; i++ {
		next := part(i)
		if b.Len()+len(next)+len(",")+len(suffix) > size {
			return b.String() + suffix
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(next)
	}
}

// always gives the same part.
func always(part string) func(int) string { return func(int) string { return part } }

// costly are bodies that could cost far more than their length, with the rows of a bulk that each may be answered for.
func costly() []struct {
	name, path, body string
	status, rows     int
} {
	const row = 4 << 10
	size := 4 << 20
	if raceDetector { // which has no say about memory; what becomes of a body does not depend on its length
		size = 1 << 20
	}
	long := size/(row*2) - 1 // so many rows of that length, the brackets around them apart
	counted := func(i int) string { return fmt.Sprintf(`"%x":0`, i) }
	return []struct {
		name, path, body string
		status, rows     int
	}{
		{"members", bulk, filled(size, `{`, counted, `}`), 422, 0},
		{"members after the rows", bulk, filled(size, `{"links":[],`, counted, `}`), 422, 0},
		{"members of one row", bulk, `{"links":[` + filled(size, `{`, counted, `}`) + `]}`, 200, 1},
		{"members of every row", bulk, filled(size, `{"links":[`, always(filled(row*2, `{`, counted, `}`)), `]}`), 200, long},
		{"members of a single create", links, filled(1<<20, `{`, counted, `}`), 422, 0},
		{"the same member again and again", bulk, filled(size, `{"links":[`, always(filled(row*2, `{`, always(`"url":0`), `}`)), `]}`), 200, long},
		{"rows", bulk, filled(size, `{"links":[`, always(`0`), `]}`), 422, 0},
		{"a thousand rows of naught", bulk, `{"links":[0` + strings.Repeat(`,0`, 999) + `]}`, 200, 1000},
		{"a thousand rows of one long name", bulk, `{"links":[1` + strings.Repeat(`,{"`+strings.Repeat("<", maxName)+`":0}`, 999) + `]}`, 200, 1000},
		{"a name", bulk, `{"` + strings.Repeat("a", size) + `":0}`, 422, 0},
		{"an escaped name", bulk, `{"` + strings.Repeat(`\u00e9`, size/6) + `":0}`, 422, 0},
		{"a value", bulk, `{"links":[{"url":"` + strings.Repeat("a", size) + `"}]}`, 200, 1},
		{"an escaped value", bulk, `{"links":[{"url":"` + strings.Repeat(`\n`, size/2) + `"}]}`, 200, 1},
		{"a nested value", bulk, `{"links":[{"url":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}]}`, 422, 0},
		{"a nested value that is borne", bulk, `{"links":[{"url":` + strings.Repeat("[", maxDepth-3) + strings.Repeat("]", maxDepth-3) + `}]}`, 200, 1},
		{"brackets in a string", bulk, `{"links":[{"url":"` + strings.Repeat("[", 5000) + `"}]}`, 200, 1},
		{"arrays of arrays", bulk, filled(size, `{"links":[{"url":[`, always(`[[[]]]`), `]}]}`), 200, 1},
		{"a thousand good rows of the longest URLs", bulk, `{"links":[` + strings.Repeat(`{"url":"`+longURL(8192)+`"},`, 999) + `{"url":"https://example.com"}]}`, 200, 1000},
		{"rows that are refused at length", bulk, `{"links":[0` + strings.Repeat(`,{"url":"https://`+strings.Repeat(`\"`, 300)+`"}`, 999) + `]}`, 200, 1000},
		{"a thousand rows of the longest tags", bulk, `{"links":[` + strings.Repeat(`{"url":"https://example.com","tags":[`+filled(20*67, ``, func(i int) string { return fmt.Sprintf(`"%064d"`, i) }, ``)+`]},`, 999) + `{"url":"https://example.com"}]}`, 200, 1000},
		{"rows of small tags", bulk, `{"links":[{"url":"https://example.com","tags":["0"` + strings.Repeat(`,"1"`, 19) + `]}` + strings.Repeat(`,{"url":"https://a.example","tags":["0"`+strings.Repeat(`,"1"`, 19)+`]}`, 999) + `]}`, 200, 1000},
		{"tags without end", bulk, filled(size, `{"links":[{"url":"https://example.com","tags":[`, always(`"a"`), `]}]}`), 200, 1},
		{"tags without end in every row", bulk, filled(size, `{"links":[`, always(filled(row*2, `{"tags":[`, always(`""`), `]}`)), `]}`), 200, long},
		{"long titles", bulk, `{"links":[` + strings.Repeat(`{"url":"https://example.com","title":"`+strings.Repeat(`\u003c`, 500)+`"},`, 999) + `{"url":"https://example.com"}]}`, 200, 1000},
		{"a long number", bulk, `{"links":[{"url":"https://example.com","maxVisits":1` + strings.Repeat("0", size) + `}]}`, 200, 1},
		{"good small rows", bulk, rowsBody(1000), 200, 1000},
	}
}

// allocated is how many bytes f allocates, those freed since included.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func TestNoBodyTakesMoreMemoryThanIsReservedForIt(t *testing.T) {
	for _, test := range costly() {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			r := post(test.path, strings.NewReader(test.body))
			w := &blind{header: make(http.Header)}
			got := allocated(func() { f.ServeHTTP(w, r) })
			// Some of it is free again before the rest is taken. One row more is for what every request takes.
			if reserved := int64(bodyFactor*len(test.body) + rowBytes*(test.rows+1)); got > 2*reserved && !raceDetector {
				t.Errorf("%d bytes of body took %d, and %d were reserved", len(test.body), got, reserved)
			}
			if w.status != test.status {
				t.Errorf("status %d, want %d", w.status, test.status)
			}
		})
	}
}

func TestABodyOfRefusedMembersCostsLittleMoreThanItself(t *testing.T) {
	for _, test := range costly() {
		if !strings.HasPrefix(test.name, "members") {
			continue
		}
		f := newFixture(t)
		r := post(test.path, strings.NewReader(test.body))
		got := allocated(func() { f.ServeHTTP(&blind{header: make(http.Header)}, r) })
		if most := int64(2 * len(test.body)); got > most {
			t.Errorf("%s: %d bytes of body took %d", test.name, len(test.body), got)
		}
	}
}

func TestABodyOfUntoldLengthTakesNoMoreThanIsReservedForIt(t *testing.T) {
	const limit = 4 << 20
	f := newFixture(t, func(c *Config) { c.Limits.BulkBody = limit })
	var reserved int64
	body := strings.NewReader(rowsBody(1) + strings.Repeat(" ", limit-len(rowsBody(1))))
	r := post(bulk, looking{body, func() { reserved = f.bodies.used.Load() }})
	w := &blind{header: make(http.Header)}
	if got := allocated(func() { f.ServeHTTP(w, r) }); got > reserved && !raceDetector || w.status != http.StatusOK {
		t.Errorf("status %d, %d bytes took %d of the %d reserved", w.status, limit, got, reserved)
	}
}

// post is a request with the root key.
func post(path string, body io.Reader) *http.Request {
	r := httptest.NewRequest("POST", path, body)
	r.Header.Set("Authorization", "Bearer "+testKey)
	return r
}

// looking calls look whenever it is read.
type looking struct {
	io.Reader
	look func()
}

func (l looking) Read(p []byte) (int, error) {
	l.look()
	return l.Reader.Read(p)
}

// lookingWriter calls look whenever it is written to.
type lookingWriter struct {
	http.ResponseWriter
	look func()
}

func (l lookingWriter) Write(p []byte) (int, error) {
	l.look()
	return l.ResponseWriter.Write(p)
}

func TestMemoryIsReservedForWhatABodyTakesAtEachStep(t *testing.T) {
	f := newFixture(t)
	body := rowsBody(10)
	var arriving, judged, answered int64
	r := post(bulk, looking{strings.NewReader(body), func() { arriving = f.bodies.used.Load() }})
	r.ContentLength = int64(len(body))
	f.service.entered = func() { judged = f.bodies.used.Load() }
	w := lookingWriter{httptest.NewRecorder(), func() { answered = f.bodies.used.Load() }}
	f.ServeHTTP(w, r)

	if arriving != int64(len(body)) {
		t.Errorf("%d bytes reserved while %d arrive", arriving, len(body))
	}
	if most := int64(bodyFactor*len(body) + 10*rowBytes); judged != most || answered != most {
		t.Errorf("%d bytes reserved, and %d while the answer is written, want %d", judged, answered, most)
	}
	if used := f.bodies.used.Load(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
}

func TestABodyThatThereIsNoMemoryToReadIsShed(t *testing.T) {
	body := rowsBody(10)
	for name, limit := range map[string]int{
		"not even itself":      len(body) - 1,
		"not what is in it":    bodyFactor*len(body) - 1,
		"not its rows' answer": bodyFactor*len(body) + 10*rowBytes - 1,
	} {
		f := newFixture(t, func(c *Config) { c.Limits.HeldBodies = int64(limit) })
		f.refused(f.do("POST", bulk, body), 503, v1.Overloaded)
		if used := f.bodies.used.Load(); used != 0 || len(f.service.drafts) != 0 {
			t.Errorf("%s: %d bytes are still reserved, %d links were made", name, used, len(f.service.drafts))
		}
	}
}

func TestASingleCreateIsShedToo(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.HeldBodies = int64(bodyFactor*len(oneLink) - 1) })
	f.refused(f.do("POST", links, oneLink), 503, v1.Overloaded)
	f = newFixture(t, func(c *Config) { c.Limits.HeldBodies = int64(bodyFactor * len(oneLink)) })
	decode[v1.Link](t, f.do("POST", links, oneLink), http.StatusCreated)
}

func TestReadingABodyEndsWithItsCall(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.Call, c.Limits.BulkCall = -time.Second, -time.Second })
	for path, body := range map[string]string{
		links: oneLink + strings.Repeat(" ", lookEvery-len(oneLink)),
		bulk:  rowsBody(2) + strings.Repeat(" ", lookEvery),
	} {
		f.refused(f.do("POST", path, body), 503, v1.Overloaded)
	}
	if got := f.service.inside.Load(); got != 0 {
		t.Errorf("the service was asked %d times", got)
	}
}

func TestThePatienceWithABodyIsLookedAtNowAndThen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &patience{ctx: ctx}
	for range lookEvery/1024 - 1 {
		if err := p.spend(1024); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.spend(1024); !errors.Is(err, link.ErrOverloaded) || !errors.Is(err, context.Canceled) {
		t.Errorf("after %d bytes: %v", lookEvery, err)
	}
	if err := p.spend(1024); err != nil {
		t.Errorf("at once again: %v", err)
	}
}
