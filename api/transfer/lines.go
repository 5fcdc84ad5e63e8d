package transfer

import "bytes"

// lineSource reads files of one JSON object a line.
type lineSource struct {
	in     *input
	decode func(text []byte) (Row, error)
}

// next gives the row of the next line that is not empty.
func (l *lineSource) next() (Row, error) {
	for {
		text, err := l.in.line()
		if err != nil {
			return Row{}, err
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return l.decode(text)
		}
	}
}
