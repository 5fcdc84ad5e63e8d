package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/bubble"
)

func TestAnImportIsAskedForByItsOptions(t *testing.T) {
	for want, o := range map[string]ImportOptions{
		"": {},
		"dryRun=true&from=csv&importId=a+b&onConflict=rename&startRow=7": {From: "csv", OnConflict: "rename", DryRun: true, StartRow: 7, ID: "a b"},
	} {
		var query, body string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			query, body = r.URL.RawQuery, string(text)
			if err != nil || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer key" || r.ContentLength != -1 {
				t.Errorf("%v, %s, %v", err, r.Method, r.Header)
			}
			_, _ = io.WriteString(w, `{"rows":1,"lastRow":1,"complete":true}`)
		}))
		c, err := New(server.URL, "key", nil)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := c.Import(t.Context(), strings.NewReader("the file"), o, nil)
		if err != nil || counts.Rows != 1 || query != want || body != "the file" {
			t.Errorf("%q, %q: %+v, %v", query, body, counts, err)
		}
		server.Close()
	}
}

func TestTheLastLineDecides(t *testing.T) {
	const first = `{"importId":"a","format":"csv"}` + "\n"
	const progress = `{"rows":1000,"created":1000,"lastRow":1000}` + "\n"
	for name, c := range map[string]struct {
		answer string
		last   int64
		lines  int
		want   []error // all of them; none is success
	}{
		"whole":           {first + progress + `{"rows":2000,"lastRow":2000,"complete":true}`, 2000, 3, nil},
		"rows":            {first + `{"row":3,"error":{"status":422,"code":"invalid_url","detail":"x"}}` + "\n" + `{"rows":3,"lastRow":3,"complete":true}` + "\n", 3, 3, nil},
		"no leader":       {first + `{"rows":9,"lastRow":9,"complete":false,"error":{"status":503,"code":"no_leader","detail":"x"}}`, 9, 2, []error{ErrCutOff, v1.NoLeader}},
		"no reason":       {first + `{"rows":9,"lastRow":9,"complete":false}`, 9, 2, []error{ErrCutOff}},
		"no last line":    {first + progress, 1000, 2, []error{ErrCutOff, io.ErrUnexpectedEOF}},
		"nothing":         {"", 0, 0, []error{ErrCutOff, io.ErrUnexpectedEOF}},
		"half a line":     {first + progress + `{"rows":2000,"comp`, 1000, 2, []error{ErrCutOff, ErrNoAnswer}},
		"a page":          {"<h1>Welcome</h1>", 0, 0, []error{ErrCutOff, ErrNoAnswer}},
		"an endless line": {first + strings.Repeat(" ", 2*maxImportLine), 0, 1, []error{ErrCutOff}},
	} {
		t.Run(name, func(t *testing.T) {
			lines := 0
			counts, err := answering(t, 200, v1.StreamType, c.answer).Import(t.Context(), strings.NewReader(""), ImportOptions{}, func(v1.ImportLine) { lines++ })
			if counts.LastRow != c.last || lines != c.lines || (err == nil) != (c.want == nil) {
				t.Errorf("%+v, %d lines, %v", counts, lines, err)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("%v is no %v", err, want)
				}
			}
		})
	}
}

func TestRefusedStreamsAreErrors(t *testing.T) {
	problem := `{"type":"x","title":"T","status":403,"detail":"D","instance":"/","code":"forbidden"}`
	if _, err := answering(t, 403, v1.ProblemType, problem).Import(t.Context(), strings.NewReader("x"), ImportOptions{}, nil); !errors.Is(err, v1.Forbidden) || errors.Is(err, ErrCutOff) {
		t.Error(err)
	}
	if err := answering(t, 403, v1.ProblemType, problem).Export(t.Context(), io.Discard, "ndjson"); !errors.Is(err, v1.Forbidden) {
		t.Error(err)
	}
	if err := answering(t, 302, "text/html", "", "Location", "https://login.example/").Export(t.Context(), io.Discard, "csv"); !errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
}

func TestWhatStandsStillIsGivenUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := watch(t.Context())
		defer w.stop()
		reader, writer := io.Pipe()
		go func() {
			for range 10 {
				time.Sleep(quiet - time.Second)
				_, _ = writer.Write([]byte("x"))
			}
		}()
		moving := watchedReader{reader, w}
		for range 10 {
			if _, err := moving.Read(make([]byte, 1)); err != nil || w.ctx.Err() != nil {
				t.Fatal("given up while it moved")
			}
		}
		began := time.Now()
		<-w.ctx.Done()
		if took := time.Since(began); took != quiet {
			t.Errorf("given up after %v", took)
		}
		if err := w.why(context.Canceled); !errors.Is(err, errQuiet) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	w := watch(t.Context())
	w.stop()
	if err := w.why(io.EOF); errors.Is(err, errQuiet) || !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
