package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

const (
	// usualRows is how many entries of a list are shown unless more are asked for.
	usualRows = 20
	// rowsPerPage is the most entries that a node is asked for at once.
	rowsPerPage = 100
)

// extent is how much of a list is shown.
type extent struct {
	limit int
	all   bool
}

func (e *extent) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&e.limit, "limit", usualRows, "how many at most")
	cmd.Flags().BoolVar(&e.all, "all", false, "all there are")
}

// rows is how many entries are wanted at most; 0 for all.
func (e *extent) rows(cmd *cobra.Command) (int, error) {
	switch {
	case e.all && cmd.Flags().Changed("limit"):
		return 0, fmt.Errorf("%w: --limit and --all exclude each other", server.ErrUsage)
	case e.all:
		return 0, nil
	case e.limit < 1:
		return 0, fmt.Errorf("%w: --limit must be 1 or more", server.ErrUsage)
	}
	return e.limit, nil
}

// listCommand is a verb that prints a list, as much of it as is asked for.
func listCommand[P, T any](p process, verb *cobra.Command, list func(*client.Client, context.Context, int) listing[P, T]) *cobra.Command {
	var node remote
	var much extent
	verb.Use, verb.Args = "list", usage(cobra.NoArgs)
	node.flags(verb, p)
	much.flags(verb)
	output := outputFlag(verb, "table", "json")
	verb.RunE = func(cmd *cobra.Command, _ []string) error {
		rows, err := much.rows(cmd)
		if err != nil {
			return err
		}
		api, err := node.connect(cmd, p)
		if err != nil {
			return err
		}
		// Each page has the client's own deadline.
		return node.explain(list(api, cmd.Context(), rows).print(cmd, rows, output.json()))
	}
	return verb
}

// listing is a list as it is printed, page by page as it comes, so that it may be of any length.
type listing[P, T any] struct {
	pages iter.Seq2[P, error]
	// part takes a page apart: its entries, and whether others follow.
	part   func(P) ([]T, bool)
	header []string
	row    func(T) []string
}

// print shows so many entries at most, and says on stderr if there are more.
func (l listing[P, T]) print(cmd *cobra.Command, limit int, asJSON bool) error {
	var out entries[T] = &table[T]{w: cmd.OutOrStdout(), header: l.header, row: l.row}
	if asJSON {
		out = &array[T]{w: cmd.OutOrStdout()}
	}
	shown := 0
	for page, err := range l.pages {
		if err != nil {
			if shown == 0 {
				return err // an empty list would be an answer
			}
			return errors.Join(err, out.end()) // what has come is whole
		}
		some, more := l.part(page)
		if limit > 0 && shown+len(some) >= limit {
			more = more || shown+len(some) > limit
			if err := errors.Join(out.add(some[:limit-shown]), out.end()); err != nil {
				return err
			}
			if more && !asJSON {
				fmt.Fprintln(cmd.ErrOrStderr(), "there may be more: --all shows them, --limit so many")
			}
			return nil
		}
		if err := out.add(some); err != nil {
			return err
		}
		shown += len(some)
	}
	return out.end()
}

// pageSize is what a node is asked for when so many entries are wanted.
func pageSize(limit int) int {
	if limit == 0 {
		return rowsPerPage
	}
	return min(limit, rowsPerPage)
}

// paging is that for the lists of operators.
func paging(limit int) client.Paging { return client.Paging{PageSize: pageSize(limit)} }

// entries is something that prints entries as they come.
type entries[T any] interface {
	add(some []T) error
	end() error
}

// table prints entries for people. Each page has columns of its own width.
type table[T any] struct {
	w      io.Writer
	header []string // nil once it is printed
	row    func(T) []string
}

func (t *table[T]) add(some []T) error {
	if len(some) == 0 {
		return nil
	}
	aligned := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	if t.header != nil {
		fmt.Fprintln(aligned, strings.Join(t.header, "\t"))
		t.header = nil
	}
	for _, one := range some {
		cells := t.row(one)
		for i := range cells {
			cells[i] = cell(cells[i])
		}
		fmt.Fprintln(aligned, strings.Join(cells, "\t"))
	}
	return aligned.Flush()
}

// end prints the header of an empty table: nothing at all would look like a failure.
func (t *table[T]) end() error {
	if t.header == nil {
		return nil
	}
	_, err := fmt.Fprintln(t.w, strings.Join(t.header, "  "))
	return err
}

// array prints entries as one JSON array.
type array[T any] struct {
	w     io.Writer
	begun bool
}

func (a *array[T]) add(some []T) error {
	for _, one := range some {
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetIndent("  ", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(one); err != nil {
			return err
		}
		before := ",\n  "
		if !a.begun {
			before, a.begun = "[\n  ", true
		}
		if _, err := io.WriteString(a.w, before+strings.TrimSuffix(text.String(), "\n")); err != nil {
			return err
		}
	}
	return nil
}

func (a *array[T]) end() error {
	text := "[]\n"
	if a.begun {
		text = "\n]\n"
	}
	_, err := io.WriteString(a.w, text)
	return err
}

// cell is a text as a cell of a table shows it: what others have written must not move the cursor.
func cell(text string) string {
	return orDash(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text))
}

// moment is a time as a cell of a table.
func moment(t v1.Time) string { return t.UTC().Format(time.RFC3339) }

// someday is a time that there may not be.
func someday(t *v1.Time) string {
	if t == nil {
		return ""
	}
	return moment(*t)
}
