package transfer

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"tinyurl/fsm/link"
)

// Reader gives the rows of a file, in their order. It is for one goroutine.
type Reader struct {
	format Format
	source source
	// number is that of the last row.
	number int64
	// err is what ended the file; nil until it did.
	err error
}

// source takes a file of one kind apart.
type source interface {
	// next gives the next row, without its number. A fault is a bad row, io.EOF the end, and any other error ends the file.
	next() (Row, error)
}

// NewReader looks at the first 64 KiB of a file. An ErrUnreadable: it is not of the format, or of none that is known. Other
// errors are those of the stream.
func NewReader(r io.Reader, format Format) (*Reader, error) {
	if _, err := ParseFormat(string(format)); err != nil {
		return nil, err
	}
	in := newInput(r)
	head := in.head()
	if err := in.failed(); err != nil {
		return nil, err
	}
	if bom := []byte("\ufeff"); bytes.HasPrefix(head, bom) {
		in.drop(len(bom))
		head = in.head()
	}
	if err := checkPlain(head); err != nil {
		return nil, err
	}
	kind := familyOf(head)
	if format == Auto || format == "" {
		format = detect(head, kind)
	}
	source, err := open(in, format, kind)
	if err != nil {
		return nil, err
	}
	return &Reader{format: format, source: source}, nil
}

// checkPlain refuses the two kinds of files that people take for plain text most often, with a word on what to do.
func checkPlain(head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unreadable("it is UTF-16 text; save it as UTF-8")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unreadable("it is compressed; unpack it first")
	}
	return nil
}

// open gives the source for a format. Services that have a CSV export besides are read as either.
func open(in *input, format Format, kind family) (source, error) {
	switch {
	case format == NDJSON:
		return &lineSource{in: in, decode: decodeOwn}, nil
	case format == Golink:
		return &lineSource{in: in, decode: decodeGolink}, nil
	case format == YOURLS && kind == sqlFamily:
		return &sqlSource{tokens: sqlTokens{in: in}}, nil
	case format == Kutt && kind == jsonFamily:
		return &listSource{in: in, list: "data", decode: decodeKutt}, nil
	case format == Bitly && kind == jsonFamily:
		return &listSource{in: in, list: "links", decode: decodeBitly}, nil
	case format == Chhoto && kind == jsonFamily:
		return &listSource{in: in, decode: decodeChhoto}, nil
	}
	return newCSV(in)
}

// Format is the format of the file: the one that was asked for, or the one that was found.
func (r *Reader) Format() Format { return r.format }

// Next gives the next row. A *RowError is one bad row: the next call goes on after it. io.EOF is the end of the file. Any
// other error ended the reading, and every later call gives it again: ErrUnreadable, or what the stream gave.
func (r *Reader) Next() (Row, error) {
	if r.err != nil {
		return Row{}, r.err
	}
	row, err := r.source.next()
	var bad fault
	if err != nil && !errors.As(err, &bad) {
		r.err = err
		return Row{}, err
	}
	r.number++
	if err == nil {
		err = check(&row)
	}
	if errors.As(err, &bad) {
		return Row{}, &RowError{Number: r.number, Reason: string(bad)}
	}
	row.Number = r.number
	return row, nil
}

// check refuses rows that no format can mean.
func check(row *Row) error {
	switch {
	case row.LongURL == "":
		return noLongURL
	case row.Visits > link.MaxVisitLimit:
		return fault("the row has more visits than can be counted")
	case row.BotVisits > row.Visits:
		return fault("the row has more visits of bots than visits")
	}
	for _, text := range [...]string{row.ShortCode, row.LongURL, row.Title, row.Owner, row.PasswordHash} {
		if !utf8.ValidString(text) {
			return notUTF8
		}
	}
	for _, tag := range row.Tags {
		if !utf8.ValidString(tag) {
			return notUTF8
		}
	}
	return nil
}
