package transfer

import (
	"io"
	"slices"
	"strings"
)

// yourlsColumns are the columns of the table, for dumps that do not tell them.
var yourlsColumns = []string{"keyword", "url", "title", "timestamp", "ip", "clicks"}

// sqlSource reads the INSERTs of a dump into the table …url. Everything else in it is read past.
type sqlSource struct {
	tokens sqlTokens
	// created are the columns of CREATE TABLE.
	created []string
	columns columns
	// inRows: the place of reading is among the rows of an INSERT; due: one more must follow.
	inRows, due bool
	// found: the dump has the table.
	found bool
}

// next gives the next row of values.
func (s *sqlSource) next() (Row, error) {
	for {
		b, ok := s.tokens.peek()
		switch {
		case !ok:
			return Row{}, s.end()
		case !s.inRows:
			if err := s.statement(); err != nil {
				return Row{}, err
			}
		case b == '(':
			s.due = false
			return s.row()
		case b == ',':
			s.due = true
			s.tokens.in.drop(1)
		default:
			s.inRows = false
			s.skip()
		}
	}
}

// end is the error at the end of the stream.
func (s *sqlSource) end() error {
	switch {
	case s.tokens.in.failed() != nil || s.inRows && s.due:
		return s.tokens.in.cutShort()
	case !s.found:
		return unreadable("it has no table whose name ends in url")
	}
	return io.EOF
}

// statement reads a statement up to its rows, if it has rows of the table, and else to its end.
func (s *sqlSource) statement() error {
	token, _ := s.tokens.next()
	switch strings.ToUpper(token.text) {
	case "INSERT", "REPLACE":
		return s.insert()
	case "CREATE":
		return s.create()
	case ";":
		return nil
	}
	s.skip()
	return nil
}

// skip reads past the end of the statement.
func (s *sqlSource) skip() {
	for {
		token, ok := s.tokens.next()
		if !ok || token.is(";") {
			return
		}
	}
}

// table reads up to the name of a table and the token after it. False: the statement or the stream ended.
func (s *sqlSource) table() (name string, after sqlToken, found bool) {
	noise := []string{"INTO", "IGNORE", "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "TABLE", "IF", "NOT", "EXISTS", "TEMPORARY"}
	for {
		token, ok := s.tokens.next()
		switch {
		case !ok || token.is(";"):
			return "", token, false
		case token.kind == sqlWord && slices.Contains(noise, strings.ToUpper(token.text)):
		case token.kind == sqlWord || token.kind == sqlName:
			after, ok = s.tokens.next()
			if !ok || !after.is(".") {
				return token.text, after, ok && !after.is(";")
			}
			// What was read is the database: the name of the table follows.
		default:
			s.skip()
			return "", token, false
		}
	}
}

// isLinks reports whether a table is the one of the links.
func isLinks(table string) bool {
	return strings.HasSuffix(strings.ToLower(table), "url")
}

// insert reads up to the rows.
func (s *sqlSource) insert() error {
	name, token, ok := s.table()
	if !ok {
		return nil
	}
	if !isLinks(name) {
		s.skip()
		return nil
	}
	header := s.created
	if token.is("(") {
		header = s.list(func(sqlToken) bool { return true })
		token, ok = s.tokens.next()
	}
	if !ok || token.kind != sqlWord || !strings.HasPrefix(strings.ToUpper(token.text), "VALUE") {
		return unreadable("an INSERT into %.64q has no VALUES", name)
	}
	if len(header) == 0 {
		header = yourlsColumns
	}
	columns, err := newColumns(header)
	s.columns, s.inRows, s.due, s.found = columns, true, true, true
	return err
}

// create reads the names of the table's columns.
func (s *sqlSource) create() error {
	name, token, ok := s.table()
	if !ok {
		return nil
	}
	if isLinks(name) && token.is("(") {
		s.found = true
		s.created = s.list(isColumn)
	}
	s.skip()
	return nil
}

// isColumn reports whether a part of CREATE TABLE is a column, by its first token: keys and the like begin with a bare word.
func isColumn(token sqlToken) bool {
	others := []string{"PRIMARY", "UNIQUE", "KEY", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK"}
	return token.kind == sqlName || token.kind == sqlWord && !slices.Contains(others, strings.ToUpper(token.text))
}

// list gives the first tokens of the parts between the commas of a list in brackets, those that are wanted, up to one more
// than any file may have. The opening bracket is read already.
func (s *sqlSource) list(wanted func(sqlToken) bool) []string {
	var first []string
	start := true
	for depth := 1; depth > 0; {
		token, ok := s.tokens.next()
		switch {
		case !ok:
			return first
		case token.is("("):
			depth++
		case token.is(")"):
			depth--
		case token.is(",") && depth == 1:
			start = true
			continue
		}
		if start && depth == 1 && wanted(token) && len(first) <= maxColumns {
			first = append(first, token.text)
		}
		start = false
	}
	return first
}

// row makes a row of the values in brackets at the front.
func (s *sqlSource) row() (Row, error) {
	var cut sqlScan
	found := s.tokens.in.scan(cut.judge)
	switch {
	case found.end == more:
		return Row{}, s.tokens.in.cutShort()
	case found.tooLong:
		return Row{}, tooLong
	}
	values, err := sqlValues(found.text)
	s.tokens.in.drop(len(found.text))
	if err != nil {
		return Row{}, err
	}
	return s.columns.row(values)
}

// sqlScan finds the closing bracket.
type sqlScan struct {
	depth     int
	quote     byte // the one that a text is in, or 0
	backslash bool
}

func (s *sqlScan) judge(b byte, _ int) verdict {
	switch {
	case s.backslash:
		s.backslash = false
	case s.quote != 0 && b == '\\':
		s.backslash = true
	case s.quote != 0:
		if b == s.quote {
			s.quote = 0 // a doubled quote opens again at once
		}
	case b == '\'' || b == '"':
		s.quote = b
	case b == '(':
		s.depth++
	case b == ')':
		if s.depth--; s.depth == 0 {
			return endAfter
		}
	}
	return more
}
