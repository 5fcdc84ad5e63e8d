package fsm

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the state machine tells of itself.
type metrics struct {
	registerer prometheus.Registerer // nil without one
	collectors []prometheus.Collector

	applySeconds    prometheus.Histogram
	applyEntries    prometheus.Histogram
	snapshotSeconds prometheus.Histogram
	restoreSeconds  prometheus.Histogram
}

// newMetrics makes and registers the metrics of a group; r may be nil.
func newMetrics(r prometheus.Registerer, group uint32, applied func() uint64) (metrics, error) {
	labels := prometheus.Labels{"group": strconv.FormatUint(uint64(group), 10)}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, ConstLabels: labels, Buckets: buckets})
	}
	m := metrics{
		registerer: r,
		applySeconds: histogram("tinyurl_fsm_apply_seconds",
			"Time to apply one batch of log entries to the state.", prometheus.ExponentialBuckets(50e-6, 2.5, 14)),
		applyEntries: histogram("tinyurl_fsm_apply_entries",
			"Log entries applied in one batch.", prometheus.ExponentialBuckets(1, 2, 9)),
		snapshotSeconds: histogram("tinyurl_fsm_snapshot_seconds",
			"Time the state stood still for a checkpoint.", prometheus.ExponentialBuckets(1e-3, 2.5, 12)),
		restoreSeconds: histogram("tinyurl_fsm_restore_seconds",
			"Time to take over a whole state from a snapshot.", prometheus.ExponentialBuckets(1e-2, 4, 10)),
	}
	index := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tinyurl_fsm_applied_index", Help: "Index of the last log entry the state contains.", ConstLabels: labels,
	}, func() float64 { return float64(applied()) })
	m.collectors = []prometheus.Collector{m.applySeconds, m.applyEntries, m.snapshotSeconds, m.restoreSeconds, index}
	if r == nil {
		return m, nil
	}
	for i, c := range m.collectors {
		if err := r.Register(c); err != nil {
			m.collectors = m.collectors[:i]
			m.unregister()
			return metrics{}, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) applied(took time.Duration, entries int) {
	m.applySeconds.Observe(took.Seconds())
	m.applyEntries.Observe(float64(entries))
}

// unregister gives the names back, for a state machine opened again in one process.
func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.collectors {
		m.registerer.Unregister(c)
	}
}
