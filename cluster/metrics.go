package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// metrics are what a group tells of itself beside what its rooms tell.
type metrics struct {
	registerer prometheus.Registerer // nil without one
	collectors []prometheus.Collector

	writes     *prometheus.CounterVec
	writeTime  prometheus.Histogram
	operations prometheus.Histogram
	rounds     *prometheus.CounterVec
}

// newMetrics makes and registers the metrics of a group; r may be nil.
func newMetrics(r prometheus.Registerer, group uint32) (*metrics, error) {
	labels := prometheus.Labels{"group": strconv.FormatUint(uint64(group), 10)}
	m := &metrics{
		registerer: r,
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tinyurl_writes_total", Help: "Writes taken in by this node, by what became of them.", ConstLabels: labels,
		}, []string{"outcome"}),
		writeTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tinyurl_write_seconds", Help: "Time from taking a write in to having it applied on this node.",
			ConstLabels: labels, Buckets: prometheus.ExponentialBuckets(5e-4, 2, 15),
		}),
		operations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tinyurl_entry_operations", Help: "Operations in one entry of the log, as made by this node as the leader.",
			ConstLabels: labels, Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tinyurl_read_index_rounds_total", Help: "Rounds in which this node asked for a read index, by result.", ConstLabels: labels,
		}, []string{"result"}),
	}
	m.collectors = []prometheus.Collector{m.writes, m.writeTime, m.operations, m.rounds}
	return m, m.register(m.collectors...)
}

func (m *metrics) register(collectors ...prometheus.Collector) error {
	if m.registerer == nil {
		return nil
	}
	var errs []error
	for _, c := range collectors {
		errs = append(errs, m.registerer.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// gauges registers what is read at the moment it is asked for.
func (m *metrics) gauges(g *Group) error {
	labels := prometheus.Labels{"group": strconv.FormatUint(uint64(g.id), 10)}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value)
	}
	added := []prometheus.Collector{
		gauge("tinyurl_leader", "1 while this node leads and is ready to write.", func() float64 {
			if _, ready := g.leadership.ready(); ready {
				return 1
			}
			return 0
		}),
		gauge("tinyurl_term", "The raft term as this node knows it.", func() float64 { return float64(g.raft.CurrentTerm()) }),
		gauge("tinyurl_commit_index", "The last log entry this node knows to be committed.", func() float64 { return float64(g.raft.CommitIndex()) }),
		gauge("tinyurl_staleness_seconds", "Time since this node had all that the leader had committed; 0 while it is current, -1 before it ever was.",
			func() float64 { return g.Staleness().Seconds() }),
		gauge("tinyurl_links", "Links that are neither deleted nor swept.", func() float64 { return float64(g.fsm.Store().Links()) }),
		gauge("tinyurl_disk_free_bytes", "Free space of the data directory's file system, as last seen.", func() float64 { return float64(g.disk.free.Load()) }),
	}
	m.collectors = append(m.collectors, added...)
	return m.register(added...)
}

// wrote counts the outcomes of one call.
func (m *metrics) wrote(took time.Duration, results []command.Result, err error) {
	m.writeTime.Observe(took.Seconds())
	if err != nil {
		m.writes.WithLabelValues(outcomeLabel(err)).Inc()
		return
	}
	for _, r := range results {
		m.writes.WithLabelValues(outcomeLabel(r.Err)).Inc()
	}
}

// outcomeLabel has few values whatever happens.
func outcomeLabel(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, link.ErrNoLeader):
		return "no_leader"
	case errors.Is(err, link.ErrOverloaded):
		return "overloaded"
	case errors.Is(err, link.ErrDiskFull):
		return "disk_full"
	default:
		return "refused"
	}
}

func (m *metrics) asked(err error) {
	result := "confirmed"
	if err != nil {
		result = "failed"
	}
	m.rounds.WithLabelValues(result).Inc()
}

func (m *metrics) unregister() {
	if m == nil || m.registerer == nil {
		return
	}
	for _, c := range m.collectors {
		m.registerer.Unregister(c)
	}
}
