package store

import (
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// gauge is one figure that is read off the engine when it is asked for.
type gauge struct {
	description *prometheus.Desc
	kind        prometheus.ValueType
	read        func(*pebble.Metrics) float64
}

// collector shows a store's figures. Counters begin again with every generation, as they do with every start.
type collector struct {
	store  *Store
	gauges []gauge
}

// register makes the store's metrics known, if anybody wants them.
func (s *Store) register() error {
	if s.options.Registerer == nil {
		return nil
	}
	c := &collector{store: s}
	labels := prometheus.Labels{"group": strconv.FormatUint(uint64(s.options.Group), 10)}
	add := func(name, help string, kind prometheus.ValueType, read func(*pebble.Metrics) float64) {
		c.gauges = append(c.gauges, gauge{prometheus.NewDesc("tinyurl_store_"+name, help, nil, labels), kind, read})
	}
	add("disk_bytes", "Disk space the state takes, its write-ahead log included.", prometheus.GaugeValue,
		func(m *pebble.Metrics) float64 { return float64(m.DiskSpaceUsage()) })
	add("compaction_debt_bytes", "Bytes that compactions have yet to rewrite.", prometheus.GaugeValue,
		func(m *pebble.Metrics) float64 { return float64(m.Compact.EstimatedDebt) })
	add("read_amplification", "Sorted runs that a look-up may have to search.", prometheus.GaugeValue,
		func(m *pebble.Metrics) float64 { return float64(m.ReadAmp()) })
	add("cache_hits_total", "Blocks that were found in the block cache.", prometheus.CounterValue,
		func(m *pebble.Metrics) float64 { return float64(m.BlockCache.Hits) })
	add("cache_misses_total", "Blocks that had to be read from disk.", prometheus.CounterValue,
		func(m *pebble.Metrics) float64 { return float64(m.BlockCache.Misses) })
	add("compactions_total", "Compactions done.", prometheus.CounterValue,
		func(m *pebble.Metrics) float64 { return float64(m.Compact.Count) })
	add("wal_bytes_total", "Bytes written to the write-ahead log.", prometheus.CounterValue,
		func(m *pebble.Metrics) float64 { return float64(m.WAL.BytesWritten) })
	if err := s.options.Registerer.Register(c); err != nil {
		return err
	}
	s.metrics = c
	return nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, g := range c.gauges {
		out <- g.description
	}
}

// Collect implements prometheus.Collector. A closed store shows nothing.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	g, err := c.store.acquire()
	if err != nil {
		return
	}
	defer g.release()
	m := g.db.Metrics()
	for _, figure := range c.gauges {
		out <- prometheus.MustNewConstMetric(figure.description, figure.kind, figure.read(m))
	}
}
