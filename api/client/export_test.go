package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnExportIsCopied(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String()
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = io.WriteString(w, "one\ntwo\n")
	}))
	defer server.Close()
	c, err := New(server.URL, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	if err := c.Export(t.Context(), &file, "csv"); err != nil || file.String() != "one\ntwo\n" || asked != "GET /api/v1/export?format=csv" {
		t.Errorf("%q, %q, %v", asked, file.String(), err)
	}
}

func TestHalfAnExportIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(w, "one\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	c, err := New(server.URL, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Export(t.Context(), io.Discard, "ndjson"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestAnExportThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := answering(t, 200, "text/csv", "one\n").Export(t.Context(), fullDisk{}, "csv"); !errors.Is(err, errFull) {
		t.Error(err)
	}
}

func TestAPageOfSomebodyElseIsNoExport(t *testing.T) {
	for _, media := range []string{"text/html", "text/csv", "", "application/json"} {
		var file strings.Builder
		err := answering(t, 200, media, "<html>Please log in</html>").Export(t.Context(), &file, "ndjson")
		if !errors.Is(err, ErrNoAnswer) || file.Len() != 0 {
			t.Errorf("%q: %v, and %q was written", media, err, file.String())
		}
	}
}
