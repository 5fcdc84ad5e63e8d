package api

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"tinyurl/api/transfer"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const (
	// importMemory is the most an import takes: the window onto the file, one row of it in parts, and the batches.
	importMemory = 8*transfer.MaxRow + (importsInFlight+1)*2*maxImportBytes
	// maxImportID is the longest importId, in bytes: the number of a row comes behind it in a key.
	maxImportID = 128
)

// Query parameters of POST /import.
const (
	fromParameter     = "from"
	conflictParameter = "onConflict"
	dryRunParameter   = "dryRun"
	startRowParameter = "startRow"
	importIDParameter = "importId"
)

// importCalls is the operation that takes whole files of links.
type importCalls struct {
	links   Links
	rules   *linkRules
	denials Denials // nil denies nothing
	// timeout bounds one try of a batch.
	timeout  time.Duration
	problems *problems
	logger   *slog.Logger
}

// stream is the one operation.
func (i *importCalls) stream() stream {
	return stream{
		method: http.MethodPost, path: base + "/import", scope: access.Admin, memory: importMemory, serve: i.importLinks,
		query: single(fromParameter, conflictParameter, dryRunParameter, startRowParameter, importIDParameter),
	}
}

// importOptions are what a caller asks for.
type importOptions struct {
	format   transfer.Format
	conflict link.Conflict
	dryRun   bool
	// startRow is the first row that is judged, from 1.
	startRow int64
	// id tells the rows of this import from those of others.
	id string
}

// importLinks serves POST /import.
func (i *importCalls) importLinks(c *call, f *flow) error {
	o, err := importOptionsOf(c)
	if err != nil {
		return err
	}
	reader, err := transfer.NewReader(f, o.format)
	if err != nil {
		return aboutFile(err)
	}
	o.format = reader.Format()
	return i.newImporting(c, f, o).run(reader)
}

// importOptionsOf reads the query of POST /import.
func importOptionsOf(c *call) (o importOptions, err error) {
	if o.format, err = transfer.ParseFormat(c.query.Get(fromParameter)); err != nil || c.query.Has(fromParameter) && c.query.Get(fromParameter) == "" {
		return o, invalid(link.ErrInvalidField, "from must be auto, shlink, yourls, kutt, bitly, dub, chhoto, golink, csv or ndjson", fromParameter)
	}
	if o.conflict, err = conflictOf(c); err != nil {
		return o, err
	}
	if o.dryRun, err = either(c, dryRunParameter, "false", "true"); err != nil {
		return o, err
	}
	o.startRow = 1
	if c.query.Has(startRowParameter) {
		if o.startRow, err = strconv.ParseInt(c.query.Get(startRowParameter), 10, 64); err != nil || o.startRow < 1 {
			return o, invalid(link.ErrInvalidField, "startRow must be a whole number from 1", startRowParameter)
		}
	}
	o.id = c.query.Get(importIDParameter)
	switch {
	case !c.query.Has(importIDParameter):
		o.id = rand.Text()
	case o.id == "" || len(o.id) > maxImportID || !printable(o.id):
		return o, invalid(link.ErrInvalidField, "importId must be 1 to "+strconv.Itoa(maxImportID)+" printable ASCII characters", importIDParameter)
	}
	return o, nil
}

// conflictOf reads what becomes of a row whose code is taken.
func conflictOf(c *call) (link.Conflict, error) {
	switch value := c.query.Get(conflictParameter); {
	case !c.query.Has(conflictParameter), value == "skip":
		return link.Refuse, nil
	case value == "overwrite":
		return link.Overwrite, nil
	case value == "rename":
		return link.Rename, nil
	}
	return 0, invalid(link.ErrInvalidField, "onConflict must be skip, overwrite or rename", conflictParameter)
}

// aboutFile says what a failed read of a file means: it makes no sense, or it is the client or the connection that failed.
func aboutFile(err error) error {
	if errors.Is(err, transfer.ErrUnreadable) {
		return invalid(link.ErrInvalidField, err.Error(), fromParameter)
	}
	if known := bodyError(err); errors.Is(known, errSlowClient) {
		return known
	}
	return invalid(link.ErrInvalidField, "the file ended early or could not be read")
}
