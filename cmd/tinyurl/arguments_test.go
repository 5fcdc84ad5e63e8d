package main

import (
	"net/http"
	"strings"
	"testing"
)

// An argument that names nothing, as that of a variable that is not set, must not be asked for: it may mean something else, or all.
func TestArgumentsThatNameNothingAreErrorsOfUsage(t *testing.T) {
	for _, verb := range []string{
		"cluster remove", "cluster transfer", "deny add", "deny add good.example", "deny remove", "keys revoke", "keys revoke k_1", "links delete",
		"links delete abc", "links edit --title x", "reports dismiss", "resolve", "users delete", "users edit --name x",
	} {
		for _, argument := range []string{"", ".", ".."} {
			asked := 0
			code, stdout, stderr := against(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.WriteHeader(http.StatusNoContent)
			}, append(strings.Fields(verb), argument)...)
			if code != exitUsage || asked != 0 || stdout != "" || !strings.Contains(stderr, `"`+argument+`" is no `) {
				t.Errorf("%s %q: exit code %d, asked %d times, %q, %q", verb, argument, code, asked, stdout, stderr)
			}
		}
	}
	if code, _, stderr := against(t, exporting, "keys", "create", "ci", "--scope", "admin", "--owner", ""); code != exitUsage || !strings.Contains(stderr, "--owner is empty") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
