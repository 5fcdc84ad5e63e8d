package rounds

import (
	"fmt"
	"slices"
)

// full is the part of its processors beyond which the load generator, not the servers, says how fast a side is.
const full = 0.9

// idle is the part below which neither servers nor generator had their processors for themselves: one of the two is always the bound.
const idle = 0.8

// held reports whether the rate of a side was held back by the generator, which has processors of its own.
func held(samples []Sample) bool { return busy(samples) > full }

// busy is the part of its own processors that the generator took.
func busy(samples []Sample) float64 {
	return Median(pick(samples, func(s Sample) float64 { return s.Generator }))
}

// Robbed says in words that a side did not have the processors that are its own; empty where both had them, or have none.
func (o Outcome) Robbed() string {
	for _, s := range []struct {
		name    string
		samples []Sample
	}{{o.Pair.A.Name, o.A}, {o.Pair.B.Name, o.B}} {
		servers := Median(pick(s.samples, func(s Sample) float64 { return s.Servers }))
		if generator := busy(s.samples); generator > 0 && max(servers, generator) < idle {
			return fmt.Sprintf("neither the servers (%.0f %%) nor the generator (%.0f %%) of %s were busy: somebody else had their processors",
				servers*100, generator*100, s.name)
		}
	}
	return ""
}

// Held says in words how the generator limits what the ratios of rates of an outcome can say; empty where it does not.
func (o Outcome) Held() string {
	if !slices.ContainsFunc(o.Figures, func(f Figure) bool { return f.Reading.Rates }) {
		return ""
	}
	a, b := held(o.A), held(o.B)
	words := func(side Side, samples []Sample) string {
		return fmt.Sprintf("the generator was the bound of %s (%.0f %% of its processors)", side.Name, busy(samples)*100)
	}
	switch {
	case a && b:
		return words(o.Pair.A, o.A) + ", and " + words(o.Pair.B, o.B) + ": the ratio of rates says nothing"
	case a:
		return words(o.Pair.A, o.A) + ": the ratio of rates is at least this"
	case b:
		return words(o.Pair.B, o.B) + ": the ratio of rates is at most this"
	}
	return ""
}
