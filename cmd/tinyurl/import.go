package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

const (
	// resumesInVain is how often in a row an import is resumed without getting on before it is given up: enough for a node to be started
	// again.
	resumesInVain = 20
	// resumePauseFirst and resumePauseMost bound the pause before that.
	resumePauseFirst = 250 * time.Millisecond
	resumePauseMost  = 5 * time.Second
)

func importCommand(p process) *cobra.Command {
	work := &importWork{}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make links of the rows of a file",
		Long: `Makes links of the rows of a file ("-": of standard input), in the format of this service or another.

Rows that cannot be taken are printed, and counted; the others are imported. An import that is cut off goes on by itself, on the same
node; one from a pipe does not. The last line then says how to go on later: no row makes two links, as long as --on-conflict and
--import-id stay the same, since rows made under one policy are not known under another.

--on-conflict overwrite gives a link all fields of its row: what the file has no columns for is cleared, such as a password, a limit of
visits, times, and being switched off.`,
		Example: "  tinyurl import links.csv --dry-run\n  tinyurl import yourls.sql --from yourls --on-conflict rename",
		Args:    usage(cobra.ExactArgs(1)),
	}
	work.node.flags(cmd, p)
	f := cmd.Flags()
	f.StringVar(&work.options.From, "from", "auto", "format: auto, shlink, yourls, kutt, bitly, dub, chhoto, golink, csv or ndjson")
	f.StringVar(&work.options.OnConflict, "on-conflict", "skip", "what to do where a code is taken: skip, overwrite or rename")
	f.BoolVar(&work.options.DryRun, "dry-run", false, "judge every row, but change nothing")
	f.Int64Var(&work.options.StartRow, "start-row", 1, "first row that counts")
	f.StringVar(&work.options.ID, "import-id", "", "id of the import that is resumed (default: a new one)")
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if work.options.StartRow < 1 {
			return fmt.Errorf("%w: --start-row must be 1 or more", server.ErrUsage)
		}
		api, err := work.node.connect(cmd, p)
		if err != nil {
			return err
		}
		work.api, work.words, work.path, work.stdin = api, work.node.words(cmd), args[0], p.stdin
		work.gauge = newGauge(p.stderr, "rows", time.Now)
		err = work.run(cmd.Context())
		work.gauge.end()
		if err != nil && !work.begun {
			return work.node.explain(err)
		}
		return errors.Join(work.report(cmd.OutOrStdout(), output.json()), err)
	}
	return cmd
}

// importWork is one import, through all its connections. It belongs to one goroutine.
type importWork struct {
	node    remote
	api     *client.Client
	options client.ImportOptions
	words   []string // flags that name the node
	path    string   // "-" for stdin
	again   bool     // what is there can be read more than once
	stdin   io.Reader
	gauge   *gauge
	// total is what became of all rows; begun says that the node has begun to take them.
	total v1.ImportCounts
	begun bool
	// told is the last row that was spoken of: after a resume some come again.
	told int64
}

// run imports the file, resuming where it is cut off.
func (w *importWork) run(ctx context.Context) error {
	if w.options.ID == "" {
		w.options.ID = rand.Text()
	}
	pause, vain := resumePauseFirst, 0
	for {
		before := w.options.StartRow
		err := w.once(ctx)
		if err == nil {
			return nil
		}
		if w.options.StartRow > before {
			pause, vain = resumePauseFirst, 0
		}
		if vain++; vain > resumesInVain || !w.mayPass(err) || ctx.Err() != nil {
			return w.howToResume(err)
		}
		w.gauge.say(fmt.Sprintf("cut off behind row %d (%v); resuming", w.options.StartRow-1, err))
		select {
		case <-time.After(pause):
			pause = min(2*pause, resumePauseMost)
		case <-ctx.Done():
			return w.howToResume(err)
		}
	}
}

