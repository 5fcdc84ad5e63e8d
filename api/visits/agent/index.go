package agent

// index finds which of many short texts are in a string, in one pass over it and in any mix of upper and lower case. It is never
// changed once it is made.
type index struct {
	// pairs has a bit for every two bytes some text begins with, of which the low five bits count: those tell letters apart, but
	// not their case. Most places in a string are done with by one look here.
	pairs [1 << low]uint32
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

// newIndex makes an index of texts, which are in lower case and at least two bytes long.
func newIndex(texts []string) (x index) {
	for place, text := range texts {
		a, b := text[0]%(1<<low), text[1]%(1<<low)
		x.pairs[a] |= 1 << b
		x.texts[a] = append(x.texts[a], entry{text, place})
	}
	return x
}

// first is the place of the foremost text that is in s.
func (x *index) first(s string) (place int, found bool) {
	for i := range len(s) - 1 {
		a, b := s[i]%(1<<low), s[i+1]%(1<<low)
		if x.pairs[a]>>b&1 == 0 {
			continue
		}
		for _, e := range x.texts[a] {
			if found && e.place >= place {
				break
			}
			if hasPrefix(s[i:], e.text) {
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
