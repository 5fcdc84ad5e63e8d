package gossip

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/member"
)

// metrics of a Gossip; a nil registry keeps none.
type metrics struct {
	failures prometheus.Counter
	drops    *prometheus.CounterVec
}

var membersDesc = prometheus.NewDesc("tinyurl_gossip_members",
	"Nodes this node knows by gossip, itself included, by what it believes of them.",
	[]string{"status"}, nil)

func newMetrics(r prometheus.Registerer, t *table) (*metrics, error) {
	m := &metrics{failures: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tinyurl_gossip_join_failures_total",
		Help: "Attempts to reach a seed or a lost node that failed.",
	}), drops: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tinyurl_gossip_streams_dropped_total",
		Help: "Inbound gossip streams cut off: too many at once (places), or from one address (source), too long (length), or too much in all (volume).",
	}, []string{"reason"})}
	for _, reason := range dropReasons {
		m.drops.WithLabelValues(reason)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.failures, m.drops, memberCounts{t}} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register gossip metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) joinFailed() { m.failures.Inc() }

func (m *metrics) streamDropped(reason string) { m.drops.WithLabelValues(reason).Inc() }

// memberCounts counts the members when asked.
type memberCounts struct{ table *table }

// Describe implements prometheus.Collector.
func (memberCounts) Describe(ch chan<- *prometheus.Desc) { ch <- membersDesc }

// Collect implements prometheus.Collector.
func (c memberCounts) Collect(ch chan<- prometheus.Metric) {
	counts := map[member.Status]int{member.Alive: 0, member.Failed: 0, member.Left: 0}
	for _, m := range c.table.members() {
		counts[m.Status]++
	}
	for status, n := range counts {
		ch <- prometheus.MustNewConstMetric(membersDesc, prometheus.GaugeValue, float64(n), status.String())
	}
}
