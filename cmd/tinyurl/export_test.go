package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tinyurl/api/v1"
)

func TestAnExportThatFailsLeavesNoFile(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", v1.StreamType)
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"a page of somebody else": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>Please log in</html>")
		},
		"refused": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	} {
		server := httptest.NewServer(serve)
		dir := t.TempDir()
		path := filepath.Join(dir, "links")
		if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr strings.Builder
		code := run(process{args: []string{"export", path, "--server", server.URL}, stdout: &out, stderr: &stderr})
		entries, err := os.ReadDir(dir)
		text, readErr := os.ReadFile(path)
		if code != 1 || errors.Join(err, readErr) != nil || len(entries) != 1 || string(text) != "before" || stderr.Len() == 0 {
			t.Errorf("%s: exit code %d, %v, %q: %s", name, code, entries, text, stderr.String())
		}
		server.Close()
	}
}

// exporting is a node that exports one line.
func exporting(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", v1.StreamType)
	_, _ = io.WriteString(w, "one\n")
}

func TestAnExportGoesWhereALinkLeads(t *testing.T) {
	dir := t.TempDir()
	target, path := filepath.Join(dir, "target"), filepath.Join(dir, "path")
	if err := errors.Join(os.WriteFile(target, []byte("before"), 0o600), os.Symlink("target", path)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := against(t, exporting, "export", path); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	text, err := os.ReadFile(target)
	info, statErr := os.Lstat(path)
	if errors.Join(err, statErr) != nil || string(text) != "one\n" || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%q, %v, %v, %v", text, info, err, statErr)
	}
	// What leads nowhere, or to a directory, stays as it is.
	nowhere := filepath.Join(dir, "nowhere")
	if err := os.Symlink("gone", nowhere); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{nowhere, dir, filepath.Join(target, "below")} {
		if code, _, stderr := against(t, exporting, "export", path); code != 1 || stderr == "" {
			t.Errorf("%s: exit code %d: %s", path, code, stderr)
		}
	}
	if info, err := os.Lstat(nowhere); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error(info, err)
	}
}

func TestAnExportIsWrittenIntoWhatIsNoFile(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	path := "/proc/self/fd/" + strconv.Itoa(int(writer.Fd()))
	if _, err := os.Stat(path); err != nil {
		t.Skip("the system names no open files: ", err)
	}
	code, _, stderr := against(t, exporting, "export", path)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if code != 0 || err != nil || string(text) != "one\n" {
		t.Errorf("exit code %d: %s%q, %v", code, stderr, text, err)
	}
	if code, _, stderr := against(t, exporting, "export", os.DevNull); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&os.ModeDevice == 0 {
		t.Error(info, err)
	}
}
