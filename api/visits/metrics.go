package visits

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what operators see of recording.
type metrics struct {
	recorded prometheus.Counter
	waiting  prometheus.Gauge
	failing  bool
}

// newMetrics registers the metrics with r, which may be nil.
func newMetrics(r prometheus.Registerer, b *buffers) (*metrics, error) {
	m := &metrics{
		recorded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tinyurl_visits_recorded_total", Help: "Visits that were taken note of on this node.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tinyurl_visits_unsent", Help: "1 while visits wait because nobody could count them for the cluster.",
		}),
	}
	dropped := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "tinyurl_visits_dropped_total", Help: "Visits that were answered and not taken note of, for want of room.",
	}, func() float64 { return float64(b.dropped.Load()) })
	if r == nil {
		return m, nil
	}
	if err := errors.Join(r.Register(m.recorded), r.Register(m.waiting), r.Register(dropped)); err != nil {
		return nil, fmt.Errorf("metrics of visits: %w", err)
	}
	return m, nil
}

// waits notes whether visits wait, and says whether that is news.
func (m *metrics) waits(failing bool) (news bool) {
	m.waiting.Set(map[bool]float64{true: 1}[failing])
	news, m.failing = failing != m.failing, failing
	return news
}
