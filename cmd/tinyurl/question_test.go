package main

import (
	"io"
	"net/http"
	"testing"

	"tinyurl/api/v1"
)

func TestARefusalIsPrintedWithItsDetailAndTheFieldsAtFault(t *testing.T) {
	code, stdout, stderr := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", v1.ProblemType)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"code":"invalid_field","title":"x","detail":"two are wrong","invalidElements":["name","role"]}`)
	}, "users", "create", "Eve")
	if want := "tinyurl: invalid_field: two are wrong (name, role)\n"; code != exitError || stdout != "" || stderr != want {
		t.Errorf("exit code %d: %q, %q, want %q", code, stdout, stderr, want)
	}
}
