//go:build linux

package load

import (
	"strings"
	"testing"
	"time"
)

func TestAnswersAreTakenApart(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		status   int
		location bool
		body     string
	}{
		"redirect":      {"HTTP/1.1 302 Found\r\nLocation: https://a.example/\r\nContent-Length: 0\r\n\r\n", 302, true, ""},
		"lower case":    {"HTTP/1.1 302 Found\r\nlocation: x\r\ncontent-length: 2\r\n\r\nab", 302, true, "ab"},
		"empty":         {"HTTP/1.1 302 Found\r\nLocation:\r\nContent-Length: 0\r\n\r\n", 302, false, ""},
		"likeness":      {"HTTP/1.1 200 OK\r\nLocations: x\r\nContent-Lengths: 9\r\nContent-Length: 1\r\n\r\na", 200, false, "a"},
		"chunks":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n", 200, false, "abc0123456789"},
		"no body":       {"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n", 204, false, ""},
		"a short first": {"HTTP/1.1 204\r\n\r\n", 204, false, ""},
	} {
		for cut := range len(c.text) {
			b := []byte(c.text[:cut])
			a, err := readHead(b)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", name, cut, err)
			}
			if a.head == 0 {
				continue
			}
			if end, err := a.end(b); err != nil || end != 0 {
				t.Fatalf("%s is whole after %d bytes of %d (%v)", name, cut, len(c.text), err)
			}
		}
		b := []byte(c.text)
		a, err := readHead(b)
		if err != nil || a.status != c.status || a.location != c.location {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if end, err := a.end(b); err != nil || end != len(b) {
			t.Errorf("%s ends at %d of %d, %v", name, end, len(b), err)
		}
		if body := string(a.body(b)); body != c.body {
			t.Errorf("%s: body %q", name, body)
		}
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for _, text := range []string{
		"SSH-2.0-x\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n", "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
		strings.Repeat("x", maxHead+1),
	} {
		if a, err := readHead([]byte(text)); err == nil {
			t.Errorf("%.40q was read as %+v", text, a)
		}
	}
	bad := []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
	a, err := readHead(bad)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.end(bad); err == nil {
		t.Error("a chunk of xyz bytes was read")
	}
}

func TestTheHistogramIsRightWithinThreePercent(t *testing.T) {
	var h, other histogram
	if h.quantile(0.5) != 0 {
		t.Error("nothing has a median")
	}
	for i := range 1000 {
		h.count(time.Duration(i+1) * time.Microsecond)
		other.count(time.Duration(i+1) * time.Microsecond)
	}
	h.add(&other)
	for q, want := range map[float64]time.Duration{0: time.Microsecond, 0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond} {
		if got := h.quantile(q); got < want*97/100 || got > want*103/100 {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	for _, ns := range []uint64{0, 1, 31, 32, 33, 63, 64, 1000, 1 << 40, 1<<63 - 1} {
		b := bucketOf(ns)
		if lowest(b) > ns || lowest(b+1) <= ns {
			t.Errorf("%d is in the bucket of %d to %d", ns, lowest(b), lowest(b+1))
		}
	}
}
