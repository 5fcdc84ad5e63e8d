package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tinyurl/api/transfer"
)

// bad reports whether an error is that of one row.
func bad(err error) bool {
	var row *transfer.RowError
	return errors.As(err, &row)
}

// fuzz reads anything as each of some formats: no panic, an end, numbers that ascend by one, and the same rows whatever
// pieces the stream comes in.
func fuzz(f *testing.F, formats ...transfer.Format) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range formats {
			whole := readAll(t, bytes.NewReader(data), format)
			if rows := len(whole.Rows) + len(whole.Faults); rows > len(data) {
				t.Fatalf("%s: %d rows of %d bytes", format, rows, len(data))
			}
			if whole.Err != nil && !errors.Is(whole.Err, transfer.ErrUnreadable) {
				t.Fatalf("%s: %v", format, whole.Err)
			}
			pieces := readAll(t, iotest.HalfReader(bytes.NewReader(data)), format)
			if diff := cmp.Diff(text(whole), text(pieces)); diff != "" {
				t.Fatalf("%s in pieces: %s", format, diff)
			}
			written(t, whole.Rows)
		}
	})
}

// text makes outcomes comparable.
func text(o outcome) outcome {
	if o.Err != nil {
		o.Faults, o.Err = map[int64]string{0: o.Err.Error()}, nil
	}
	return o
}

// written checks that NDJSON holds whatever rows a reader gave. Codes with slashes and colons are left out: of what is in
// front of those, every reading takes a host for another's.
func written(t *testing.T, rows []transfer.Row) {
	rows = slices.DeleteFunc(rows, func(row transfer.Row) bool { return strings.ContainsAny(row.ShortCode, "/:") })
	for i := range rows {
		if len(rows[i].Tags) == 0 {
			rows[i].Tags = nil
		}
	}
	again := readAll(t, bytes.NewReader(export(t, transfer.NDJSON, rows)), transfer.NDJSON)
	if again.Err != nil && !errors.Is(again.Err, io.EOF) || len(again.Faults) > 0 || !cmp.Equal(rows, again.Rows, cmpopts.EquateEmpty()) {
		t.Fatalf("written and read: %s\n%+v", cmp.Diff(rows, again.Rows), again)
	}
}

func FuzzReaderAuto(f *testing.F) { fuzz(f, transfer.Auto) }

func FuzzReaderCSV(f *testing.F) { fuzz(f, transfer.CSV) }

func FuzzReaderSQL(f *testing.F) { fuzz(f, transfer.YOURLS) }

func FuzzReaderLines(f *testing.F) { fuzz(f, transfer.NDJSON, transfer.Golink) }

func FuzzReaderLists(f *testing.F) { fuzz(f, transfer.Kutt, transfer.Bitly, transfer.Chhoto) }
