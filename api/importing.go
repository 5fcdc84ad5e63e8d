package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tinyurl/api/transfer"
	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const (
	// importsInFlight is how many batches of one import are asked of the cluster at once: enough to fill entries while others travel,
	// and a quarter of what may wait at a node, so that others come through beside it.
	importsInFlight = 4
	// maxImportRows and maxImportBytes are the longest batch: rows, and bytes of what is asked for. An entry of the log takes as much.
	maxImportRows  = 256
	maxImportBytes = 256 << 10
	// rowFrame is what a row of a batch weighs beside its texts, in bytes.
	rowFrame = 512
	// progressRows is how many rows come between two lines of progress, and progressEvery how much time: whoever waits for rows that are
	// slow, or that come before startRow, would else take the import for dead.
	progressRows  = 1000
	progressEvery = 10 * time.Second
)

// importing is one import under way. It belongs to one goroutine, which reads rows, gathers them into batches, and reports in the order
// of the file what became of them; only the asking of the cluster is done by others, some batches at once.
type importing struct {
	calls   *importCalls
	call    *call
	flow    *flow
	options importOptions
	counts  v1.ImportCounts
	// batch is being filled; flight are those under way, the oldest first.
	batch  *importBatch
	flight []*importBatch
	// codes are those that rows of batch and flight ask for. Batches overtake each other, so two rows of one code never are
	// under way together: the first of the file must come first.
	codes map[link.Code]bool
	lines bytes.Buffer // not yet written
	// spoken is when lines were last written; seen is the last row that was read.
	spoken time.Time
	seen   int64
	// broken is why the file could not be read on, unheard why an answer could not be written; nil while they could.
	broken, unheard error
}

// importBatch are rows in the order of the file, bad ones too. It belongs to the importing until it is under way, and again when done is
// closed.
type importBatch struct {
	rows  []importRow
	bytes int
	done  chan struct{}
	// err is why some rows have no outcome.
	err error
}

// importRow is a row on its way.
type importRow struct {
	number int64
	draft  link.Draft
	fate   fate
	// err is the refusal that the row is reported with; nil where there is none.
	err error
	// code is that of the link that was made of a renamed row.
	code link.Code
}

// fate is what became of a row.
type fate uint8

const (
	undecided fate = iota
	failed
	skipped
	created
	overwritten
	renamed
)

func (i *importCalls) newImporting(c *call, f *flow, o importOptions) *importing {
	one := &importing{calls: i, call: c, flow: f, options: o, batch: newImportBatch(), codes: make(map[link.Code]bool), spoken: time.Now()}
	one.counts.LastRow = o.startRow - 1 // those before are not asked for
	return one
}

func newImportBatch() *importBatch {
	return &importBatch{rows: make([]importRow, 0, maxImportRows), done: make(chan struct{})}
}

// run imports a file. What ends it early is told in the last line; an error is that nobody hears what is told.
func (i *importing) run(reader *transfer.Reader) error {
	ctx, cancel := context.WithCancel(i.call.request.Context())
	defer cancel()
	i.flow.interleave(i.call.request)
	i.flow.begin(v1.StreamType)
	i.tell(v1.ImportLine{ImportID: i.options.id, Format: string(i.options.format)})
	err := i.send()
	if err == nil {
		err = i.readRows(ctx, reader)
	}
	for err == nil && len(i.flight) > 0 {
		err = i.settle()
	}
	cancel() // what is still under way is of no account: it will be sent again
	for _, b := range i.flight {
		<-b.done
	}
	if i.unheard != nil {
		return i.unheard
	}
	return i.finish(cmp.Or(err, i.broken))
}

// readRows goes through the file. An error is that no more rows can be taken.
func (i *importing) readRows(ctx context.Context, reader *transfer.Reader) error {
	for {
		row, err := reader.Next()
		bad, isBad := errors.AsType[*transfer.RowError](err)
		switch {
		case errors.Is(err, io.EOF):
			if i.seen < i.options.startRow-1 {
				i.broken = invalid(link.ErrInvalidField, "the file has fewer rows than startRow", startRowParameter)
			}
			return i.dispatch(ctx)
		case isBad:
			row.Number = bad.Number
			err = invalid(link.ErrInvalidField, bad.Reason)
		case err != nil:
			i.broken = aboutFile(err)
			return i.dispatch(ctx) // what came before is whole
		}
		i.seen = row.Number
		if row.Number >= i.options.startRow {
			if err := i.take(ctx, &row, err); err != nil {
				return err
			}
		}
		if err := i.remind(); err != nil {
			return err
		}
	}
}

