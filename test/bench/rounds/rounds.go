// Package rounds compares two sides by turns: in every round both are measured, one right after the other, so that whatever
// else the machine does falls on both. A ratio is taken in each round, and the median and the range of the ratios are told.
package rounds

import (
	"context"
	"fmt"
	"time"
)

// Sample is what one measurement of one side gave. Fields that a side has no notion of are 0.
type Sample struct {
	// Rate is what was done a second: requests, links, or whatever the row counts.
	Rate float64
	// CPU is the processor time of the servers for one of these, in seconds.
	CPU float64
	// Share is the load generator's part of the processor time that generator and servers took together, 0 to 1.
	Share float64
	// Servers and Generator are the parts of their own processors that servers and load generator took, 0 to 1; 0 where they have none
	// of their own.
	Servers, Generator float64
	// Median and Tail are the 50th and the 99th percentile of the time to an answer.
	Median, Tail time.Duration
	// Value is the figure of rows that measure something else than a rate; its unit is the row's.
	Value float64
}

// Side is one of the two things compared.
type Side struct {
	Name string
	// Measure takes one sample. It returns an error when the sample would mean nothing.
	Measure func(context.Context) (Sample, error)
	// Warm, if given, is called once before the first round, so that no side is measured fresher than the other.
	Warm func(context.Context) error
}

// Reading is one ratio taken from a round's two samples.
type Reading struct {
	// Row is the name under which it is told.
	Row string
	// Of gives the ratio; NaN and infinities say that there is none.
	Of func(a, b Sample) float64
	// Rates says that it is a ratio of rates.
	Rates bool
	// Unit and Bound belong to readings of one side against a fixed bound: the bound in the row's unit. They only change the
	// words; Of has divided by the bound already.
	Unit  string
	Bound float64
}

// Pair is two sides with what is read from them. A pair without B has one side alone, and Of gets a zero Sample for it.
type Pair struct {
	A, B     Side
	Readings []Reading
}

// Rate reads A's rate as a multiple of B's.
func Rate(row string) Reading {
	return Reading{Row: row, Rates: true, Of: func(a, b Sample) float64 { return a.Rate / b.Rate }}
}

// CPU reads A's processor time for one request as a multiple of B's.
func CPU(row string) Reading {
	return Reading{Row: row, Of: func(a, b Sample) float64 { return a.CPU / b.CPU }}
}

// GeneratorCPU reads the generator's processor time for one request of A as a multiple of that of B.
func GeneratorCPU(row string) Reading {
	each := func(s Sample) float64 { return s.CPU * s.Share / (1 - s.Share) }
	return Reading{Row: row, Of: func(a, b Sample) float64 { return each(a) / each(b) }}
}

// Tail reads the 99th percentile of A's times to an answer as a multiple of B's.
func Tail(row string) Reading {
	return Reading{Row: row, Of: func(a, b Sample) float64 { return float64(a.Tail) / float64(b.Tail) }}
}

// Against reads A's Value as a multiple of a fixed bound.
func Against(row, unit string, bound float64) Reading {
	return Reading{Row: row, Unit: unit, Bound: bound, Of: func(a, _ Sample) float64 { return a.Value / bound }}
}

// Outcome is all that a pair gave.
type Outcome struct {
	Pair    Pair
	A, B    []Sample
	Figures []Figure
}

// Figure is a reading through all rounds.
type Figure struct {
	Reading Reading
	// Ratios holds one ratio a round, in order.
	Ratios []float64
}

// Run measures the pair n times, A first in even rounds and B first in odd ones, so that neither gains from what the other
// leaves behind. The first error ends it.
func Run(ctx context.Context, p Pair, n int) (Outcome, error) {
	o := Outcome{Pair: p}
	if err := p.Warm(ctx); err != nil {
		return o, fmt.Errorf("warm-up: %w", err)
	}
	for round := range n {
		a, b, err := both(ctx, p, round%2 == 1)
		if err != nil {
			return o, fmt.Errorf("round %d: %w", round+1, err)
		}
		o.A, o.B = append(o.A, a), append(o.B, b)
	}
	for _, r := range p.Readings {
		f := Figure{Reading: r}
		for i := range o.A {
			f.Ratios = append(f.Ratios, r.Of(o.A[i], o.B[i]))
		}
		o.Figures = append(o.Figures, f)
	}
	return o, nil
}

// Warm warms both sides up.
func (p Pair) Warm(ctx context.Context) error {
	for _, s := range []Side{p.A, p.B} {
		if s.Warm == nil {
			continue
		}
		if err := s.Warm(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

// both measures one round.
func both(ctx context.Context, p Pair, backwards bool) (a, b Sample, err error) {
	steps := []struct {
		side Side
		into *Sample
	}{{p.A, &a}, {p.B, &b}}
	if backwards {
		steps[0], steps[1] = steps[1], steps[0]
	}
	for _, s := range steps {
		if s.side.Measure == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return a, b, err
		}
		if *s.into, err = s.side.Measure(ctx); err != nil {
			return a, b, fmt.Errorf("%s: %w", s.side.Name, err)
		}
	}
	return a, b, nil
}
