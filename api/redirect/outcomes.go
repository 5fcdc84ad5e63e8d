package redirect

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcomes counts how redirects ended. Its counters are resolved once, so that counting is one atomic addition.
type Outcomes struct {
	counters [outcomeCount]prometheus.Counter
}

// NewOutcomes registers tinyurl_redirects_total with r, which may be nil.
func NewOutcomes(r prometheus.Registerer) (*Outcomes, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tinyurl_redirects_total",
		Help: "Visits of short URLs, by how they ended; unproven means that no leader could prove the absence, limited that too many such questions came from one address.",
	}, []string{"outcome"})
	if r != nil {
		if err := r.Register(total); err != nil {
			return nil, fmt.Errorf("redirect metrics: %w", err)
		}
	}
	o := &Outcomes{}
	for i, name := range [outcomeCount]string{"redirected", "not_found", "gone", "expired", "unproven", "limited", "failed"} {
		o.counters[i] = total.WithLabelValues(name)
	}
	return o, nil
}

// count adds one visit that ended with err.
func (o *Outcomes) count(err error) {
	o.counters[outcomeOf(err)].Inc()
}
