package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// formAt is a path that takes forms.
const formAt = "/yourls-api.php"

// idleForms sends the beginning of forms of so many bytes and no more, until the test ends them: then it is told how many were answered with
// each status. Header holds names and values in turn.
func (f *fixture) idleForms(n, length int, header ...string) (end func() map[int]int) {
	var group sync.WaitGroup
	statuses, pipes := make(chan int, n), make([]*io.PipeWriter, n)
	for i := range pipes {
		body, pipe := io.Pipe()
		pipes[i] = pipe
		r := httptest.NewRequest("POST", formAt, body)
		r.ContentLength, r.RemoteAddr = int64(length), "10.0.0.1:4711"
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		group.Go(func() {
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			_ = body.Close()
			statuses <- w.Code
		})
	}
	return func() map[int]int {
		for _, pipe := range pipes {
			_ = pipe.CloseWithError(io.ErrUnexpectedEOF)
		}
		group.Wait()
		close(statuses)
		count := make(map[int]int)
		for status := range statuses {
			count[status]++
		}
		return count
	}
}

// held waits until so much memory is reserved, all of it of strangers or none.
func (f *fixture) held(t *testing.T, used, strangers int64) {
	t.Helper()
	until(t, "memory is reserved", func() bool { return f.bodies.used.Load() == used && f.bodies.strangers.Load() == strangers })
}

func TestFormsThatNeverArriveShutNobodyOut(t *testing.T) {
	const many, length = 3000, 100
	f := newCompatFixture(t)
	end := f.idleForms(many, length)
	f.held(t, many*length, many*length)
	for range 3 {
		if w := f.asForeigner("POST", formAt, "action=expand&shorturl=custom&signature="+testKey); w.Code != 200 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
	if got := end(); got[http.StatusBadRequest] != many {
		t.Errorf("%v", got)
	}
	f.held(t, 0, 0)
}

func TestFormsOfStrangersHaveTheirOwnRoom(t *testing.T) {
	const many, length = 10, 100
	f := newCompatFixture(t, func(c *Config) { c.Limits.HeldBodies = strangersPart * many * length })
	end := f.idleForms(many, length)
	f.held(t, many*length, many*length)
	form := "action=expand&shorturl=custom&format=json"
	if w := f.asForeigner("POST", formAt, form+"&signature="+testKey); w.Code != 503 {
		t.Errorf("status %d for one stranger too many", w.Code)
	}
	for _, c := range []struct{ target, header string }{{formAt, testKey}, {formAt + "?signature=" + testKey, ""}} {
		r := httptest.NewRequest("POST", c.target, strings.NewReader(form))
		if c.header != "" {
			r.Header.Set("X-Api-Key", c.header)
		}
		w := httptest.NewRecorder()
		if f.ServeHTTP(w, r); w.Code != 200 {
			t.Errorf("%s: status %d with a key beside the form: %s", c.target, w.Code, w.Body)
		}
	}
	if w := f.do("POST", links, oneLink); w.Code != 201 {
		t.Errorf("status %d for who sends no form", w.Code)
	}
	if w := f.asForeigner("POST", formAt, strings.Repeat("a", longestForm+1)); w.Code != 413 {
		t.Errorf("status %d for a long form", w.Code)
	}
	end()
	f.held(t, 0, 0)
	// With a key that is known, it is no stranger's.
	end = f.idleForms(many, length, "X-Api-Key", testKey)
	f.held(t, many*length, 0)
	end()
	f.held(t, 0, 0)
	if w := f.asForeigner("POST", formAt, form+"&signature="+testKey); w.Code != 200 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestAFormOfUntoldLengthMayBecomeAsLongAsAny(t *testing.T) {
	f := newCompatFixture(t)
	end := f.idleForms(1, -1)
	f.held(t, untoldFactor*longestForm, untoldFactor*longestForm)
	end()
	f.held(t, 0, 0)
}

func TestAFormIsOnItsAddressesAccountUntilItIsRead(t *testing.T) {
	f, _, clock := limited(t)
	form := "action=expand&shorturl=abc&format=json&signature="
	send := func(header, body string) *httptest.ResponseRecorder { return f.from(one, header, "POST", formAt, body) }
	// Its sender is charged, not their address.
	for _, key := range []string{"ann", "bob", "cy"} {
		for _, remaining := range []string{"1", "0"} {
			if w := send("", form+key); w.Code != 200 || w.Header().Get("RateLimit-Remaining") != remaining {
				t.Errorf("%s: status %d, header %v", key, w.Code, w.Header())
			}
		}
		if w := send("", form+key); w.Code != 429 {
			t.Errorf("%s: status %d", key, w.Code)
		}
	}
	clock.now = clock.now.Add(2 * time.Second)
	end := f.idleForms(2, 100, "X-Forwarded-For", one)
	f.held(t, 200, 200)
	toldLimit(t, send("", form+"ann"), 429, "2", "0", "2", "1")
	if w := send("ann", "action=expand&shorturl=abc&format=json"); w.Code != 200 {
		t.Errorf("status %d for a key that is known before", w.Code)
	}
	end()
	// What never arrived was a call.
	toldLimit(t, send("", form+"bob"), 429, "2", "0", "2", "1")
	clock.now = clock.now.Add(time.Second)
	toldLimit(t, send("", form+"bob"), 200, "2", "1", "1", "")
	toldLimit(t, send("", form+"guess"), 403, "2", "0", "2", "")
	toldLimit(t, send("", form+"bob"), 429, "2", "0", "2", "1")
}