// once sends the file once.
func (w *importWork) once(ctx context.Context) error {
	file, size, err := w.open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	w.gauge.start(size)
	counts, err := w.api.Import(ctx, w.gauge.reader(file), w.options, w.line)
	if w.begun && counts.Rows > 0 {
		w.total = sum(w.total, counts)
		w.options.StartRow = counts.LastRow + 1
	}
	return err
}

// open opens the file, whose size is 0 where there is none.
func (w *importWork) open() (io.ReadCloser, int64, error) {
	if w.path == "-" {
		return io.NopCloser(w.stdin), 0, nil
	}
	file, err := os.Open(w.path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		_ = file.Close()
		return nil, 0, errors.Join(err, fmt.Errorf("%s is no file that could be imported", w.path))
	}
	w.again = info.Mode().IsRegular()
	return file, info.Size(), nil
}

// line takes a line of the answer.
func (w *importWork) line(line v1.ImportLine) {
	w.begun = true
	switch {
	case line.ImportCounts != nil:
		w.gauge.reached(w.total.Rows + line.Rows)
	case line.Row <= w.told:
	case line.Error != nil:
		w.told = line.Row
		w.gauge.say(fmt.Sprintf("row %d: %s: %s", line.Row, line.Error.Code, line.Error.Detail))
	case line.RenamedTo != "":
		w.told = line.Row
		w.gauge.say(fmt.Sprintf("row %d: its code is taken; it is %s now", line.Row, line.RenamedTo))
	}
}

// mayPass reports whether the same may go well in a moment. What came through a pipe cannot be sent again: opened once more,
// it gives what is left.
func (w *importWork) mayPass(err error) bool {
	if !w.again {
		return false
	}
	if refusal, ok := errors.AsType[*client.Error](err); ok {
		return errors.Is(refusal, v1.NoLeader) || errors.Is(refusal, v1.Overloaded) || errors.Is(refusal, v1.RequestTimeout)
	}
	return w.begun && !errors.Is(err, client.ErrNoAnswer) && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission)
}

// howToResume adds to an error what goes on where it ended.
func (w *importWork) howToResume(err error) error {
	if !w.begun {
		return err
	}
	command := []string{"tinyurl import", shellQuote(w.path), "--start-row", fmt.Sprint(w.options.StartRow), "--import-id", shellQuote(w.options.ID)}
	if w.options.From != "auto" {
		command = append(command, "--from", shellQuote(w.options.From))
	}
	if w.options.OnConflict != "skip" {
		command = append(command, "--on-conflict", w.options.OnConflict)
	}
	if w.options.DryRun {
		command = append(command, "--dry-run")
	}
	command = append(command, w.words...)
	return fmt.Errorf("%w; all rows up to %d are done; go on with: %s", err, w.options.StartRow-1, strings.Join(command, " "))
}

// report prints what became of the rows.
func (w *importWork) report(out io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(out, struct {
			ImportID string `json:"importId"`
			DryRun   bool   `json:"dryRun"`
			v1.ImportCounts
		}{w.options.ID, w.options.DryRun, w.total})
	}
	dry := ""
	if w.options.DryRun {
		dry = " (a dry run: nothing was changed)"
	}
	t := w.total
	_, err := fmt.Fprintf(out, "%d rows: %d created, %d overwritten, %d renamed, %d skipped, %d failed%s\n",
		t.Rows, t.Created, t.Overwritten, t.Renamed, t.Skipped, t.Failed, dry)
	return err
}

// sum adds what came after.
func sum(a, b v1.ImportCounts) v1.ImportCounts {
	return v1.ImportCounts{
		Rows: a.Rows + b.Rows, Created: a.Created + b.Created, Overwritten: a.Overwritten + b.Overwritten, Renamed: a.Renamed + b.Renamed,
		Skipped: a.Skipped + b.Skipped, Failed: a.Failed + b.Failed, LastRow: max(a.LastRow, b.LastRow),
	}
}
