package transfer

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Writer writes the rows of a file. It is for one goroutine, and does not buffer more than a row or 4 KiB.
type Writer struct {
	base  string
	json  *json.Encoder
	cells *csv.Writer
	// headed: the names of the columns are written.
	headed bool
}

// NewWriter makes a writer of NDJSON, which loses nothing, or of CSV, which leaves out the hashes of passwords and takes a tag
// with a "|" for two. base is what stands before the codes in the shortUrl, without a slash at its end. Other formats are an
// error.
func NewWriter(w io.Writer, format Format, base string) (*Writer, error) {
	switch format {
	case NDJSON:
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		return &Writer{base: base, json: encoder}, nil
	case CSV:
		return &Writer{base: base, cells: csv.NewWriter(w)}, nil
	}
	return nil, fmt.Errorf("links are not exported as %.32q", string(format))
}

// Write writes a row. Its number is not written: rows are counted by where they stand.
func (w *Writer) Write(row Row) error {
	if w.json != nil {
		return w.json.Encode(ownOf(&row, w.base))
	}
	if err := w.head(); err != nil {
		return err
	}
	cells := make([]string, len(ownColumns))
	for i, column := range ownColumns {
		cells[i] = column.cell(&row, w.base)
	}
	return w.cells.Write(cells)
}

// Flush writes what is buffered. It must follow the last row; a CSV of no rows gets its header here.
func (w *Writer) Flush() error {
	if w.json != nil {
		return nil
	}
	if err := w.head(); err != nil {
		return err
	}
	w.cells.Flush()
	return w.cells.Error()
}

// head writes the names of the columns, once.
func (w *Writer) head() error {
	if w.headed {
		return nil
	}
	w.headed = true
	cells := make([]string, len(ownColumns))
	for i, column := range ownColumns {
		cells[i] = column.name
	}
	return w.cells.Write(cells)
}

// ownColumns are the columns of our CSV. Their names, folded, are among names, shortUrl behind the stronger shortCode.
var ownColumns = []struct {
	name string
	cell func(row *Row, base string) string
}{
	{"shortCode", func(row *Row, _ string) string { return row.ShortCode }},
	{"shortUrl", func(row *Row, base string) string { return shortURL(base, row.ShortCode) }},
	{"longUrl", func(row *Row, _ string) string { return row.LongURL }},
	{"title", func(row *Row, _ string) string { return row.Title }},
	{"tags", func(row *Row, _ string) string { return joinTags(row.Tags) }},
	{"owner", func(row *Row, _ string) string { return row.Owner }},
	{"createdAt", func(row *Row, _ string) string { return timeCell(row.CreatedAt) }},
	{"updatedAt", func(row *Row, _ string) string { return timeCell(row.UpdatedAt) }},
	{"validSince", func(row *Row, _ string) string { return timeCell(row.ValidSince) }},
	{"validUntil", func(row *Row, _ string) string { return timeCell(row.ValidUntil) }},
	{"maxVisits", func(row *Row, _ string) string { return strings.TrimPrefix(countCell(row.MaxVisits), "0") }},
	{"redirectStatus", func(row *Row, _ string) string { return strconv.Itoa(row.Redirect.Status()) }},
	{"forwardQuery", func(row *Row, _ string) string { return strconv.FormatBool(!row.DropQuery) }},
	{"enabled", func(row *Row, _ string) string { return strconv.FormatBool(!row.Disabled) }},
	{"hasPassword", func(row *Row, _ string) string { return strconv.FormatBool(row.PasswordHash != "") }},
	{"visits", func(row *Row, _ string) string { return countCell(row.Visits) }},
	{"botVisits", func(row *Row, _ string) string { return countCell(row.BotVisits) }},
	{"version", func(row *Row, _ string) string { return countCell(row.Version) }},
}

func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampLayout)
}

func countCell(n uint64) string { return strconv.FormatUint(n, 10) }
