package transfer

// sqlKind is what a token of SQL is.
type sqlKind uint8

const (
	sqlMark sqlKind = iota // one byte that is none of the others
	sqlWord                // a bare word or number
	sqlName                // a name in backquotes or double quotes
	sqlText                // a text in quotes; what it says is not kept
)

// maxName is how much of a word or a name is kept, in bytes: no column or table has a longer name.
const maxName = 256

// sqlToken is one token.
type sqlToken struct {
	kind sqlKind
	// text is the mark, the word or the name, cut off after maxName bytes.
	text string
}

func (t sqlToken) is(mark string) bool { return t.kind == sqlMark && t.text == mark }

// sqlTokens takes SQL apart, in the dialect of MySQL's dumps.
type sqlTokens struct{ in *input }

// peek drops white space and comments and gives the byte after them, which stays. False: the stream has ended.
func (s *sqlTokens) peek() (byte, bool) {
	for {
		b, ok := s.in.skipSpace()
		if !ok {
			return 0, false
		}
		second, _ := s.in.at(1)
		switch {
		case b == '#', b == '-' && second == '-':
			s.skipTo('\n', 0)
		case b == '/' && second == '*':
			s.in.drop(2)
			s.skipTo('/', '*')
		default:
			return b, true
		}
	}
}

// skipTo drops everything up to and with a byte, and one before it if that is not 0.
func (s *sqlTokens) skipTo(last, before byte) {
	var previous byte
	for {
		b, ok := s.in.at(0)
		if !ok {
			return
		}
		s.in.drop(1)
		if b == last && (before == 0 || previous == before) {
			return
		}
		previous = b
	}
}

// next gives the next token. False: the stream has ended.
func (s *sqlTokens) next() (sqlToken, bool) {
	b, ok := s.peek()
	if !ok {
		return sqlToken{}, false
	}
	switch {
	case b == '`', b == '"':
		return sqlToken{kind: sqlName, text: s.quoted(b)}, true
	case b == '\'':
		s.quoted(b)
		return sqlToken{kind: sqlText}, true
	case wordByte(b):
		return sqlToken{kind: sqlWord, text: s.word()}, true
	}
	s.in.drop(1)
	return sqlToken{kind: sqlMark, text: string(rune(b))}, true
}

// quoted takes what stands in quotes.
func (s *sqlTokens) quoted(mark byte) string {
	s.in.drop(1)
	var text []byte
	backslash := false
	for {
		b, ok := s.in.at(0)
		if !ok {
			return string(text)
		}
		s.in.drop(1)
		switch {
		case backslash:
			backslash = false
		case b == '\\' && mark != '`':
			backslash = true
		case b == mark:
			return string(text)
		}
		if len(text) < maxName {
			text = append(text, b)
		}
	}
}

// word takes a bare word.
func (s *sqlTokens) word() string {
	var text []byte
	for {
		b, ok := s.in.at(0)
		if !ok || !wordByte(b) {
			return string(text)
		}
		s.in.drop(1)
		if len(text) < maxName {
			text = append(text, b)
		}
	}
}

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '_' || b == '$' || b == '@' || b >= 0x80
}
