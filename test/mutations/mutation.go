package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Mutation is one fault: a small change to the product that compiles and passes an ordinary day.
type Mutation struct {
	Name string // the file's name without its extension
	// Fault says what is wrong with the change, User what a person would see of it.
	Fault, User string
	// Note says what else should be known, such as a window that was widened; empty for most.
	Note string
	// Runs are the runs that catch it, one at least.
	Runs []Run
	// Shows is a text of the ring's output that counts in place of a checker's violation, where the fault shows itself by
	// stopping a node; empty for most.
	Shows string
	Edits []Edit
}

// Run is a run of a ring.
type Run struct {
	Ring string
	// Args are the arguments of the ring's test binary; leading ones of the form NAME=value are variables of its environment.
	Args []string
}

// String is the ring with the arguments.
func (r Run) String() string { return strings.Join(append([]string{r.Ring}, r.Args...), " ") }

// parseRun reads "RING ARGUMENT...".
func parseRun(text string) Run {
	words := strings.Fields(text)
	return Run{Ring: words[0], Args: words[1:]}
}

// Edit replaces whole lines of a file.
type Edit struct {
	File          string // slash-separated, below the root
	Before, After string
}

// errFormat: a mutation's file is not as doc.go describes it.
var errFormat = errors.New("not a mutation")

// readMutations reads every mutation in a directory, by name.
func readMutations(dir string) ([]Mutation, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	all := make([]Mutation, 0, len(paths))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		m, err := parseMutation(strings.TrimSuffix(filepath.Base(path), ".txtar"), data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// parseMutation reads one file.
func parseMutation(name string, data []byte) (Mutation, error) {
	archive := txtar.Parse(data)
	m := Mutation{Name: name}
	run, also := "", ""
	fields := map[string]*string{
		"fault": &m.Fault, "user": &m.User, "note": &m.Note, "run": &run, "also": &also, "shows": &m.Shows,
	}
	if err := parseHeader(string(archive.Comment), fields); err != nil {
		return m, err
	}
	for _, required := range []string{"fault", "user", "run"} {
		if *fields[required] == "" {
			return m, fmt.Errorf("%w: it has no %s", errFormat, required)
		}
	}
	m.Runs = append(m.Runs, parseRun(run))
	if also != "" {
		m.Runs = append(m.Runs, parseRun(also))
	}
	var err error
	m.Edits, err = parseEdits(archive.Files)
	return m, err
}

// parseHeader reads "key: value" lines; an indented line goes on with the value before it, '#' begins a remark.
func parseHeader(text string, fields map[string]*string) error {
	var last *string
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
			continue
		case line[0] == ' ' || line[0] == '\t':
			if last == nil {
				return fmt.Errorf("%w: it begins with an indented line", errFormat)
			}
			*last += " " + trimmed
			continue
		}
		key, value, _ := strings.Cut(trimmed, ":")
		if last = fields[key]; last == nil {
			return fmt.Errorf("%w: unknown key %q", errFormat, key)
		}
		if *last != "" {
			return fmt.Errorf("%w: %q comes twice", errFormat, key)
		}
		*last = strings.TrimSpace(value)
	}
	return nil
}

// parseEdits reads pairs of sections, "before FILE" and "after FILE".
func parseEdits(files []txtar.File) ([]Edit, error) {
	var edits []Edit
	if len(files) == 0 || len(files)%2 != 0 {
		return nil, fmt.Errorf("%w: it needs pairs of \"before FILE\" and \"after FILE\"", errFormat)
	}
	for pair := range slices.Chunk(files, 2) {
		file, isBefore := strings.CutPrefix(pair[0].Name, "before ")
		if !isBefore || pair[1].Name != "after "+file {
			return nil, fmt.Errorf("%w: %q is followed by %q", errFormat, pair[0].Name, pair[1].Name)
		}
		if len(pair[0].Data) == 0 || string(pair[0].Data) == string(pair[1].Data) {
			return nil, fmt.Errorf("%w: an edit of %s changes nothing", errFormat, file)
		}
		edits = append(edits, Edit{File: file, Before: string(pair[0].Data), After: string(pair[1].Data)})
	}
	return edits, nil
}

// errDrifted: the product has changed since the mutation was written.
var errDrifted = errors.New("the product has changed below this mutation")

// apply gives the changed files' new contents by their path below root. Every fragment must occur exactly once today.
func (m Mutation) apply(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range m.Edits {
		text, known := changed[e.File]
		if !known {
			data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.File)))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
			text = string(data)
		}
		if n := strings.Count(text, e.Before); n != 1 {
			return nil, fmt.Errorf("%s: %w: this occurs %d times in %s, not once:\n%s", m.Name, errDrifted, n, e.File, e.Before)
		}
		changed[e.File] = strings.Replace(text, e.Before, e.After, 1)
	}
	return changed, nil
}
