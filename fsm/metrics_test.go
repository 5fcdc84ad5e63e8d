package fsm

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tinyurl/fsm/command"
)

func TestMetricsAreCleanAndGivenBack(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 { // opened again in one process
		c := config(newDisk(), func(error) {})
		c.Registerer = registry
		f, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		f.Apply(entryOf(t, 7, testEpoch, (&writer{node: "n"}).batch(command.Lead{CodeKey: testKey})))
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
		found := false
		for _, family := range families {
			found = found || family.GetName() == "tinyurl_fsm_applied_index" && family.GetMetric()[0].GetGauge().GetValue() == 7
		}
		if !found {
			t.Errorf("no applied index of 7 among %v", families)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
