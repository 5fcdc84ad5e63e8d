package transport

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a listener.
type metrics struct {
	failed  prometheus.Counter
	shed    prometheus.Counter
	refused *prometheus.CounterVec
}

// newMetrics registers with r, which may be nil; it fails when the names are taken by something else.
func newMetrics(r prometheus.Registerer) (metrics, error) {
	m := metrics{
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tinyurl_transport_handshakes_failed_total",
			Help: "Handshakes on the cluster listener that failed: another cluster secret, no certificate, too slow, or no TLS at all.",
		}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tinyurl_transport_connections_shed_total",
			Help: "Connections to the cluster listener dropped because too many were open or shaking hands.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tinyurl_transport_streams_refused_total",
			Help: "Raft connections refused by their header, by reason.",
		}, []string{"reason"}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.failed), r.Register(m.shed), r.Register(m.refused))
}

// refusalLabels keep the label's values few and stable.
var refusalLabels = map[error]string{
	ErrOtherCluster: "other_cluster",
	ErrNotAddressed: "not_addressed",
	ErrUnknownGroup: "unknown_group",
	ErrNotItself:    "not_itself",
	ErrHeader:       "header",
}

// labelBroken is for connections that ended before there was anything to refuse.
const labelBroken = "broken"

// refusalLabel is the metric label of a refusal; labelBroken for what is none, a connection that broke off.
func refusalLabel(err error) string {
	for sentinel, label := range refusalLabels {
		if errors.Is(err, sentinel) {
			return label
		}
	}
	return labelBroken
}
