package link

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestTagsAreSortedAndNoneTwice(t *testing.T) {
	for want, words := range map[Tags][]string{
		"":           nil,
		"a":          {"a", "a", "a"},
		"A\na\nb c":  {"b c", "a", "A"},
		"1\n10\n2":   {"2", "10", "1", "2"},
		"#x\nx,y\nä": {"ä", "x,y", "#x"},
	} {
		before := slices.Clone(words)
		got, err := ParseTags(words)
		if err != nil || got != want || !slices.Equal(words, before) {
			t.Errorf("%q: %q, %v; want %q", before, got, err, want)
		}
		if !got.valid() {
			t.Errorf("%q is not valid", got)
		}
		for _, word := range words {
			if !got.Has(word) {
				t.Errorf("%q has no %q", got, word)
			}
		}
	}
	if Tags("ab\nc").Has("a") || Tags("ab\nc").Has("") || Tags("").Has("") || Tags("a\nb").Has("a\nb") {
		t.Error("a part is taken for a tag")
	}
}

func TestTagsThatCannotBeTaken(t *testing.T) {
	many := make([]string, MaxTags+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	long := strings.Repeat("x", MaxTag)
	for name, words := range map[string][]string{
		"empty": {"a", ""}, "too long": {long + "x"}, "space before": {" a"}, "space behind": {"a\u00a0"}, "only space": {"\u2003"},
		"line": {"a\nb"}, "tab": {"a\tb"}, "zero": {"a\x00b"}, "delete": {"\x7f"}, "C1": {"a\u0085b"}, "not UTF-8": {"\xff"}, "too many": many,
	} {
		if got, err := ParseTags(words); !errors.Is(err, ErrInvalidField) || got != "" {
			t.Errorf("%s: %q, %v; want ErrInvalidField", name, got, err)
		}
	}
	if _, err := ParseTags(append(many[:MaxTags:MaxTags], many[0])); err != nil {
		t.Errorf("as many as can be, one of them twice: %v", err)
	}
	if _, err := ParseTags([]string{long}); err != nil {
		t.Errorf("as long as can be: %v", err)
	}
}

func FuzzParseTags(f *testing.F) {
	f.Add("b|a|a")
	f.Add("|\xff|\n| x")
	f.Fuzz(func(t *testing.T, text string) {
		words := strings.Split(text, "|")
		tags, err := ParseTags(words)
		if err != nil {
			if !errors.Is(err, ErrInvalidField) || tags != "" {
				t.Errorf("%q: %q, %v", words, tags, err)
			}
			return
		}
		all := slices.Collect(tags.All())
		if !slices.IsSorted(all) || len(all) > MaxTags || len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("%q became %q", words, all)
		}
		for _, word := range words {
			if !tags.Has(word) || !ValidTag(word) {
				t.Errorf("%q is not among %q", word, all)
			}
		}
		if again, err := ParseTags(all); err != nil || again != tags || !tags.valid() {
			t.Errorf("%q came back as %q, %v", tags, again, err)
		}
		// Whatever the text is, it is valid only as what ParseTags makes.
		if raw := Tags(text); raw.valid() && raw != tags && !strings.ContainsAny(text, "|\n") {
			t.Errorf("%q is valid, and its tags are %q", raw, tags)
		}
	})
}
