package agent

// index finds which of many short texts are in a string, in one pass over it and in any mix of upper and lower case. It is never
// changed once it is made.
type index struct {
	// triples has a bit for every three bytes some text begins with, of which the low five bits count: those tell letters apart, but
	// not their case. Nearly every place in a string is done with by one look here.
	triples [1 << (3 * low) / 64]uint64
	// texts are those that begin with a byte of such low bits, in the order they were given in.
	texts [1 << low][]entry
}

// low is how many bits of a byte the index goes by.
const low = 5

// entry is a text in lower case, and its place in the order they were given in.
type entry struct {
	text  string
	place int
}

// newIndex makes an index of texts, which are in lower case and at least three bytes long.
func newIndex(texts []string) (x index) {
	for place, text := range texts {
		var triple uint
		for i := range 3 {
			triple = shift(triple, text[i])
		}
		x.triples[triple/64] |= 1 << (triple % 64)
		x.texts[text[0]%(1<<low)] = append(x.texts[text[0]%(1<<low)], entry{text, place})
	}
	return x
}

// shift is the triple after this one, which ends in c.
func shift(triple uint, c byte) uint { return triple<<low%(1<<(3*low)) | uint(c)%(1<<low) }

// first is the place of the foremost text that is in s.
func (x *index) first(s string) (place int, found bool) {
	var triple uint
	for i := range len(s) {
		triple = shift(triple, s[i])
		if x.triples[triple/64]>>(triple%64)&1 == 0 || i < 2 {
			continue
		}
		from := s[i-2:]
		for _, e := range x.texts[from[0]%(1<<low)] {
			if found && e.place >= place {
				break
			}
			if hasPrefix(from, e.text) {
				place, found = e.place, true
				break
			}
		}
	}
	return place, found
}

// begins reports whether s begins with one of the texts.
func (x *index) begins(s string) bool {
	if s == "" {
		return false
	}
	for _, e := range x.texts[s[0]%(1<<low)] {
		if hasPrefix(s, e.text) {
			return true
		}
	}
	return false
}

// hasPrefix reports whether s, were it in lower case, begins with text.
func hasPrefix(s, text string) bool {
	if len(s) < len(text) {
		return false
	}
	for i := range len(text) {
		if lower(s[i]) != text[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
