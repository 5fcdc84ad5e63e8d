package link

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxTags is the most tags of a link.
	MaxTags = 20
	// MaxTag is the longest tag, in bytes.
	MaxTag = 64
)

// Tags are the tags of a link: sorted, none twice, one a line. Tags that did not come from ParseTags may hold anything. They
// are one string so that they can be compared, and cannot be changed behind anybody's back.
type Tags string

// ParseTags makes Tags of words in any order; one that is given twice counts once. ErrInvalidField: an empty or too long tag,
// one with control characters or with spaces at its ends, or too many.
func ParseTags(words []string) (Tags, error) {
	sorted := slices.Clone(words)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	if len(sorted) > MaxTags || !allFunc(slices.Values(sorted), ValidTag) {
		return "", ErrInvalidField
	}
	return Tags(strings.Join(sorted, "\n")), nil
}

// ValidTag reports whether a tag can be taken.
func ValidTag(tag string) bool {
	return tag != "" && len(tag) <= MaxTag && utf8.ValidString(tag) && strings.TrimSpace(tag) == tag && !strings.ContainsFunc(tag, unicode.IsControl)
}

// All gives the tags in order.
func (t Tags) All() iter.Seq[string] {
	if t == "" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(string(t), "\n")
}

// Has reports whether a tag is among them.
func (t Tags) Has(tag string) bool {
	for own := range t.All() {
		if own == tag {
			return true
		}
	}
	return false
}

// valid reports whether ParseTags could have made t.
func (t Tags) valid() bool {
	words := slices.Collect(t.All())
	again, err := ParseTags(words)
	return err == nil && again == t
}

func allFunc[T any](all iter.Seq[T], holds func(T) bool) bool {
	for one := range all {
		if !holds(one) {
			return false
		}
	}
	return true
}
