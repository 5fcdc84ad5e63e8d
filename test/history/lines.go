package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Limits of a history in writing. What is over them is neither written nor read.
const (
	// MaxLine is the longest line, in bytes. The longest is the Final of a run with many links.
	MaxLine = 256 << 20
	// MaxRecords is how many lines there are at most.
	MaxRecords = 16 << 20
)

// format is the number of the form that Write writes; Read takes no other.
const format = 1

// ErrMalformed is what is wrong with a history that cannot be read; the text says where and what.
var ErrMalformed = errors.New("malformed history")

// Types of lines. The first line is the run's head and the last one counts the records before it, so that a file that was cut
// off is not judged as the good run it begins with.
const (
	lineRun       = "run"
	lineOperation = "operation"
	lineFault     = "fault"
	lineEntry     = "entry"
	lineFinal     = "final"
	lineEnd       = "end"
)

type runLine struct {
	Type   string `json:"type"`
	Format int    `json:"format"`
	Run
}

type operationLine struct {
	Type string `json:"type"`
	Operation
}

type faultLine struct {
	Type string `json:"type"`
	Fault
}

type entryLine struct {
	Type string `json:"type"`
	Entry
}

type finalLine struct {
	Type string `json:"type"`
	Final
}

type endLine struct {
	Type    string `json:"type"`
	Records int    `json:"records"`
}

// Write writes a history as JSON lines: the run, its operations, faults, entries and finals, and how many records those were.
// Strings that are not UTF-8 do not survive it. A history that Check refuses is not written.
func Write(w io.Writer, h History) error {
	if err := h.Check(); err != nil {
		return err
	}
	lw := newLineWriter(w)
	lw.write(runLine{Type: lineRun, Format: format, Run: h.Run})
	for i := range h.Operations {
		lw.write(operationLine{Type: lineOperation, Operation: h.Operations[i]})
	}
	for i := range h.Faults {
		lw.write(faultLine{Type: lineFault, Fault: h.Faults[i]})
	}
	for i := range h.Entries {
		lw.write(entryLine{Type: lineEntry, Entry: h.Entries[i]})
	}
	for i := range h.Finals {
		lw.write(finalLine{Type: lineFinal, Final: h.Finals[i]})
	}
	lw.write(endLine{Type: lineEnd, Records: lw.records})
	return lw.close()
}

// lineWriter writes values as lines and keeps the first error.
type lineWriter struct {
	out     *bufio.Writer
	line    bytes.Buffer
	encoder *json.Encoder
	records int
	err     error
}

func newLineWriter(w io.Writer) *lineWriter {
	lw := &lineWriter{out: bufio.NewWriterSize(w, 1<<16)}
	lw.encoder = json.NewEncoder(&lw.line)
	lw.encoder.SetEscapeHTML(false) // targets stay readable: they are full of &
	return lw
}

func (lw *lineWriter) write(v any) {
	if lw.err != nil {
		return
	}
	if lw.records >= MaxRecords {
		lw.err = fmt.Errorf("%w: more than %d records", ErrMalformed, MaxRecords)
		return
	}
	lw.line.Reset()
	if lw.err = lw.encoder.Encode(v); lw.err != nil {
		lw.err = fmt.Errorf("record %d: %w", lw.records+1, lw.err)
		return
	}
	if lw.line.Len() > MaxLine {
		lw.err = fmt.Errorf("%w: record %d has %d bytes, more than %d", ErrMalformed, lw.records+1, lw.line.Len(), MaxLine)
		return
	}
	lw.records++
	if _, err := lw.out.Write(lw.line.Bytes()); err != nil {
		lw.err = fmt.Errorf("write history: %w", err)
	}
}

func (lw *lineWriter) close() error {
	if lw.err != nil {
		return lw.err
	}
	if err := lw.out.Flush(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// Read reads what Write wrote. It is strict: a line too many or too few, an unknown field or word, a stamp given twice make
// the whole history unreadable (ErrMalformed), since a history half understood would be judged wrongly.
func Read(r io.Reader) (History, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	var h History
	for records := 0; ; records++ {
		line, err := readLine(in)
		if err != nil {
			return History{}, fmt.Errorf("line %d: %w", records+1, err)
		}
		end, err := h.read(line, records)
		if err != nil {
			return History{}, fmt.Errorf("%w: line %d: %w", ErrMalformed, records+1, err)
		}
		if !end {
			continue
		}
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			return History{}, fmt.Errorf("%w: line %d: something follows the end", ErrMalformed, records+2)
		}
		sortByCall(h.Operations)
		return h, h.Check()
	}
}

// readLine reads one whole line without its end.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxLine)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: the history was cut off", ErrMalformed)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("read history: %w", err)
		}
	}
}

// read takes in one line; records is how many came before it. It reports whether the line was the last one.
func (h *History) read(line []byte, records int) (end bool, err error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return false, err
	}
	if (head.Type == lineRun) != (records == 0) {
		return false, fmt.Errorf("a record of type %q does not belong here", head.Type)
	}
	if records >= MaxRecords {
		return false, fmt.Errorf("more than %d records", MaxRecords)
	}
	switch head.Type {
	case lineRun:
		l := runLine{}
		if err := strictly(line, &l); err != nil {
			return false, err
		}
		if l.Format != format {
			return false, fmt.Errorf("format %d, this program reads %d", l.Format, format)
		}
		h.Run = l.Run
	case lineOperation:
		return false, add(line, &h.Operations, func(l *operationLine) Operation { return l.Operation })
	case lineFault:
		return false, add(line, &h.Faults, func(l *faultLine) Fault { return l.Fault })
	case lineEntry:
		return false, add(line, &h.Entries, func(l *entryLine) Entry { return l.Entry })
	case lineFinal:
		return false, add(line, &h.Finals, func(l *finalLine) Final { return l.Final })
	case lineEnd:
		l := endLine{}
		if err := strictly(line, &l); err != nil {
			return false, err
		}
		if l.Records != records {
			return false, fmt.Errorf("%d records were written, %d are here", l.Records, records)
		}
		return true, nil
	default:
		return false, fmt.Errorf("unknown type %q", head.Type)
	}
	return false, nil
}

// add reads a line of type L and appends the record in it.
func add[L, R any](line []byte, to *[]R, record func(*L) R) error {
	var l L
	if err := strictly(line, &l); err != nil {
		return err
	}
	*to = append(*to, record(&l))
	return nil
}

// strictly decodes one JSON object, refusing unknown fields. That nothing follows it was seen when its type was read.
func strictly(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func sortByCall(operations []Operation) {
	slices.SortStableFunc(operations, func(a, b Operation) int {
		switch {
		case a.Call < b.Call:
			return -1
		case a.Call > b.Call:
			return 1
		}
		return 0
	})
}
