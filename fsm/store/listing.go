package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"tinyurl/fsm/link"
)

// Listing says which living links a page shows, and in which order.
type Listing struct {
	// Owner is whose links are shown; nil shows everybody's, and "" those that nobody owns.
	Owner *string
	// Tags are those of which a link must have one, or all of them where AllTags is set; none asks for nothing. There are
	// link.MaxTags at most.
	Tags    []string
	AllTags bool
	// Match picks links; nil takes them all.
	Match func(link.Link) bool
	// OldestFirst turns the order around: it is that of creation, the newest link first.
	OldestFirst bool
	// After is where the page before ended; the zero Place begins.
	After Place
	// Limit is the most links of a page, Examine the most that are looked at for it. Both are at least 1.
	Limit, Examine int
}

// Place is where a link stands in the order of creation.
type Place struct {
	// Created is the link's CreatedAt, in milliseconds since 1970 and one more.
	Created uint64
	Code    link.Code
}

// check says whether a listing is within its bounds.
func (l *Listing) check() error {
	if l.Limit < 1 || l.Examine < 1 || len(l.Tags) > link.MaxTags {
		return fmt.Errorf("%w: a page of %d links out of %d, with %d tags", ErrMisuse, l.Limit, l.Examine, len(l.Tags))
	}
	return nil
}

// takes says whether a link that an index led to is one of the listing's.
func (l *Listing) takes(found link.Link) bool {
	if l.Owner != nil && *l.Owner != found.Owner {
		return false
	}
	return l.takesTags(found.Tags) && (l.Match == nil || l.Match(found))
}

func (l *Listing) takesTags(tags link.Tags) bool {
	for _, tag := range l.Tags {
		if tags.Has(tag) != l.AllTags {
			return !l.AllTags
		}
	}
	return l.AllTags || len(l.Tags) == 0
}

// sources gives what the keys of the indexes begin with that hold all links of a listing: of those that do, the ones with
// the fewest links in them. None means that there is no such link.
func (l *Listing) sources(at pebble.Reader, s schema) ([][]byte, error) {
	if len(l.Tags) == 0 && (l.Owner == nil || *l.Owner == "") {
		return [][]byte{s.times(nil)}, nil
	}
	best, least, err := l.tagSources(at, s)
	if err != nil || l.Owner == nil || *l.Owner == "" {
		return best, err
	}
	n, err := getSum(at, s.ownerSum(nil, *l.Owner))
	if err != nil || n < least {
		return [][]byte{s.owned(nil, *l.Owner)}, err
	}
	return best, nil
}

// tagSources are the sources by tags, and how many links are in them; without tags, so many that anything is better.
func (l *Listing) tagSources(at pebble.Reader, s schema) (prefixes [][]byte, links uint64, err error) {
	if len(l.Tags) == 0 {
		return nil, 1<<64 - 1, nil
	}
	if l.AllTags {
		links = 1<<64 - 1
	}
	for _, tag := range l.Tags {
		n, err := getSum(at, s.tagSum(nil, tag))
		switch {
		case err != nil:
			return nil, 0, err
		case n == 0 && l.AllTags:
			return nil, 0, nil
		case n == 0: // nor can it be anything that is no tag
		case !l.AllTags:
			prefixes, links = append(prefixes, s.tagged(nil, tag)), links+n
		case n < links:
			prefixes, links = [][]byte{s.tagged(nil, tag)}, n
		}
	}
	return prefixes, links, nil
}
