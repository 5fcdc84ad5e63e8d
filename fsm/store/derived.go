package store

import (
	"strings"

	"tinyurl/fsm/link"
)

// derived is what rows follow from a living link besides its own: its places in indexes, and the numbers that it is one of.
type derived struct {
	row     []byte // what the key of the link's row ends with
	created uint64 // a stamp, as is until
	owner   string
	listed  bool        // there are its places among all links and its owner's, and it is one of the owner's number
	target  link.Target // empty: there is no place among those with the target
	tags    link.Tags
	until   uint64 // 0: it does not end
}

// derivedOf is for a link whose row could be encoded: its times have stamps. row is what the key of that ends with.
func derivedOf(l *link.Link, row []byte) derived {
	created, _ := stampOf(l.CreatedAt)
	until, _ := stampOf(l.ValidUntil)
	return derived{row: row, created: created, owner: l.Owner, listed: true, target: l.Target, tags: l.Tags, until: until}
}

// without leaves out what follows from another state of the link too.
func (d derived) without(other derived) derived {
	if d.until == other.until {
		d.until = 0
	}
	if d.created != other.created || d.owner != other.owner {
		return d // both stand in all keys that are left, or decide whether there are any
	}
	d.listed = false
	if d.target == other.target {
		d.target = ""
	}
	d.tags = withoutTags(d.tags, other.tags)
	return d
}

// withoutTags gives the tags that are not among others.
func withoutTags(tags, others link.Tags) link.Tags {
	if tags == others || tags == "" || others == "" {
		if tags == others {
			return ""
		}
		return tags
	}
	var left []string
	for tag := range tags.All() {
		if !others.Has(tag) {
			left = append(left, tag)
		}
	}
	return link.Tags(strings.Join(left, "\n"))
}

// each shows the key of every row, made in buf, which it gives back for the next time. A row that is a sum is shared with
// other links, and says how many they are.
func (d derived) each(s schema, buf []byte, visit func(key []byte, sum bool)) []byte {
	if d.target != "" {
		buf = appendSpot(s.targets(buf[:0], d.owner, d.target), d.created, d.row)
		visit(buf, false)
	}
	if d.listed {
		buf = appendSpot(s.times(buf[:0]), d.created, d.row)
		visit(buf, false)
	}
	if d.listed && d.owner != "" {
		buf = appendSpot(s.owned(buf[:0], d.owner), d.created, d.row)
		visit(buf, false)
		buf = s.ownerSum(buf[:0], d.owner)
		visit(buf, true)
	}
	for rest := string(d.tags); rest != ""; {
		var tag string
		tag, rest, _ = strings.Cut(rest, "\n")
		buf = d.eachOfTag(s, buf, tag, visit)
	}
	if d.until != 0 {
		buf = appendSpot(s.due(buf[:0]), d.until, d.row)
		visit(buf, false)
	}
	return buf
}

func (d derived) eachOfTag(s schema, buf []byte, tag string, visit func(key []byte, sum bool)) []byte {
	buf = appendSpot(s.tagged(buf[:0], tag), d.created, d.row)
	visit(buf, false)
	buf = s.tagSum(buf[:0], tag)
	visit(buf, true)
	if d.owner != "" {
		buf = s.ownerTagSum(buf[:0], d.owner, tag)
		visit(buf, true)
	}
	return buf
}
