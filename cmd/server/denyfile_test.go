package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADenyFileDeniesItsHostsAndTheNamesBelow(t *testing.T) {
	d, err := loadDenyFile(write(t, "deny", "# what nobody wants\r\n\r\nEVIL.example.  # phishing\n\tbücher.example\n192.0.2.1\n[2001:db8::0:1]\nzip\n evil.example"))
	if err != nil {
		t.Fatal(err)
	}
	for host, denied := range map[string]bool{
		"evil.example": true, "www.evil.example": true, "a.b.c.d.e.f.g.h.i.evil.example": true, "notevil.example": false, "example": false,
		"xn--bcher-kva.example": true, "192.0.2.1": true, "1.192.0.2.1": false, "[2001:db8::1]": true, "[2001:db8::2]": false,
		"zip": true, "x.zip": true, "example.com": false, "": false,
	} {
		if got := d.denies(host); got != denied {
			t.Errorf("%q: %v", host, got)
		}
	}
	if d.size() != 5 {
		t.Errorf("%d hosts", d.size())
	}
}

func TestAnEmptyDenyFileDeniesNothing(t *testing.T) {
	for _, content := range []string{"", "\n", "# nothing yet"} {
		if d, err := loadDenyFile(write(t, "deny", content)); err != nil || d.size() != 0 || d.denies("example.com") {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestABadDenyFileIsRefusedByItsLine(t *testing.T) {
	long := strings.Repeat("x", maxDenyLine)
	for content, want := range map[string]string{
		"a.example\nhttps://b.example":     `line 2: "https://b.example"`,
		"a.example\n\n#\nb.example/x":      "line 4: ",
		"b.example:80":                     "line 1: ",
		"0.0.0.0 b.example":                "line 1: ",
		"*":                                "",
		"a.example,b.example":              "",
		"a\x00b":                           "line 1: ",
		"\xff\xfe":                         "line 1: ",
		"a.b.c.d.e.f.g.h.i":                "line 1: ",
		strings.Repeat("x", 256):           "line 1: ",
		"a.example\n" + long + long:        "line 2: it is longer",
		"# " + long + long + "\na.example": "line 1: it is longer",
	} {
		_, err := loadDenyFile(write(t, "deny", content))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--deny-file") {
			t.Errorf("%.40q: %v, want %s", content, err, want)
		}
	}
	if _, err := loadDenyFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := loadDenyFile(t.TempDir()); err == nil {
		t.Error("a directory was read")
	}
}

func TestADenyFileHasSoManyHostsAtMost(t *testing.T) {
	var all strings.Builder
	for i := range maxDenyHosts + 1 {
		fmt.Fprintf(&all, "h%d\n", i)
	}
	content := all.String()
	if hosts, err := parseDenied(strings.NewReader(content[:strings.LastIndex(strings.TrimSpace(content), "\n")])); err != nil || len(hosts) != maxDenyHosts {
		t.Errorf("as many as may be: %d, %v", len(hosts), err)
	}
	if _, err := parseDenied(strings.NewReader(content)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("one too many: %v", err)
	}
}

func TestTheDenyFileIsAskedForEveryLinkAndReadAgain(t *testing.T) {
	path := write(t, "deny", "evil.example\n")
	n := runNode(t, "--deny-file="+path)
	n.ready(t)
	if status, body := create(t, n, "a", "https://www.evil.example/x"); status != 422 || !strings.Contains(body, "target_denied") {
		t.Errorf("status %d, %s", status, body)
	}
	reload := func(content string) error {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return n.Reload(n.settings)
	}
	if err := reload("worse example"); err == nil {
		t.Error("a bad file was taken")
	}
	if status, _ := create(t, n, "b", "https://evil.example/x"); status != 422 {
		t.Errorf("status %d after a bad file", status)
	}
	if err := reload("worse.example"); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{"https://evil.example/x": http.StatusCreated, "https://worse.example/x": 422} {
		if status, body := create(t, n, "c", target); status != want {
			t.Errorf("%s: status %d, %s", target, status, body)
		}
	}
}

func TestANodeDoesNotStartWithoutItsDenyFile(t *testing.T) {
	_, err := openNode(t, "--deny-file="+filepath.Join(t.TempDir(), "none"))
	if err == nil || !strings.Contains(err.Error(), "--deny-file") {
		t.Errorf("%v", err)
	}
}
