package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tinyurl/api/v1"
)

// page is a part of a list of words.
type page struct {
	words []string
	more  bool
}

// words is a list of pages; one that is nil is lost.
func words(pages ...[]string) listing[page, string] {
	return listing[page, string]{
		pages: func(yield func(page, error) bool) {
			for i, some := range pages {
				var err error
				if some == nil {
					err = errors.New("lost")
				}
				if !yield(page{some, i < len(pages)-1}, err) || err != nil {
					return
				}
			}
		},
		part:   func(p page) ([]string, bool) { return p.words, p.more },
		header: []string{"WORD", "LENGTH"},
		row:    func(word string) []string { return []string{word, strings.Repeat("I", len(word))} },
	}
}

func TestListsArePrintedAsTheyCome(t *testing.T) {
	one, two := []string{"a", "bbb"}, []string{"cc"}
	for name, tc := range map[string]struct {
		list           listing[page, string]
		limit          int
		json           bool
		stdout, stderr string
		fails          bool
	}{
		"nothing":            {list: words(), stdout: "WORD  LENGTH\n"},
		"nothing, as JSON":   {list: words(), json: true, stdout: "[]\n"},
		"all":                {list: words(one, two), stdout: "WORD  LENGTH\na     I\nbbb   III\ncc  II\n"},
		"all, as JSON":       {list: words(one, two), json: true, stdout: "[\n  \"a\",\n  \"bbb\",\n  \"cc\"\n]\n"},
		"some":               {list: words(one, two), limit: 1, stdout: "WORD  LENGTH\na     I\n", stderr: "there may be more: --all shows them, --limit so many\n"},
		"a page":             {list: words(one, two), limit: 2, stdout: "WORD  LENGTH\na     I\nbbb   III\n", stderr: "there may be more: --all shows them, --limit so many\n"},
		"no more than all":   {list: words(one, two), limit: 3, stdout: "WORD  LENGTH\na     I\nbbb   III\ncc  II\n"},
		"some, as JSON":      {list: words(one, two), limit: 2, json: true, stdout: "[\n  \"a\",\n  \"bbb\"\n]\n"},
		"cut off":            {list: words(one, nil), stdout: "WORD  LENGTH\na     I\nbbb   III\n", fails: true},
		"cut off, as JSON":   {list: words(two, nil), json: true, stdout: "[\n  \"cc\"\n]\n", fails: true},
		"lost":               {list: words(nil), fails: true},
		"lost, as JSON":      {list: words(nil), json: true, fails: true},
		"cut off at the end": {list: words(one, nil), limit: 2, stdout: "WORD  LENGTH\na     I\nbbb   III\n", stderr: "there may be more: --all shows them, --limit so many\n"},
		"control characters": {list: words([]string{"\x1b[2J\u009b\n"}), stdout: "WORD    LENGTH\n [2J    IIIIIII\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			cmd := &cobra.Command{}
			cmd.SetOut(&stdout)
			cmd.SetErr(&stderr)
			err := tc.list.print(cmd, tc.limit, tc.json)
			if (err != nil) != tc.fails || stderr.String() != tc.stderr {
				t.Errorf("%v, stderr %q", err, stderr.String())
			}
			if diff := cmp.Diff(tc.stdout, stdout.String()); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
		})
	}
}

// against runs the program against a server that answers as it is told to.
func against(t *testing.T, answer http.HandlerFunc, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	var out, said strings.Builder
	code = run(process{
		args: args, environ: []string{"TINYURL_SERVER=" + server.URL, "TINYURL_KEY=key"}, stdin: strings.NewReader("from stdin\n"), stdout: &out, stderr: &said,
	})
	return code, out.String(), said.String()
}

func TestWhatIsDoneToManyEndsWhenNobodyAnswers(t *testing.T) {
	var asked atomic.Int32
	code, stdout, stderr := against(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
	}, "links", "delete", "a", "b", "c")
	if code != exitError || stdout != "deleted a\n" || !strings.Contains(stderr, "ask the node") || asked.Load() < 2 || strings.Contains(stderr, "c:") {
		t.Errorf("code %d, asked %d times, stdout %q, stderr %q", code, asked.Load(), stdout, stderr)
	}
}

func TestAWrongKeyIsToldOnce(t *testing.T) {
	var asked atomic.Int32
	code, _, stderr := against(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", v1.ProblemType)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code":"unauthorized"}`))
	}, "keys", "revoke", "a", "b", "c")
	if code != exitError || asked.Load() != 1 || !strings.Contains(stderr, "token --root-key") {
		t.Errorf("code %d, asked %d times, stderr %q", code, asked.Load(), stderr)
	}
}

func TestAPasswordMayComeFromStandardInput(t *testing.T) {
	var sent string
	code, _, stderr := against(t, func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		sent = strings.TrimSpace(string(body))
		_, _ = w.Write([]byte(`{}`))
	}, "links", "edit", "abc", "--password-file", "-")
	if code != exitOK || sent != `{"password":"from stdin"}` {
		t.Errorf("code %d, sent %s, stderr %q", code, sent, stderr)
	}
}

func TestAutopilotIsATableForPeople(t *testing.T) {
	since := v1.Time{Time: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)}
	judged := v1.Autopilot{FailureTolerance: 1, Leader: "n1-3f9c2a", Servers: []v1.AutopilotServer{
		{ID: "n1-3f9c2a", Name: "n1", Version: "v1", Status: "alive", Voter: true, Healthy: true, StableSince: since, LastTerm: 7, LastIndex: 91},
		{ID: "n2-90b1d4", Name: "n2", Status: "failed", StableSince: since, LastContactMs: -1},
	}}
	want := `degraded, as n1-3f9c2a sees it, tolerates the loss of 1 voters

NAME  ID         VOTER  STATUS  HEALTHY  SINCE                 CONTACT  LAST TERM  LAST INDEX  VERSION
n1    n1-3f9c2a  yes    alive   yes      2030-01-31T12:00:00Z  0s       7          91          v1
n2    n2-90b1d4  no     failed  no       2030-01-31T12:00:00Z  never    0          0           -
`
	var got strings.Builder
	if err := writeAutopilot(&got, judged); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("autopilot (-want +got):\n%s", diff)
	}
}
