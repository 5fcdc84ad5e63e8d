package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// TagCount is a tag and how many living links have it.
type TagCount struct {
	Tag   string
	Links uint64
}

// errNobody: only a link's tags and its owner are counted, not that it has none.
var errNobody = fmt.Errorf("%w: links that nobody owns are not counted", ErrMisuse)

// Tags lists at most limit tags behind after in their own order, with the number of an owner's links, or of all where owner
// is nil; more says that there are others.
//
// Errors: ErrMisuse, where limit is below 1 or the owner empty. ErrClosed; the context's error. Anything else is a failing disk or
// damage, and Options.Fatal knows of it.
func (s *Store) Tags(ctx context.Context, owner *string, after string, limit int) (tags []TagCount, more bool, err error) {
	if limit < 1 {
		return nil, false, fmt.Errorf("%w: a list of %d tags", ErrMisuse, limit)
	}
	prefix := s.schema.tagSum(nil, "")
	if owner != nil {
		if *owner == "" {
			return nil, false, errNobody
		}
		prefix = s.schema.ownerSum(nil, *owner)
	}
	err = s.readUntil(ctx, func(g *generation) error {
		tags, more, err = listTags(ctx, g.db, prefix, after, limit)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return tags, more, nil
}

// listTags lists the tags in keys that begin with prefix.
func listTags(ctx context.Context, r pebble.Reader, prefix []byte, behind string, limit int) (tags []TagCount, more bool, err error) {
	// No tag holds a zero byte: the key that is prefix alone, an owner's own number, is left out.
	lower := append(append(prefix[:len(prefix):len(prefix)], behind...), 0)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(prefix)})
	if err != nil {
		return nil, false, explain(err)
	}
	defer func() { err = joinClose(err, it.Close()) }()
	// Each is sought: a number that changed often lately has as many versions, which the iterator would go through one by one.
	var behindIt []byte
	for ok := it.First(); ok; ok = it.SeekGE(behindIt) {
		behindIt = append(append(behindIt[:0], it.Key()...), 0)
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if len(tags) == limit {
			return tags, true, nil
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, false, err
		}
		n, err := decodeSum(value)
		if err != nil {
			return nil, false, err
		}
		tags = append(tags, TagCount{Tag: string(it.Key()[len(prefix):]), Links: n})
	}
	return tags, false, it.Error()
}

// Total is the number of an owner's living links, or of all where owner is nil: of those with a tag, if it is not empty.
//
// Errors: ErrMisuse, where the owner is empty. ErrClosed; the context's error. Anything else is a failing disk or damage, and
// Options.Fatal knows of it.
func (s *Store) Total(ctx context.Context, owner *string, tag string) (n uint64, err error) {
	var key []byte
	switch {
	case owner == nil && tag == "":
		return s.Links(), nil
	case owner == nil:
		key = s.schema.tagSum(nil, tag)
	case *owner == "":
		return 0, errNobody
	default:
		key = s.schema.ownerTagSum(nil, *owner, tag)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	err = s.read(func(g *generation) error {
		n, err = getSum(g.db, key)
		return err
	})
	return n, err
}

// getSum reads a number of links; without a row it is 0.
func getSum(r pebble.Reader, key []byte) (uint64, error) {
	value, err := readEngine(r, key)
	if err != nil || value == nil {
		return 0, err
	}
	return decodeSum(value)
}
