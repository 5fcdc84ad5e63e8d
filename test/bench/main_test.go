//go:build linux

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFlagsAreRead(t *testing.T) {
	s, err := read([]string{"-rows", "create,bulk/etcd", "-seconds", "1.5", "-rounds", "2", "-with", "--log-store wal"}, io.Discard)
	if err != nil || len(s.options.Rows) != 2 || s.options.For != 1500*time.Millisecond || s.options.Rounds != 2 || len(s.options.With) != 2 || s.options.Warm <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"-rounds=0", "-seconds=0", "-links=0", "more", "-what", "-join"} {
		if _, err := read([]string{bad}, io.Discard); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestRowsAreListedAndSyncsProbed(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-list"}, &out); err != nil || !strings.Contains(out.String(), "create: create-64/etcd\n") {
		t.Errorf("%v: %s", err, out.String())
	}
	printed := filepath.Join(t.TempDir(), "printed")
	if err := os.WriteFile(printed, []byte("a ratio 1.00 (1.00–1.00)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := run(t.Context(), []string{"-join", printed, printed}, &out); err != nil || strings.Count(out.String(), "a ratio 1.00") != 2 {
		t.Errorf("%v: %s", err, out.String())
	}
	out.Reset()
	if err := run(t.Context(), []string{"-probe", filepath.Join(t.TempDir(), "f")}, &out); err != nil {
		t.Fatal(err)
	}
	if took, err := time.ParseDuration(strings.TrimSpace(out.String())); err != nil || took <= 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}
