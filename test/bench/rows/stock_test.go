//go:build linux

package rows

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCodesAreTakenFromAnAnswer(t *testing.T) {
	answer := `{"results":[{"status":201,"link":{"shortCode":"AAAAAA1","shortUrl":"x"}},{"status":201,"link":{"shortCode":"BBBBBB2"}}]}`
	codes := make([]byte, 2*codeLength)
	if n := takeCodes(codes, []byte(answer)); n != 2 || string(codes) != "AAAAAA1BBBBBB2" {
		t.Errorf("%d: %q", n, codes)
	}
	if n := takeCodes(codes[:codeLength], []byte(answer)); n == 1 {
		t.Error("one code too many was not noticed")
	}
	for _, bad := range []string{"", `"shortCode":"short"`, `"shortCode":"AAAAAA1`} {
		if n := takeCodes(codes, []byte(bad)); n != 0 {
			t.Errorf("%q has %d codes", bad, n)
		}
	}
}

// bulkServer makes links with codes that tell what they lead to.
func bulkServer(t *testing.T) (host string, made map[string]string) {
	t.Helper()
	made = map[string]string{}
	lock := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Links []struct{ LongURL string } }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer "+rootKey {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		lock <- struct{}{}
		defer func() { <-lock }()
		for _, l := range asked.Links {
			code := "c" + strings.Repeat("0", 6)
			code = code[:7-len(itoa(len(made)))] + itoa(len(made))
			made[code] = l.LongURL
			_, _ = io.WriteString(w, `{"status":201,"link":{"shortCode":"`+code+`"}}`)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), made
}

func itoa(n int) string {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestAStockKnowsWhereItsCodesLead(t *testing.T) {
	b := bench(t, io.Discard)
	host, made := bulkServer(t)
	s := &stock{node: &node{bench: b, name: "fake", http: host}}
	for _, links := range []int{1500, 2500, 100} {
		if err := s.grow(t.Context(), links); err != nil {
			t.Fatal(err)
		}
	}
	// Whole blocks: 2,000 links, and then 1,000 more.
	if s.links() != 3000 || len(made) != 3000 {
		t.Fatalf("%d links, %d made", s.links(), len(made))
	}
	path := filepath.Join(b.Dir, "links")
	if err := s.write(path, "%s %s\n", 2999, false); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines {
		if code, target, _ := strings.Cut(line, " "); made[code] != target {
			t.Fatalf("%s leads to %s, not to %s", code, made[code], target)
		}
	}
	if len(lines) != 2999 {
		t.Errorf("%d lines", len(lines))
	}
	source := following("h", s.first(10))(0)
	asked := map[string]bool{}
	for range 500 {
		asked[string(source(nil)[5:12])] = true
	}
	if len(asked) != 10 {
		t.Errorf("%d codes of 10 were asked for", len(asked))
	}
}

func TestForAReaderWithoutCaseTwinsAreLeftOut(t *testing.T) {
	b := bench(t, io.Discard)
	s := &stock{node: &node{bench: b}, codes: []byte("abcdefg" + "ABCDEFG" + "abcdefh")}
	path := filepath.Join(b.Dir, "links")
	for folded, want := range map[bool]int{true: 2, false: 3} {
		if err := s.write(path, "%s %s\n", 3, folded); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.Count(string(text), "\n") != want {
			t.Errorf("folded %v: %q, %v", folded, text, err)
		}
	}
}

func TestAFillThatIsRefusedIsAnError(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer s.Close()
	filled := &stock{node: &node{bench: bench(t, io.Discard), name: "fake", http: strings.TrimPrefix(s.URL, "http://")}}
	if err := filled.grow(t.Context(), 5000); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("error = %v", err)
	}
}

func TestABusyNodeIsAskedAgain(t *testing.T) {
	busy := 3
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if busy--; busy >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"code":"overloaded"}`)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat(`"shortCode":"AAAAAAA",`, bulkRows))
	}))
	defer s.Close()
	filled := &stock{node: &node{bench: bench(t, io.Discard), name: "fake", http: strings.TrimPrefix(s.URL, "http://")}}
	if err := filled.grow(t.Context(), 1); err != nil || filled.links() != bulkRows {
		t.Errorf("%d links, %v", filled.links(), err)
	}
}
