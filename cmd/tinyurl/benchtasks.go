package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tinyurl/fsm/link"
)

const (
	// maxBenchCodes is how many codes are remembered to be followed; of more a fair sample is.
	maxBenchCodes = 1 << 20
	// fillRows is the number of links in a request of fill, the most that the API takes.
	fillRows = 1000
	// fillPatience is how long fill goes on without one link made.
	fillPatience = time.Minute
)

// creator makes one link a request.
type creator struct {
	bench  *bench
	worker uint64
	made   uint64
}

func (b *bench) creator(i int, _ *rand.Rand) task { return &creator{bench: b, worker: uint64(i)} }

func (c *creator) compose(buf []byte, to *benchNode) ([]byte, bool) {
	c.made++
	const length = len(`{"longUrl":""}`) + len(benchTarget) + 3*16
	buf = c.bench.post(buf, to, "/api/v1/links", length)
	buf = append(buf, `{"longUrl":"`...)
	return append(c.bench.target(buf, c.worker, c.made), `"}`...), true
}

func (c *creator) take(a *answer) (int, string, error) {
	switch {
	case a == nil:
		return 0, "", nil
	case a.status != http.StatusCreated:
		return 0, reason(a), nil
	}
	code := field(a.body, `"shortCode":"`)
	if len(code) == 0 {
		return 0, "", errNoCodes
	}
	c.bench.codes.add(code)
	return 1, "", nil
}

// target appends a long URL that no other request has, always of one length.
func (b *bench) target(buf []byte, parts ...uint64) []byte {
	buf = append(buf, benchTarget...)
	buf = appendHex(buf, b.session)
	for _, part := range parts {
		buf = appendHex(buf, part)
	}
	return buf
}

// appendHex appends 16 digits.
func appendHex(buf []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		buf = append(buf, "0123456789abcdef"[v>>shift&15])
	}
	return buf
}

// post appends the head of a request with a body of length bytes.
func (b *bench) post(buf []byte, to *benchNode, path string, length int) []byte {
	buf = head(buf, "POST ", to, path, "")
	buf = append(buf, "Content-Type: application/json\r\nContent-Length: "...)
	buf = strconv.AppendInt(buf, int64(length), 10)
	if b.key != "" {
		buf = append(append(buf, "\r\nAuthorization: Bearer "...), b.key...)
	}
	return append(buf, "\r\n\r\n"...)
}

// head appends the request line and what stands in every header. The path is one of two parts.
func head(buf []byte, method string, to *benchNode, path, rest string) []byte {
	buf = append(append(buf, method...), to.path...)
	buf = append(append(buf, path...), rest...)
	buf = append(append(buf, " HTTP/1.1\r\nHost: "...), to.host...)
	return append(buf, "\r\nUser-Agent: tinyurl-bench/1\r\nAccept: application/json\r\n"...)
}

// follower asks for random links of those made.
type follower struct {
	codes  *reservoir
	random *rand.Rand
}

func (b *bench) follower(_ int, random *rand.Rand) task { return &follower{b.codes, random} }

func (f *follower) compose(buf []byte, to *benchNode) ([]byte, bool) {
	code := f.codes.pick(f.random)
	return append(head(buf, "GET ", to, "/", string(code[:])), "\r\n"...), true
}

func (f *follower) take(a *answer) (int, string, error) {
	switch {
	case a == nil:
		return 0, "", nil
	case a.status/100 != 3:
		return 0, reason(a), nil
	}
	return 1, "", nil
}

// filling is what the workers of a fill share.
type filling struct {
	wanted  int64
	claimed atomic.Int64 // rows asked for, or answered
}

// claim gives how many rows to ask for, 0 when all are.
func (f *filling) claim() int {
	before := f.claimed.Add(fillRows) - fillRows
	rows := min(max(f.wanted-before, 0), fillRows)
	f.claimed.Add(rows - fillRows)
	return int(rows)
}

// filler makes links in bulk.
type filler struct {
	bench  *bench
	shared *filling
	rows   int // of the request under way
	made   uint64
	worker uint64
}

func (b *bench) filler(shared *filling, random *rand.Rand) task {
	return &filler{bench: b, shared: shared, worker: random.Uint64()}
}

func (f *filler) compose(buf []byte, to *benchNode) ([]byte, bool) {
	if f.rows = f.shared.claim(); f.rows == 0 {
		return buf, false
	}
	const row = len(`{"longUrl":""},`) + len(benchTarget) + 3*16
	buf = f.bench.post(buf, to, "/api/v1/links/bulk", len(`{"links":[]}`)+f.rows*row-1)
	buf = append(buf, `{"links":[`...)
	for i := range f.rows {
		if i > 0 {
			buf = append(buf, ',')
		}
		f.made++
		buf = append(f.bench.target(append(buf, `{"longUrl":"`...), f.worker, f.made), `"}`...)
	}
	return append(buf, `]}`...), true
}

func (f *filler) take(a *answer) (int, string, error) {
	made := 0
	if a != nil && a.status == http.StatusOK {
		made = f.bench.codes.addAll(a.body)
	}
	// The rows that were not made are asked for again, by whoever comes first.
	f.shared.claimed.Add(int64(made - f.rows))
	switch {
	case a == nil || made == f.rows:
		return made, "", nil
	case made > f.rows:
		return made, "", fmt.Errorf("%d links were asked for, %d came", f.rows, made)
	case a.status == http.StatusOK:
		// Rows are refused one by one, with no word of how long to wait.
		a.retryAfter = max(a.retryAfter, time.Second)
		return made, reason(a), nil
	case a.retryAfter > 0:
		return made, reason(a), nil
	}
	return made, reason(a), fmt.Errorf("refused: %s", reason(a))
}

// reservoir keeps a fair sample of the codes it is given, at most so many (Vitter, "Random sampling with a reservoir", ACM
// Transactions on Mathematical Software 11, 1985, algorithm R).
type reservoir struct {
	most int

	mu     sync.Mutex
	codes  [][link.CodeLength]byte // owned by mu while links are made, immutable when they are followed
	seen   uint64                  // owned by mu
	random *rand.Rand              // owned by mu
}

func newReservoir(most int, random *rand.Rand) *reservoir {
	return &reservoir{most: most, random: random}
}

// add takes a code that was made. All generated codes have one length; others are let go.
func (r *reservoir) add(code []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(code)
}

// addAll takes every code of a document and gives how many those were.
func (r *reservoir) addAll(document []byte) (codes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		code, rest := cutField(document, `"shortCode":"`)
		if len(code) == 0 {
			return codes
		}
		r.keep(code)
		document = rest
		codes++
	}
}

// keep is add; the caller holds mu.
func (r *reservoir) keep(code []byte) {
	if len(code) != link.CodeLength {
		return
	}
	r.seen++
	kept := [link.CodeLength]byte(code)
	if len(r.codes) < r.most {
		r.codes = append(r.codes, kept)
	} else if at := r.random.Uint64N(r.seen); at < uint64(r.most) {
		r.codes[at] = kept
	}
}

// pick gives one of the codes. Nobody may add meanwhile, and there must be one.
func (r *reservoir) pick(random *rand.Rand) [link.CodeLength]byte {
	return r.codes[random.IntN(len(r.codes))]
}
