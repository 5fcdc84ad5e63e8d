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

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 1000} {
		b.Run(map[int]string{1: "one", 1000: "thousand"}[size]+" creates an entry", func(b *testing.B) {
			c := Config{Dir: b.TempDir(), Fatal: func(err error) { b.Error(err) }, ClusterID: testCluster}
			f, err := Open(c)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			w := writer{node: "n1", boot: 1}
			f.Apply(entryOf(b, 1, testEpoch, w.batch(command.Lead{CodeKey: testKey, ClusterVersion: 1})))
			var commands []command.Command
			for range size {
				commands = append(commands, command.Create{Draft: draft("https://www.example.com/some/path?with=query")})
			}
			index := uint64(1)
			for b.Loop() {
				index++
				w.floor = w.sequence + 1
				if _, ok := f.Apply(entryOf(b, index, testEpoch, w.batch(commands...))).(Outcome); !ok {
					b.Fatal(f.Failed())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/create")
		})
	}
}
