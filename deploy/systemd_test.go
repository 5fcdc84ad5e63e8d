// Package deploy_test checks what is deployed with the tools that will read it.
// A tool that is missing here is a loud skip; CI installs them.
package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool finds a program or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT CHECKED: %s is not installed", name)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// unit writes the unit where systemd-analyze can judge it: under its own name,
// with programs that exist on this machine.
func unit(t *testing.T, content string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content = strings.NewReplacer("/usr/local/bin/tinyurl", self, "/bin/kill", self).Replace(content)
	path := filepath.Join(t.TempDir(), "tinyurl.service")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verify is everything systemd-analyze has to say about a unit. It exits with 0
// on a key it does not know, so any word at all is a complaint.
func verify(t *testing.T, content string) string {
	t.Helper()
	out, err := exec.Command(tool(t, "systemd-analyze"), "verify", "--man=no", unit(t, content)).CombinedOutput()
	if err != nil {
		return string(out) + err.Error()
	}
	return string(bytes.TrimSpace(out))
}

func TestSystemdFindsNothingWrongWithTheUnit(t *testing.T) {
	if complaint := verify(t, read(t, "systemd/tinyurl.service")); complaint != "" {
		t.Error(complaint)
	}
}

func TestAMisspeltUnitIsFound(t *testing.T) {
	content := read(t, "systemd/tinyurl.service")
	for _, misspelt := range []string{"ProtectHom=yes", "ProtectHome=maybe"} {
		if complaint := verify(t, strings.Replace(content, "ProtectHome=yes", misspelt, 1)); complaint == "" {
			t.Errorf("%s passes", misspelt)
		}
	}
}

func TestTheUnitStaysHardened(t *testing.T) {
	// systemd's own scale runs from 0 (closed in) to 10; the argument is in tenths.
	const threshold = "--threshold=15"
	judge := func(content string) ([]byte, error) {
		return exec.Command(tool(t, "systemd-analyze"), "security", "--offline=true", "--no-pager", threshold, unit(t, content)).CombinedOutput()
	}
	content := read(t, "systemd/tinyurl.service")
	if out, err := judge(content); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := judge(strings.Replace(content, "SystemCallFilter=", "#", 2)); err == nil {
		t.Error("a unit without its system call filter passes: the threshold is too high")
	}
}
