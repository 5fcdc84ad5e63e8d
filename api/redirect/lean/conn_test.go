package lean

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// deadlines counts what reaches the socket.
type deadlines struct {
	net.Conn
	read, write int
}

func (d *deadlines) SetReadDeadline(time.Time) error  { d.read++; return nil }
func (d *deadlines) SetWriteDeadline(time.Time) error { d.write++; return nil }

func TestDeadlinesAreSetWhenTheyMove(t *testing.T) {
	start := time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)
	inner := &deadlines{}
	c := newConn(inner, time.Second)
	for i, step := range []struct {
		by   time.Duration
		sets int
	}{
		{0, 1}, {time.Second, 1}, {1001 * time.Millisecond, 2}, {1500 * time.Millisecond, 2}, {-time.Hour, 3},
	} {
		_, _ = c.readBy(start.Add(step.by)), c.writeBy(start.Add(step.by))
		if inner.read != step.sets || inner.write != step.sets {
			t.Errorf("step %d: %d read and %d write deadlines set, want %d", i, inner.read, inner.write, step.sets)
		}
	}
}

// pieces is a connection from which pieces are read.
type pieces struct {
	net.Conn
	left []string
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.left[0])
	if p.left[0] = p.left[0][n:]; p.left[0] == "" {
		p.left = p.left[1:]
	}
	return n, nil
}

// played is a connection whose other side has said all it will say.
type played struct {
	pieces
	said bytes.Buffer
}

func (p *played) Write(b []byte) (int, error)      { return p.said.Write(b) }
func (p *played) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }

// Browsers connect ahead of time.
func TestAnAnswerIsDatedWhenItIsAskedFor(t *testing.T) {
	inner := &played{pieces: pieces{left: []string{start, "Host: a\r\n\r\n"}}}
	c := newConn(inner, time.Second)
	c.began = c.began.Add(-time.Hour)
	if err := newServer(fakeVisits{"abc": "https://example.com"}, io.Discard).converse(c); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(&inner.said), nil)
	if err != nil {
		t.Fatal(err)
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err != nil || time.Since(date) > time.Minute {
		t.Errorf("date %v, %v", date, err)
	}
}

func TestTheBufferGrowsAsFarAsAHeaderMayAndShrinksAgain(t *testing.T) {
	const most = 16 << 10
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "%05d,", i)
	}
	text := all.String()
	c := newConn(&pieces{left: []string{text[:1], text[1:5000], text[5000:]}}, 0)
	for read := 0; read < len(text); {
		for len(c.in) < most && read+len(c.in) < len(text) {
			if err := c.more(most); err != nil {
				t.Fatal(err)
			}
			if got := string(c.in); got != text[read:read+len(got)] || len(c.buffer) > most {
				t.Fatalf("after %d bytes there is %q in a buffer of %d", read, got, len(c.buffer))
			}
		}
		answered := min(len(c.in), 3001)
		c.in = c.in[answered:]
		read += answered
	}
	if err := c.more(most); !errors.Is(err, io.EOF) || len(c.buffer) != firstBuffer {
		t.Errorf("%v; %d bytes are held", err, len(c.buffer))
	}
}
