package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"tinyurl/api/v1"
)

// maxImportLine is the longest line of an import's answer, in bytes.
const maxImportLine = 64 << 10

// ImportOptions says how a file is imported. The zero value finds the format out, and leaves links that are there as they are.
type ImportOptions struct {
	// From is the format: shlink, yourls, kutt, bitly, dub, chhoto, golink, csv or ndjson; empty or auto has the node find it out.
	From string
	// OnConflict is what becomes of a row whose code is taken: skip, overwrite or rename; empty means skip.
	OnConflict string
	// DryRun judges the rows and changes nothing.
	DryRun bool
	// StartRow is the first row that counts, from 1; 0 means 1. The rows before it must be sent all the same.
	StartRow int64
	// ID tells rows without a code apart when an import is resumed, for a day: under the same ID no row makes two links. 1 to 128
	// printable ASCII characters; empty has the node make one.
	ID string
}

func (o ImportOptions) query() url.Values {
	query := make(url.Values)
	for name, value := range map[string]string{"from": o.From, "onConflict": o.OnConflict, "importId": o.ID} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if o.DryRun {
		query.Set("dryRun", "true")
	}
	if o.StartRow != 0 {
		query.Set("startRow", strconv.FormatInt(o.StartRow, 10))
	}
	return query
}

// ErrCutOff marks an import that ended before its file did. The counts say how far it came.
var ErrCutOff = errors.New("the import was cut off")

// Import sends a file, and gives each line of the answer to line (nil: to nobody) as it comes: rows that were not taken, and progress
// every 1,000 rows. A file of any length may be sent: there is no bound but two minutes without any movement.
//
// The counts are the last that came. Errors that ErrCutOff wraps are for an import that began: it goes on at LastRow+1 under the same
// ID. A refusal by the node is an *Error; v1.NoLeader and v1.Overloaded among them, and errors that are none, may pass by themselves.
func (c *Client) Import(ctx context.Context, file io.Reader, o ImportOptions, line func(v1.ImportLine)) (v1.ImportCounts, error) {
	w := watch(ctx)
	defer w.stop()
	path := "/api/v1/import"
	if query := o.query(); len(query) > 0 {
		path += "?" + query.Encode()
	}
	response, err := c.stream(w, http.MethodPost, path, file)
	if err != nil {
		return v1.ImportCounts{}, err
	}
	// Not read to its end: what is left to send, or to come, is of no use any more.
	defer func() { _ = response.Body.Close() }()
	return readImport(w, response.Body, line)
}

// readImport reads the lines to the last.
func readImport(w *watched, answer io.Reader, line func(v1.ImportLine)) (counts v1.ImportCounts, err error) {
	lines := bufio.NewScanner(watchedReader{answer, w})
	lines.Buffer(nil, maxImportLine)
	for lines.Scan() {
		var got v1.ImportLine
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			return counts, fmt.Errorf("%w: %w: %w", ErrCutOff, ErrNoAnswer, err)
		}
		if got.ImportCounts != nil {
			counts = *got.ImportCounts
		}
		if line != nil {
			line(got)
		}
		if got.Complete != nil {
			return counts, endOf(got)
		}
	}
	err = lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return counts, fmt.Errorf("%w: %w", ErrCutOff, w.why(err))
}

// endOf is what the last line means.
func endOf(last v1.ImportLine) error {
	switch {
	case *last.Complete:
		return nil
	case last.Error == nil:
		return ErrCutOff
	}
	why := v1.Problem{Status: last.Error.Status, Code: last.Error.Code, Title: string(last.Error.Code), Detail: last.Error.Detail}
	return fmt.Errorf("%w: %w", ErrCutOff, &Error{Problem: why})
}
