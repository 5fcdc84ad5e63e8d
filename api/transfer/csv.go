package transfer

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	badQuotes = fault("a quote is not closed, or stands where it must be doubled")
	quote     = '"'
)

// csvSource reads rows of cells between commas or semicolons, as RFC 4180 has them: cells in quotes may hold separators, line
// breaks and doubled quotes.
type csvSource struct {
	in        *input
	separator byte
	columns   columns
	// ranOver is how far, in bytes of the file, scans went whose quotes made no sense. Up to there a line break ends every quote: else each
	// line would run over all those after it again.
	ranOver int64
}

// newCSV reads the header.
func newCSV(in *input) (*csvSource, error) {
	c := &csvSource{in: in, separator: separatorOf(in.head())}
	header, err := c.filled()
	var bad fault
	switch {
	case errors.Is(err, io.EOF):
		return c, nil // an empty file has no rows, and needs no header
	case errors.As(err, &bad):
		return nil, unreadable("its header: %s", bad)
	case err != nil:
		return nil, err
	}
	c.columns, err = newColumns(header)
	return c, err
}

// separatorOf gives the separator that the first line holds more of, quotes aside.
func separatorOf(head []byte) byte {
	balance, quoted := 0, false
	for _, b := range bytes.TrimLeft(head, "\r\n") {
		switch {
		case b == quote:
			quoted = !quoted
		case quoted:
		case b == ';':
			balance++
		case b == ',':
			balance--
		}
		if b == '\n' && !quoted {
			break
		}
	}
	if balance > 0 {
		return ';'
	}
	return ','
}

func (c *csvSource) next() (Row, error) {
	cells, err := c.filled()
	if err != nil {
		return Row{}, err
	}
	return c.columns.row(cells)
}

// filled gives the cells of the next row that is not empty: spreadsheets write many that are.
func (c *csvSource) filled() ([]string, error) {
	for {
		cells, err := c.cells()
		if err != nil || !allEmpty(cells) {
			return cells, err
		}
	}
}

// cells takes a row apart. io.EOF: there is none.
func (c *csvSource) cells() ([]string, error) {
	cut := csvScan{separator: c.separator, strict: c.ranOver - c.in.gone}
	found := c.in.scan(cut.judge)
	if err := c.in.ended(found); err != nil {
		return nil, err
	}
	switch {
	case found.tooLong:
		if found.end == broken && !cut.lines {
			c.dropLine(nil)
		}
		return nil, tooLong
	case found.end == broken, found.end == more && cut.state == inQuotes:
		c.ranOver = max(c.ranOver, c.in.gone+int64(len(found.text)))
		c.dropLine(found.text)
		return nil, badQuotes
	}
	cells := c.split(found.text)
	c.in.drop(len(found.text))
	return cells, nil
}

// dropLine drops the first line of a row whose quotes make no sense, so that no more than this line is lost to it.
func (c *csvSource) dropLine(text []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		c.in.drop(i + 1)
		return
	}
	// The line goes on beyond what was looked at.
	if rest := c.in.scan(lineEnd); !rest.tooLong {
		c.in.drop(len(rest.text))
	}
}

// split gives the cells of a row whose quotes are in order.
func (c *csvSource) split(text []byte) []string {
	text = bytes.TrimSuffix(text, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	cells := make([]string, 0, c.columns.count+1)
	for {
		var cell string
		if len(text) > 0 && text[0] == quote {
			end := closing(text)
			cell = strings.ReplaceAll(string(text[1:end]), `""`, `"`)
			text = text[end+1:]
		} else {
			end := bytes.IndexByte(text, c.separator)
			if end < 0 {
				end = len(text)
			}
			cell, text = string(text[:end]), text[end:]
		}
		if len(cells) <= maxColumns {
			cells = append(cells, cell)
		}
		if len(text) == 0 {
			return cells
		}
		text = text[1:] // the separator
	}
}

// closing gives the place of the quote that closes the one at the front.
func closing(text []byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] != quote {
			continue
		}
		if i+1 == len(text) || text[i+1] != quote {
			return i
		}
		i++
	}
	return len(text) - 1
}

// csvState is where in a row a scan is.
type csvState uint8

const (
	cellStart csvState = iota
	inCell
	inQuotes
	afterQuote // a quote in quotes was seen: it closes the cell, or is the first of two
	afterReturn
)

// csvScan finds the end of a row.
type csvScan struct {
	separator byte
	state     csvState
	// strict is how many bytes from the front must have no line break in quotes.
	strict int64
	// lines: a line break stands in quotes.
	lines bool
}

// judge is the scan. A row with line breaks in quotes that is too long is given up: an unclosed quote is the likelier reason than so long a
// text, and would swallow the rest of the file.
func (s *csvScan) judge(b byte, place int) verdict {
	said := s.step(b, place)
	if said == more && s.lines && place >= MaxRow-1 {
		return broken
	}
	return said
}

func (s *csvScan) step(b byte, place int) verdict {
	switch s.state {
	case inQuotes:
		return s.quoted(b, place)
	case afterQuote:
		return s.closed(b)
	case afterReturn:
		if b != '\n' {
			return broken
		}
		return endAfter
	default:
		return s.plain(b)
	}
}

func (s *csvScan) quoted(b byte, place int) verdict {
	switch b {
	case '\n':
		s.lines = true
		if int64(place) < s.strict {
			return broken
		}
	case quote:
		s.state = afterQuote
	}
	return more
}

func (s *csvScan) closed(b byte) verdict {
	switch b {
	case quote:
		s.state = inQuotes
	case s.separator:
		s.state = cellStart
	case '\r':
		s.state = afterReturn
	case '\n':
		return endAfter
	default:
		return broken
	}
	return more
}

func (s *csvScan) plain(b byte) verdict {
	switch {
	case b == '\n':
		return endAfter
	case b == s.separator:
		s.state = cellStart
	case b == quote && s.state == cellStart:
		s.state = inQuotes
	default:
		s.state = inCell
	}
	return more
}
