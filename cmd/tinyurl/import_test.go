package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tinyurl/api/v1"
)

// nodeSays is a node that answers each import in its turn, the last answer over and over, and notes what it was asked. An answer without
// a last line breaks off.
func nodeSays(t *testing.T, answers ...string) (url string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.Query().Get("startRow")+" "+r.URL.Query().Get("importId"))
		answer := answers[min(len(*asked), len(answers))-1]
		if strings.HasPrefix(answer, "503") {
			w.Header().Set("Content-Type", v1.ProblemType)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":503,"code":"overloaded","detail":"too much"}`)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, answer)
		_ = http.NewResponseController(w).Flush()
		if !strings.Contains(answer, "complete") {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

// runImport runs the verb on a file.
func runImport(t *testing.T, url string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(process{
		args: append([]string{"import", "--server", url}, args...), environ: nil,
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &err,
	})
	return code, out.String(), err.String()
}

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "the file.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	began    = `{"importId":"mine","format":"csv"}` + "\n"
	badRow   = `{"row":7,"error":{"status":422,"code":"invalid_url","detail":"bad"}}` + "\n"
	thousand = `{"rows":1000,"created":999,"failed":1,"lastRow":1000}` + "\n"
	whole    = `{"rows":500,"created":400,"skipped":100,"lastRow":1500,"complete":true}` + "\n"
)

func TestAnImportThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	for name, answers := range map[string][]string{
		"connection lost":      {began + badRow + thousand, began + whole},
		"told so":              {began + badRow + `{"rows":1000,"created":999,"failed":1,"lastRow":1000,"complete":false,"error":{"status":503,"code":"no_leader","detail":"x"}}`, began + whole},
		"lost before a row":    {began, began + badRow + thousand, began + whole},
		"overloaded meanwhile": {began + badRow + thousand, "503", began + whole},
		"rows come again":      {began + badRow, began + badRow + thousand, began + badRow + whole},
	} {
		t.Run(name, func(t *testing.T) {
			url, asked := nodeSays(t, answers...)
			code, stdout, stderr := runImport(t, url, "", fileOf(t, "longUrl\n"), "--import-id", "mine")
			if code != 0 || stdout != "1500 rows: 1399 created, 0 overwritten, 0 renamed, 100 skipped, 1 failed\n" {
				t.Errorf("exit code %d: %s%s", code, stdout, stderr)
			}
			if strings.Count(stderr, "row 7: invalid_url: bad\n") != 1 || !strings.Contains(stderr, "resuming") {
				t.Errorf("%s", stderr)
			}
			if first, last := (*asked)[0], (*asked)[len(*asked)-1]; first != "1 mine" || last != "1001 mine" {
				t.Errorf("asked for %q", *asked)
			}
		})
	}
}

func TestWhatCannotGoOnSaysHow(t *testing.T) {
	revoked := began + `{"rows":1000,"created":1000,"lastRow":1000,"complete":false,"error":{"status":401,"code":"unauthorized","detail":"revoked"}}`
	url, asked := nodeSays(t, revoked)
	path := fileOf(t, "longUrl\n")
	key := fileOf(t, "secret\n")
	code, stdout, stderr := runImport(t, url, "", path, "--from", "csv", "--on-conflict", "rename", "--dry-run", "--import-id", "it's mine", "--key-file", key)
	want := fmt.Sprintf("go on with: tinyurl import '%s' --start-row 1001 --import-id 'it'\\''s mine' --from csv --on-conflict rename --dry-run --server %s --key-file '%s'\n",
		path, url, key)
	if code != 1 || len(*asked) != 1 || !strings.HasPrefix(stdout, "1000 rows: 1000 created, ") || !strings.HasSuffix(stderr, want) || !strings.Contains(stderr, "unauthorized: revoked") {
		t.Errorf("exit code %d, asked %d times: %s%s", code, len(*asked), stdout, stderr)
	}
	if _, _, stderr := runImport(t, url, "", path, "--key", "secret"); strings.Contains(stderr, "secret") || !strings.Contains(stderr, "go on with") {
		t.Errorf("the key was printed: %s", stderr)
	}
	// Standard input comes once.
	url, asked = nodeSays(t, began+thousand)
	if code, _, stderr := runImport(t, url, "longUrl\n", "-"); code != 1 || len(*asked) != 1 || !strings.Contains(stderr, "tinyurl import - --start-row 1001 --import-id ") {
		t.Errorf("exit code %d, asked %d times: %s", code, len(*asked), stderr)
	}
	// What has not begun is not tried for long: nobody may be there.
	url, asked = nodeSays(t, "nonsense complete")
	if code, _, stderr := runImport(t, url, "", path); code != 1 || len(*asked) != 1 || !strings.Contains(stderr, "not an answer of tinyurl") {
		t.Errorf("exit code %d, asked %d times: %s", code, len(*asked), stderr)
	}
}

// A pipe that is opened again gives what is left of it, and the node would count that from row 1.
func TestAPipeIsNotReadAgain(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := io.WriteString(writer, "longUrl\n"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", reader.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("the system names no open files: ", err)
	}
	url, asked := nodeSays(t, began+thousand, began+whole)
	code, stdout, stderr := runImport(t, url, "", path)
	if code != 1 || len(*asked) != 1 || !strings.HasPrefix(stdout, "1000 rows: ") || !strings.Contains(stderr, "--start-row 1001 --import-id ") {
		t.Errorf("exit code %d, asked %d times: %s%s", code, len(*asked), stdout, stderr)
	}
}
