package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// session runs mutations one after the other: each run has both processors, so that its time means something.
type session struct {
	product product
	rings   []ring
	out     io.Writer
	keep    bool
	rows    []row
	sound   map[string]string // ring → directory of the unchanged product's binaries
}

// row is what became of one mutation, or of a control.
type row struct {
	name     string
	run      Run
	control  bool
	mutation Mutation
	finding  finding
}

// good says that the row is as it should be: a fault caught, or the unchanged product not accused.
func (r row) good() bool {
	if r.control {
		return !r.finding.failed && r.finding.why == "the run passed"
	}
	return r.finding.caught
}

// runAll runs the controls that the mutations need, each before the first mutation it stands for, and the mutations.
func (s *session) runAll(ctx context.Context, mutations []Mutation) {
	s.sound = map[string]string{}
	controlled := map[string]bool{}
	for _, m := range mutations {
		for _, run := range m.Runs {
			if !controlled[run.String()] {
				controlled[run.String()] = true
				s.add(ctx, row{name: "control", run: run, control: true})
			}
			s.add(ctx, row{name: m.Name, run: run, mutation: m})
		}
	}
}

// buildAll builds the product with each mutation and runs nothing.
func (s *session) buildAll(ctx context.Context, mutations []Mutation) error {
	var failed error
	for _, m := range mutations {
		changed, err := m.apply(s.product.root)
		if err == nil {
			_, err = s.product.build(ctx, ring{name: "none", program: "./cmd/tinyurl"}, m.Name, changed)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", m.Name, err))
			continue
		}
		fmt.Fprintf(s.out, "builds  %s\n", m.Name)
	}
	return failed
}

// add fills a row in and tells of it.
func (s *session) add(ctx context.Context, r row) {
	began := time.Now()
	r.finding = s.try(ctx, r)
	f := r.finding
	switch {
	case r.control && r.good():
		fmt.Fprintf(s.out, "sound   the unchanged product by %s in %.0fs\n", r.run, f.took.Seconds())
	case r.good():
		fmt.Fprintf(s.out, "caught %s by %s in %.0fs (%s after %s)\n", r.name, r.run.Ring, f.took.Seconds(), f.checker, f.after)
	case r.control:
		fmt.Fprintf(s.out, "ACCUSED the unchanged product by %s: %s %s\n", r.run, f.checker, f.why)
	default:
		fmt.Fprintf(s.out, "MISSED %s by %s after %.0fs: %s\n", r.name, r.run, time.Since(began).Seconds(), f.why)
	}
	s.rows = append(s.rows, r)
}

// try builds and runs one row.
func (s *session) try(ctx context.Context, r row) finding {
	if ctx.Err() != nil {
		return finding{why: "the time was over before its turn"}
	}
	ring, known := s.ring(r.run.Ring)
	if !known {
		return finding{why: fmt.Sprintf("there is no ring %q", r.run.Ring)}
	}
	dir, err := s.build(ctx, ring, r)
	if err != nil {
		return finding{why: err.Error()}
	}
	if !r.control && !s.keep {
		defer os.RemoveAll(dir)
	}
	return ring.run(ctx, dir, s.product.root, r.run.Args, r.mutation.Shows)
}

// build makes the binaries of a row; those of the unchanged product are made once for each ring.
func (s *session) build(ctx context.Context, ring ring, r row) (string, error) {
	if !r.control {
		changed, err := r.mutation.apply(s.product.root)
		if err != nil {
			return "", err
		}
		return s.product.build(ctx, ring, r.name, changed)
	}
	if dir, made := s.sound[ring.name]; made {
		return dir, nil
	}
	dir, err := s.product.build(ctx, ring, "sound", nil)
	if err == nil {
		s.sound[ring.name] = dir
	}
	return dir, err
}

func (s *session) ring(name string) (ring, bool) {
	for _, r := range s.rings {
		if r.name == name {
			return r, true
		}
	}
	return ring{}, false
}

// missed says whether any row is not as it should be.
func (s *session) missed() bool {
	for _, r := range s.rows {
		if !r.good() {
			return true
		}
	}
	return false
}
