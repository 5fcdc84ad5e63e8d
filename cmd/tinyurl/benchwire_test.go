package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering gives a wire on which those bytes come.
func answering(text string) *wire {
	return &wire{in: bufio.NewReaderSize(strings.NewReader(text), benchBuffer)}
}

func TestAnswersAreReadAsHTTPSaysThem(t *testing.T) {
	const next = "HTTP/1.1 204 No Content\r\n\r\n"
	for name, tc := range map[string]struct {
		text string
		want answer
		body string
	}{
		"a body":          {"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nContent-Language: en\r\n\r\nabc" + next, answer{status: 201}, "abc"},
		"any case":        {"HTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nabc" + next, answer{status: 200}, "abc"},
		"no body":         {"HTTP/1.1 302 Found\r\nLocation: https://a.example/?a:b\r\nContent-Length: 0\r\n\r\n" + next, answer{status: 302}, ""},
		"no reason":       {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n" + next, answer{status: 200}, ""},
		"chunks":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: x\r\n\r\n" + next, answer{status: 200}, "abc"},
		"told to wait":    {"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 1\r\n\r\nx" + next, answer{status: 503, retryAfter: 2 * time.Second}, "x"},
		"told too much":   {"HTTP/1.1 503 Busy\r\nRetry-After: 86400\r\nContent-Length: 1\r\n\r\nx" + next, answer{status: 503, retryAfter: 10 * time.Second}, "x"},
		"told a date":     {"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 2030 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n" + next, answer{status: 503}, ""},
		"the last":        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx" + next, answer{status: 200, last: true}, "x"},
		"old":             {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx" + next, answer{status: 200, last: true}, "x"},
		"without length":  {"HTTP/1.1 502 Bad\r\n\r\n" + next, answer{status: 502, last: true}, ""},
		"a long Location": {"HTTP/1.1 302 Found\r\nLocation: https://a.example/" + strings.Repeat("x", 8192) + "\r\nContent-Length: 0\r\n\r\n" + next, answer{status: 302}, ""},
	} {
		w := answering(tc.text)
		got, err := w.read()
		body := string(got.body)
		got.body = nil
		if err != nil || got.status != tc.want.status || got.retryAfter != tc.want.retryAfter || got.last != tc.want.last || body != tc.body {
			t.Errorf("%s: %+v %q, %v", name, got, body, err)
		}
		if got, err := w.read(); err != nil || got.status != 204 {
			t.Errorf("%s: the next answer is %+v, %v", name, got, err)
		}
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", benchBuffer) + "\r\n\r\n",
	} {
		if got, err := answering(text).read(); err == nil {
			t.Errorf("%.60q was read as %+v", text, got)
		}
	}
}

func TestInterimAnswersAreNotTheAnswer(t *testing.T) {
	server, client := net.Pipe()
	defer server.Close()
	go func() {
		_, _ = bufio.NewReader(server).ReadString('\n')
		_, _ = io.WriteString(server, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}()
	w := &wire{conn: client, in: bufio.NewReader(client)}
	if got, err := w.ask([]byte("GET / HTTP/1.1\n"), time.Now()); err != nil || got.status != 200 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNodesAreDialledWhereTheirURLsSay(t *testing.T) {
	for given, want := range map[string]benchNode{
		"http://10.0.0.1:8080":     {address: "10.0.0.1:8080", host: "10.0.0.1:8080"},
		"http://s.example.org":     {address: "s.example.org:80", host: "s.example.org"},
		"https://s.example.org/x/": {address: "s.example.org:443", host: "s.example.org", path: "/x", secure: true},
		"http://[fd00::1]":         {address: "[fd00::1]:80", host: "[fd00::1]"},
		"http://[fd00::1]:81/":     {address: "[fd00::1]:81", host: "[fd00::1]:81"},
	} {
		want.url = given
		if got, err := newBenchNode(given); err != nil || *got != want {
			t.Errorf("%s: %+v, %v", given, got, err)
		}
	}
	for _, given := range []string{"", "x", "ftp://x", "http://", "http://:80", "http://a b"} {
		if got, err := newBenchNode(given); err == nil {
			t.Errorf("%q: %+v", given, got)
		}
	}
}

func TestRequestsAreWhatNetHTTPReads(t *testing.T) {
	b := &bench{key: "right", session: 1, codes: newReservoir(1, nil)}
	b.codes.add([]byte("abcdefg"))
	shared := &filling{wanted: 2}
	for name, tc := range map[string]struct {
		task       task
		path, body string
	}{
		"create":   {b.creator(0, nil), "/p/api/v1/links", `{"longUrl":"https://example.com/bench/`},
		"redirect": {&follower{b.codes, benchRandom()}, "/p/abcdefg", ""},
		"fill":     {b.filler(shared, benchRandom()), "/p/api/v1/links/bulk", `{"links":[{"longUrl":"https://example.com/bench/`},
	} {
		text, more := tc.task.compose(nil, &benchNode{host: "s.example.org", path: "/p"})
		reader := bufio.NewReader(strings.NewReader(string(text)))
		r, err := http.ReadRequest(reader)
		if err != nil || !more {
			t.Fatalf("%s: %v in %s", name, err, text)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != tc.path || r.Host != "s.example.org" || !strings.HasPrefix(string(body), tc.body) || reader.Buffered() != 0 {
			t.Errorf("%s: %v, %s", name, err, text)
		}
		if keyed := r.Header.Get("Authorization") == "Bearer right"; keyed != (r.Method == http.MethodPost) {
			t.Errorf("%s: header %v", name, r.Header)
		}
	}
}

func TestARequestMakesNoGarbage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }))
	defer server.Close()
	node, err := newBenchNode(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w, err := node.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	codes := newReservoir(1, nil)
	codes.add([]byte("abcdefg"))
	f := &follower{codes, benchRandom()}
	var buf []byte
	var last answer
	// The server is in this process, so its own garbage has to be told apart: composing and reading are looked at alone.
	if got := testing.AllocsPerRun(100, func() { buf, _ = f.compose(buf[:0], node) }); got > 0 {
		t.Errorf("composing a request allocates %v times", got)
	}
	if last, err = w.ask(buf, time.Now()); err != nil || last.status != 302 {
		t.Fatalf("%+v, %v", last, err)
	}
	const text = "HTTP/1.1 302 Found\r\nCache-Control: private, no-store\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n"
	source := strings.NewReader(text)
	reading := &wire{in: bufio.NewReaderSize(source, benchBuffer)}
	if got := testing.AllocsPerRun(100, func() {
		source.Reset(text)
		reading.in.Reset(source)
		last, err = reading.read()
	}); got > 0 || err != nil {
		t.Errorf("reading an answer allocates %v times; %v", got, errors.Join(err))
	}
}
