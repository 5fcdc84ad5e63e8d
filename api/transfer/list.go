package transfer

import "io"

// listSource reads JSON documents that hold a list of rows: each document is the list itself, or an object with the list under
// a name. There may be several documents one after another, since the APIs give their lists in pages. Rows are cut out
// before they are parsed, so that a bad one does no harm to the next, and none is in memory with another.
type listSource struct {
	in *input
	// list is the name of the list where it is in an object; without it only a bare list will do.
	list   string
	decode func(text []byte) (Row, error)
	// open are the brackets that the place of reading is in, none between documents, two where the list is in an object.
	open []byte
	// found: the object has had its list.
	found bool
}

// next gives the next element of a list.
func (l *listSource) next() (Row, error) {
	for {
		b, ok := l.in.skipSpace()
		switch {
		case !ok && len(l.open) == 0 && l.in.failed() == nil:
			return Row{}, io.EOF
		case !ok:
			return Row{}, l.in.cutShort()
		case l.inList() && b != ']' && b != ',':
			return l.element()
		}
		if err := l.between(b); err != nil {
			return Row{}, err
		}
	}
}

func (l *listSource) inList() bool {
	return len(l.open) > 0 && l.open[len(l.open)-1] == '['
}

// between reads on by one mark, or one member of an object, where no row is. Commas too many or too few are of no concern.
func (l *listSource) between(b byte) error {
	object := len(l.open) > 0 && !l.inList()
	switch {
	case b == ',' && len(l.open) > 0:
	case b == ']' && l.inList():
		l.open = l.open[:len(l.open)-1]
	case b == '}' && object:
		if !l.found {
			return unreadable("it has no list of the name %q", l.list)
		}
		l.open = l.open[:0]
	case b == '"' && object:
		return l.member()
	case b == '[' && len(l.open) == 0:
		l.open = append(l.open, b)
	case b == '{' && len(l.open) == 0 && l.list != "":
		l.open, l.found = append(l.open, b), false
	default:
		return unreadable("it is not a list of links in JSON")
	}
	l.in.drop(1)
	return nil
}

// member reads a name and, unless it is that of the list, past its value.
func (l *listSource) member() error {
	name, err := l.value()
	if err != nil {
		return err
	}
	isList := string(name) == `"`+l.list+`"`
	if b, _ := l.in.skipSpace(); b != ':' {
		return unreadable("it is not JSON")
	}
	l.in.drop(1)
	b, ok := l.in.skipSpace()
	switch {
	case !ok:
		return l.in.cutShort()
	case isList && b == '[':
		l.found, l.open = true, append(l.open, b)
		l.in.drop(1)
		return nil
	case b == '}' || b == ']' || b == ',':
		return unreadable("it is not JSON")
	}
	_, err = l.value()
	return err
}

// element makes a row of the next element.
func (l *listSource) element() (Row, error) {
	text, err := l.value()
	if err != nil {
		return Row{}, err
	}
	if text == nil {
		return Row{}, tooLong
	}
	return l.decode(text)
}

// value takes the JSON value at the front. It is nil if it is too long, and lasts until the input is read again.
func (l *listSource) value() ([]byte, error) {
	var cut jsonScan
	found := l.in.scan(cut.judge)
	if found.end == more {
		return nil, l.in.cutShort()
	}
	if found.end == broken {
		return nil, unreadable("it is not JSON")
	}
	l.in.drop(len(found.text))
	return found.text, nil
}

// jsonScan finds the end of a value by its brackets and quotes alone: whether it is JSON is for the parser.
type jsonScan struct {
	depth             int
	quoted, backslash bool
}

func (s *jsonScan) judge(b byte, place int) verdict {
	if s.quoted {
		return s.text(b)
	}
	switch b {
	case '"':
		if place > 0 && s.depth == 0 {
			return broken
		}
		s.quoted = true
	case '{', '[':
		s.depth++
	case '}', ']':
		if s.depth == 0 {
			return s.ended(place)
		}
		if s.depth--; s.depth == 0 {
			return endAfter
		}
	case ',', ' ', '\t', '\r', '\n', ':':
		if s.depth == 0 {
			return s.ended(place)
		}
	}
	return more
}

// ended is for a byte that ends a number or a word. A value cannot be empty, or reading would not get on.
func (s *jsonScan) ended(place int) verdict {
	if place == 0 {
		return broken
	}
	return endBefore
}

func (s *jsonScan) text(b byte) verdict {
	switch {
	case s.backslash:
		s.backslash = false
	case b == '\\':
		s.backslash = true
	case b == '"':
		s.quoted = false
		if s.depth == 0 {
			return endAfter
		}
	}
	return more
}
