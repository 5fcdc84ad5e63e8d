package api

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"tinyurl/fsm/link"
)

// finder looks for a text in links, whatever its case. It is for one goroutine.
type finder struct {
	wanted []byte // folded
	room   []byte // for the texts that are looked through
}

func newFinder(text string) *finder { return &finder{wanted: appendFolded(nil, text)} }

// finds reports whether the text is in a link's URL, title, code or one of its tags.
func (f *finder) finds(l link.Link) bool {
	// All tags at once: the text has no line break, so it is never found across two of them.
	return f.in(string(l.Target)) || f.in(l.Title) || f.in(string(l.Code)) || f.in(string(l.Tags))
}

func (f *finder) in(text string) bool {
	f.room = appendFolded(f.room[:0], text)
	return bytes.Contains(f.room, f.wanted)
}

// appendFolded appends a text with its letters in one case.
func appendFolded(buf []byte, text string) []byte {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			buf = append(buf, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		buf = utf8.AppendRune(buf, fold(r))
		i += size
	}
	return buf
}

// fold gives the least of the characters that differ in case alone. That of ASCII letters is the upper case one.
func fold(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
