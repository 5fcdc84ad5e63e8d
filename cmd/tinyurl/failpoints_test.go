//go:build failpoints

package main

import (
	"slices"
	"testing"
	"time"

	"tinyurl/cluster"
)

func TestABuildWithFailpointsTakesATuning(t *testing.T) {
	given := process{environ: []string{
		"PATH=/bin", "TINYURL_TUNING=snapshotThreshold=100,trailingLogs=64,snapshotInterval=250ms", "TINYURL_FAILPOINTS=/control", "TINYURL_NAME=n1",
	}}
	p, tuning, err := given.underTest()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"PATH=/bin", "TINYURL_NAME=n1"}; !slices.Equal(p.environ, want) {
		t.Errorf("the environment is %q", p.environ)
	}
	if want := (cluster.Tuning{SnapshotThreshold: 100, TrailingLogs: 64, SnapshotInterval: 250 * time.Millisecond}); tuning != want {
		t.Errorf("the tuning is %+v", tuning)
	}
	for _, bad := range []string{"", "snapshotThreshold", "snapshotThreshold=-1", "snapshotInterval=5", "unknown=1"} {
		if _, _, err := (process{environ: []string{"TINYURL_TUNING=" + bad}}).underTest(); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
