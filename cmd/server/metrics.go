package server

import (
	"fmt"

	"github.com/hashicorp/go-metrics/compat"
	sink "github.com/hashicorp/go-metrics/compat/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newRegistry makes the registry of one App: Go and process figures, the build, and what raft, boltdb and memberlist
// report. Those three report to one place in a process, so that with several Apps in one process the last made has them.
func newRegistry(version string) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "tinyurl_build_info",
		Help:        "Always 1; the label tells the version of the binary.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	for _, c := range []prometheus.Collector{
		build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	// No expiry: a gauge set once would vanish, and the labels are bounded by the membership.
	libraries, err := sink.NewPrometheusSinkFrom(sink.PrometheusOpts{Registerer: registry, Name: "libraries"})
	if err != nil {
		return nil, fmt.Errorf("registering library metrics: %w", err)
	}
	config := metrics.DefaultConfig("")
	config.EnableHostname = false
	config.EnableRuntimeMetrics = false
	if _, err := metrics.NewGlobal(config, libraries); err != nil {
		return nil, fmt.Errorf("collecting library metrics: %w", err)
	}
	return registry, nil
}
