package link

import "strings"

// Words is the set of words that codes and slugs must not be, as one cluster version knows it. Every replica uses the set
// of the replicated cluster version, never its own newest: otherwise two versions of the program would skip different ids.
// The zero Words holds none.
type Words struct {
	list *wordList
}

// WordsFor gives the words of a cluster version. Versions below the first have the first one's words.
func WordsFor(clusterVersion uint32) Words {
	_ = clusterVersion // one list so far; a changed list is a new file, chosen here, and the old one stays
	return Words{list: words1}
}

// Reserved reports whether the service needs c for itself, whatever its case. Slugs and generated codes must not be it.
func (w Words) Reserved(c Code) bool {
	if w.list == nil || len(c) > MaxSlug {
		return false
	}
	var buf [MaxSlug]byte
	low := lower(buf[:0], c)
	return w.list.reserved[string(low)] || strings.HasSuffix(string(low), reservedSuffix)
}

// Offensive reports whether c holds a word that people would not like to find in a link made for them: in any case, and
// with the usual digits for letters. Only generated codes are asked; what people choose is their own affair.
func (w Words) Offensive(c Code) bool {
	if w.list == nil || len(c) > MaxSlug {
		return false
	}
	var buf [MaxSlug]byte
	text := buf[:len(c)]
	for i := range len(c) {
		text[i] = folded[c[i]]
	}
	for i := 0; i+shortest <= len(text); i++ {
		begins := beginning(text[i:])
		if w.list.begins[begins/64]>>(begins%64)&1 == 0 {
			continue // as almost everywhere: one place in thirty has a word that begins like it
		}
		for _, word := range w.list.offensive[text[i]-'a'] {
			if len(word) <= len(text)-i && string(text[i:i+len(word)]) == word {
				return true
			}
		}
	}
	return false
}

// reservedSuffix ends the paths of other shorteners' scripts.
const reservedSuffix = ".php"

const (
	// shortest is the length of the shortest offensive word there may be: that many letters decide whether words are compared.
	shortest = 3
	// letters are what a beginning is made of: a to z, and all else in one.
	letters    = 27
	beginnings = letters * letters * letters
)

// wordList is immutable once made.
type wordList struct {
	reserved  map[string]bool
	offensive [26][]string                   // folded, by first letter; none is shorter than shortest
	begins    [(beginnings + 63) / 64]uint64 // a bit for each beginning that an offensive word has
}

func newWordList(reserved, offensive string) *wordList {
	l := &wordList{reserved: make(map[string]bool)}
	for _, word := range strings.Fields(reserved) {
		l.reserved[word] = true
	}
	for _, word := range strings.Fields(offensive) {
		text := []byte(word)
		for i, c := range text {
			text[i] = folded[c]
		}
		first := text[0] - 'a'
		l.offensive[first] = append(l.offensive[first], string(text))
		begins := beginning(text)
		l.begins[begins/64] |= 1 << (begins % 64)
	}
	return l
}

// beginning numbers the first three characters of folded text.
func beginning(text []byte) (n uint) {
	for _, c := range text[:shortest] {
		n *= letters
		if 'a' <= c && c <= 'z' {
			n += uint(c-'a') + 1
		}
	}
	return n
}

// folded is fold as a table.
var folded = func() (table [256]byte) {
	for c := range table {
		table[c] = fold(byte(c))
	}
	return table
}()

// fold maps the characters that people read as one letter to that letter. i, l and 1 are one letter here: which of them a
// 1 stands for cannot be known, and a code skipped in vain costs nothing.
func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	switch c {
	case '0':
		return 'o'
	case '1', 'l':
		return 'i'
	case '2':
		return 'z'
	case '3':
		return 'e'
	case '4':
		return 'a'
	case '5':
		return 's'
	case '6', '9':
		return 'g'
	case '7':
		return 't'
	case '8':
		return 'b'
	}
	return c
}

// lower appends c to buf in lower case.
func lower(buf []byte, c Code) []byte {
	for i := range len(c) {
		b := c[i]
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		buf = append(buf, b)
	}
	return buf
}
