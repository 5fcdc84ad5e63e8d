package redirect

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/fsm/link"
)

// Outcomes counts how visits ended. Its counters are resolved once, so that counting is one atomic addition.
type Outcomes struct {
	counters [outcomeCount]prometheus.Counter
}

// NewOutcomes registers tinyurl_redirects_total with r, which may be nil.
func NewOutcomes(r prometheus.Registerer) (*Outcomes, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tinyurl_redirects_total",
		Help: "Visits of short URLs, by how they ended; protected means that a password is asked for, or was wrong, unproven that no leader could prove the absence or count the visit, limited that one address asked too often.",
	}, []string{"outcome"})
	if r != nil {
		if err := r.Register(total); err != nil {
			return nil, fmt.Errorf("redirect metrics: %w", err)
		}
	}
	o := &Outcomes{}
	for i, name := range outcomeNames {
		o.counters[i] = total.WithLabelValues(name)
	}
	return o, nil
}

// count adds one visit that ended with err.
func (o *Outcomes) count(err error) {
	o.counters[outcomeOf(err)].Inc()
}

// outcome classes, the values of the label "outcome".
const (
	redirected = iota
	notFound
	gone
	expired
	disabled
	usedUp
	protected
	unproven
	limited
	failed
	outcomeCount
)

var outcomeNames = [outcomeCount]string{
	"redirected", "not_found", "gone", "expired", "disabled", "used_up", "protected", "unproven", "limited", "failed",
}

// outcomeErrors are the classes of errors, the more exact ones first.
var outcomeErrors = [...]struct {
	err   error
	class int
}{
	{link.ErrNotFound, notFound},
	{ErrExpired, expired},
	{ErrDisabled, disabled},
	{ErrUsedUp, usedUp},
	{link.ErrGone, gone},
	{ErrProtected, protected},
	{ErrWrongPassword, protected},
	{ErrTooManyMisses, limited},
	{ErrTooManyTries, limited},
	{link.ErrNoLeader, unproven},
	{link.ErrOverloaded, unproven},
	{context.Canceled, unproven},
	{context.DeadlineExceeded, unproven},
}

// outcomeOf classes how a visit ended.
func outcomeOf(err error) int {
	if err == nil {
		return redirected
	}
	for _, known := range outcomeErrors {
		if errors.Is(err, known.err) {
			return known.class
		}
	}
	return failed
}
