//go:build !failpoints

package raftlog

import (
	"os"
	"path/filepath"
	"testing"
)

func TestABuildWithoutFailpointsObeysNoControlFile(t *testing.T) {
	control := filepath.Join(t.TempDir(), "control")
	t.Setenv("TINYURL_FAILPOINTS", control)
	if err := os.WriteFile(control, []byte("eio"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, f := openTemp(t, nil)
	if err := l.StoreLog(entry(1, "x")); err != nil || len(f.all()) != 0 {
		t.Errorf("a write: %v, and Fatal was told %v", err, f.all())
	}
	if l.beforeWrite != nil {
		t.Error("there is a hook before every write")
	}
}