// take puts a row into the batch, after those that it must not overtake. bad is why it could not be read.
func (i *importing) take(ctx context.Context, row *transfer.Row, bad error) error {
	one := importRow{number: row.Number, err: bad}
	if bad == nil {
		one.draft, one.err = i.calls.rules.importDraft(row, &i.options, i.call.by)
	}
	if one.err != nil {
		one.fate = failed
	}
	if i.codes[one.draft.Slug] {
		if err := i.drain(ctx); err != nil {
			return err
		}
	}
	size := rowFrame + len(one.draft.Target) + len(one.draft.Title) + len(one.draft.Tags)
	if len(i.batch.rows) == maxImportRows || len(i.batch.rows) > 0 && i.batch.bytes+size > maxImportBytes {
		if err := i.dispatch(ctx); err != nil {
			return err
		}
	}
	if one.draft.Slug != "" {
		i.codes[one.draft.Slug] = true
	}
	i.batch.rows = append(i.batch.rows, one)
	i.batch.bytes += size
	return nil
}

// dispatch has the batch done as soon as there is room for it, and begins another.
func (i *importing) dispatch(ctx context.Context) error {
	if len(i.batch.rows) == 0 {
		return nil
	}
	for len(i.flight) >= importsInFlight {
		if err := i.settle(); err != nil {
			return err
		}
	}
	b := i.batch
	i.batch, i.flight = newImportBatch(), append(i.flight, b)
	go i.calls.runBatch(ctx, i.call.by, i.options.dryRun, b)
	return nil
}

// drain waits until nothing is under way.
func (i *importing) drain(ctx context.Context) error {
	err := i.dispatch(ctx)
	for err == nil && len(i.flight) > 0 {
		err = i.settle()
	}
	return err
}

// settle waits for the oldest batch, counts what became of its rows and tells it. On an error of the batch none of them counts: all
// will be sent again.
func (i *importing) settle() error {
	b := i.flight[0]
	if err := i.await(b); err != nil {
		return err
	}
	i.flight = i.flight[1:]
	if b.err != nil {
		return b.err
	}
	for n := range b.rows {
		i.count(&b.rows[n])
		delete(i.codes, b.rows[n].draft.Slug)
	}
	return i.send()
}

// await waits for a batch, and says now and then that it does.
func (i *importing) await(b *importBatch) error {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.done:
			return nil
		case <-tick.C:
			if err := i.remind(); err != nil {
				return err
			}
		}
	}
}

// remind tells how far it is, if nothing was told for long.
func (i *importing) remind() error {
	if time.Since(i.spoken) < progressEvery {
		return nil
	}
	i.tell(v1.ImportLine{ImportCounts: &i.counts})
	return i.send()
}

// count counts a row, and tells what its sender must know of it.
func (i *importing) count(row *importRow) {
	i.counts.Rows++
	i.counts.LastRow = row.number
	switch row.fate {
	case created:
		i.counts.Created++
	case overwritten:
		i.counts.Overwritten++
	case renamed:
		i.counts.Renamed++
		if row.code != "" { // a dry run makes none
			i.tell(v1.ImportLine{Row: row.number, RenamedTo: string(row.code)})
		}
	case skipped:
		i.counts.Skipped++
	default:
		i.counts.Failed++
	}
	if row.err != nil {
		i.tell(v1.ImportLine{Row: row.number, Error: i.problem(row.err)})
	}
	if i.counts.Rows%progressRows == 0 {
		i.tell(v1.ImportLine{ImportCounts: &i.counts})
	}
}

// problem is an error as a line tells it.
func (i *importing) problem(err error) *v1.ImportError {
	p, _ := i.calls.problems.describe(i.call.request, err)
	return &v1.ImportError{Status: p.Status, Code: p.Code, Detail: p.Detail}
}

// tell adds a line to the answer.
func (i *importing) tell(line v1.ImportLine) {
	encoder := json.NewEncoder(&i.lines)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(line) //nolint:errchkjson // text and numbers, which are never refused
}

// send writes the lines there are.
func (i *importing) send() error {
	if i.lines.Len() == 0 {
		return nil
	}
	_, err := i.flow.Write(i.lines.Bytes())
	i.lines.Reset()
	i.spoken = time.Now()
	i.flow.flush()
	if err != nil {
		i.unheard = fmt.Errorf("tell of an import: %w", err)
	}
	return i.unheard
}

// finish tells how it ended.
func (i *importing) finish(err error) error {
	complete := err == nil
	line := v1.ImportLine{ImportCounts: &i.counts, Complete: &complete}
	if err != nil {
		line.Error = i.problem(err)
	}
	i.tell(line)
	if err := i.send(); err != nil {
		return err
	}
	i.flow.linger()
	return nil
}
