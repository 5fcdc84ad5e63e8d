package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"time"

	"tinyurl/api/transfer"
	"tinyurl/api/v1"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const (
	// exportPage is how many links are read at once, and exportMemory the most that they and what is made of them take: each may be
	// as long as targets and tags can be.
	exportPage   = 256
	exportMemory = exportPage * (16 << 10)
	// exportBuffer is how much is written at once, in bytes.
	exportBuffer = 64 << 10
	// formatParameter is the query parameter of GET /export.
	formatParameter = "format"
)

// exportCalls is the operation that gives whole files of links.
type exportCalls struct {
	links     Links
	now       func() time.Time
	publicURL string
	// timeout bounds the asking for one page, and confirm says whether whoever began may still have it.
	timeout time.Duration
	confirm func(ctx context.Context, by access.Holder, scope access.Scopes, local bool) (access.Holder, error)
}

// stream is the one operation.
func (e *exportCalls) stream() stream {
	return stream{
		method: http.MethodGet, path: base + "/export", scope: access.Admin, memory: exportMemory, serve: e.exportLinks,
		query: single(formatParameter),
	}
}

// exportLinks serves GET /export: all links that there were when it began, the oldest first, and of those that came or changed
// meanwhile what the pages happened to show.
func (e *exportCalls) exportLinks(c *call, f *flow) error {
	format, mediaType, err := exportFormatOf(c)
	if err != nil {
		return err
	}
	if !c.request.ProtoAtLeast(1, 1) {
		// A connection that ends is all that HTTP/1.0 knows of an end: half a file would look whole.
		return invalid(link.ErrInvalidField, "an export needs HTTP/1.1 or later")
	}
	page, err := e.exportNext(c, Place{}, false)
	if err != nil {
		return err
	}
	// Not before the page is there: then no link that it must show was made later than this.
	until := e.now()
	f.begin(mediaType, headerLine{"Content-Disposition", `attachment; filename="links.` + string(format) + `"`})
	if c.request.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(f, exportBuffer)
	writer, err := transfer.NewWriter(out, format, e.publicURL)
	if err != nil {
		return err
	}
	for {
		for n := range page.Links {
			if page.Links[n].CreatedAt.After(until) {
				page.Next = nil // who makes links without end must not make an export without end
				break
			}
			if err := writer.Write(transfer.RowOf(page.Links[n])); err != nil {
				return fmt.Errorf("export: %w", err)
			}
		}
		if page.Next == nil {
			break
		}
		if page, err = e.exportNext(c, *page.Next, true); err != nil {
			return err
		}
	}
	if err := writer.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return out.Flush()
}

// exportNext reads a page. The first is linearizable, and a node never knows less than it did: those after it need no leader.
func (e *exportCalls) exportNext(c *call, after Place, local bool) (Page, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), e.timeout)
	defer cancel()
	// An export may go on for hours: whoever may have one no more gets no more of it.
	by, err := e.confirm(ctx, c.by, access.Admin, local)
	if err != nil {
		return Page{}, err
	}
	page, err := e.links.List(ctx, by, Listing{OldestFirst: true, After: after, Limit: exportPage, Examine: exportPage, Local: local})
	if err != nil {
		return Page{}, fmt.Errorf("export: %w", err)
	}
	return page, nil
}

// exportFormatOf reads the query of GET /export.
func exportFormatOf(c *call) (transfer.Format, string, error) {
	csv, err := either(c, formatParameter, string(transfer.NDJSON), string(transfer.CSV))
	if csv {
		return transfer.CSV, "text/csv; charset=utf-8", err
	}
	return transfer.NDJSON, v1.StreamType, err
}
