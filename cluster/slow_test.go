package cluster

import (
	"log/slog"
	"testing"
	"time"
)

func TestASlowDiskIsWarnedOfNowAndThen(t *testing.T) {
	now := time.Unix(1000, 0)
	var began time.Time
	s := &slowness{
		limit: time.Second / 3, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler),
		underWay: map[string]func() time.Time{"log write": func() time.Time { return began }},
	}
	if s.look() {
		t.Fatal("warned of nothing")
	}
	began = now.Add(-100 * time.Millisecond)
	if s.look() {
		t.Fatal("warned of a quick write")
	}
	began = now.Add(-time.Second / 2)
	if !s.look() || s.look() {
		t.Fatal("want one warning, and quiet after it")
	}
	now = now.Add(slowQuiet)
	if !s.look() {
		t.Fatal("quiet for ever")
	}
}
