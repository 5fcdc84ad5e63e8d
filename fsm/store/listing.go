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

// Place is where a link stands in the order of creation. Of those made in one moment the generated codes come first, in the order
// in which they were made, then slugs, in theirs.
type Place struct {
	// Created is the link's CreatedAt, in milliseconds since 1970 and one more.
	Created uint64
	Code    link.Code
}

// appendTo appends the spot of the place.
func (p Place) appendTo(buf []byte, s schema, codec *link.Codec) []byte {
	return appendSpot(buf, p.Created, s.link(nil, codec, p.Code)[prefixSize:])
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
//
// An owner's links are looked for among theirs alone: where a page ends, and how short it is, tells of all that were looked at.
func (l *Listing) sources(at pebble.Reader, s schema) ([][]byte, error) {
	owned := l.Owner != nil && *l.Owner != ""
	if len(l.Tags) == 0 && !owned {
		return [][]byte{s.times(nil)}, nil
	}
	if !owned {
		return l.tagSources(at, func(tag string) []byte { return s.tagSum(nil, tag) }, s)
	}
	if len(l.Tags) > 0 { // maybe none of theirs has them
		some, err := l.tagSources(at, func(tag string) []byte { return s.ownerTagSum(nil, *l.Owner, tag) }, s)
		if err != nil || len(some) == 0 {
			return nil, err
		}
	}
	return [][]byte{s.owned(nil, *l.Owner)}, nil
}

// tagSources are the sources by tags, by numbers of links whose keys sum makes.
func (l *Listing) tagSources(at pebble.Reader, sum func(tag string) []byte, s schema) (prefixes [][]byte, err error) {
	least := uint64(1<<64 - 1)
	for _, tag := range l.Tags {
		n, err := getSum(at, sum(tag))
		switch {
		case err != nil:
			return nil, err
		case n == 0 && l.AllTags:
			return nil, nil
		case n == 0: // nor can it be anything that is no tag
		case !l.AllTags:
			prefixes = append(prefixes, s.tagged(nil, tag))
		case n < least:
			prefixes, least = [][]byte{s.tagged(nil, tag)}, n
		}
	}
	return prefixes, nil
}
