package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// writeTable tells all rows at the end of a run.
func writeTable(out io.Writer, rows []row) {
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "MUTATION\tRING\tCHECKER\tAFTER\tREAL TIME\tWHERE")
	caught, tried := 0, 0
	for _, r := range rows {
		f := r.finding
		checker := f.checker
		switch {
		case r.control && r.good():
			checker = "none, as it should be"
		case !r.good():
			checker = "MISSED"
		}
		if !r.control {
			tried++
			if r.good() {
				caught++
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.1fs\t%s\n", r.name, r.run.Ring, checker, f.after, f.took.Seconds(), f.detail)
	}
	_ = w.Flush() // a table that cannot be printed is the reader's loss
	fmt.Fprintf(out, "\n%d of %d mutations caught\n", caught, tried)
}

// readmeHead is what stands above the table in the README.
const readmeHead = `# Mutations

The product with one fault each, and the ring that notices. ` + "`make mutations`" + ` runs all of them; ` + "`go run -tags nomsgpack ./test/mutations -only NAME`" + `
one. doc.go says what the files in testdata look like. This file is written by ` + "`-readme`" + `: after a change of the rings, write it again.

"After" is the virtual time of the life or scenario in which it was noticed. "Took" is the real time of the run, on two processors,
without building.
A scenario is a directed run of ring 1: real nodes in virtual time, faults at chosen moments; it also runs on the unchanged
product as a test of its own.

| mutation | the fault | what a user would see | ring | run | checker | after | took |
|---|---|---|---|---|---|---|---|
`

// writeReadme writes the table for people who have not run it.
func writeReadme(path string, rows []row) error {
	var b bytes.Buffer
	b.WriteString(readmeHead)
	for _, r := range rows {
		if r.control {
			continue
		}
		m, f := r.mutation, r.finding
		checker := f.checker
		if !r.good() {
			checker = "**missed**"
		}
		fault := m.Fault
		if m.Note != "" {
			fault += " (" + m.Note + ")"
		}
		cells := []string{m.Name, fault, m.User, r.run.Ring, "`" + strings.Join(r.run.Args, " ") + "`", checker, f.after, fmt.Sprintf("%.0f s", f.took.Seconds())}
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", "\\|")
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteString("\nControls: the unchanged product under the same arguments.\n\n")
	for _, r := range rows {
		if r.control {
			verdict := "not accused"
			if !r.good() {
				verdict = "**accused**: " + r.finding.checker + " " + r.finding.why
			}
			fmt.Fprintf(&b, "- `%s`: %s, %.0f s\n", r.run, verdict, r.finding.took.Seconds())
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
