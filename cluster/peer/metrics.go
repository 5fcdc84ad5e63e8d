package peer

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the calls a node answers. The labels' values are names and codes of the program, never of the caller.
type metrics struct {
	answered *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newMetrics registers with r, which may be nil; it fails when the names are taken by something else.
func newMetrics(r prometheus.Registerer) (metrics, error) {
	m := metrics{
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tinyurl_peer_calls_total",
			Help: "Calls of other nodes that were answered, by call and result (ok or an error's code).",
		}, []string{"call", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tinyurl_peer_call_seconds",
			Help:    "How long calls of other nodes took to answer, by call.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8), // half a millisecond to 8 s
		}, []string{"call"}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.answered), r.Register(m.seconds))
}

// observe counts an answer; name is empty for calls this node does not know.
func (m metrics) observe(name, result string, took time.Duration) {
	if name == "" {
		name = "unknown"
	}
	m.answered.WithLabelValues(name, result).Inc()
	m.seconds.WithLabelValues(name).Observe(took.Seconds())
}
