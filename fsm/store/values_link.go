package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"tinyurl/fsm/link"
)

// Flags of a link's value.
const (
	flagTombstone  = 1 << iota // deleted: only the stamps, the version and the owner follow
	flagChanged                // UpdatedAt differs from CreatedAt and is written
	flagValidUntil             // ValidUntil is written
	flagMore                   // a number with the flags below follows the version, and the fields they name
	linkFlags      = flagTombstone | flagChanged | flagValidUntil | flagMore
)

// Flags of what a link has more. Each field is written if it is not zero, in this order; the last two are written by their
// flag alone.
const (
	moreOwner = 1 << iota
	moreTitle
	moreTags
	moreSince
	moreMaxVisits
	moreVisits
	moreRedirect
	morePassword
	moreDropQuery
	moreDisabled
	allMore = moreDisabled<<1 - 1
)

// maxTags is the longest Tags, in bytes.
const maxTags = link.MaxTags * (link.MaxTag + 1)

// encodeLink appends the value of a living link. Its code is in the key.
func encodeLink(buf []byte, l link.Link) ([]byte, error) {
	return encodeRow(buf, l, 0)
}

// encodeTombstone appends the value of a deleted link: UpdatedAt is when.
func encodeTombstone(buf []byte, l link.Link) ([]byte, error) {
	l.Fields, l.Visits = link.Fields{}, 0
	return encodeRow(buf, l, flagTombstone)
}

func encodeRow(buf []byte, l link.Link, flags byte) ([]byte, error) {
	created, err1 := stampOf(l.CreatedAt)
	updated, err2 := stampOf(l.UpdatedAt)
	until, err3 := stampOf(l.ValidUntil)
	since, err4 := stampOf(l.ValidSince)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	if err := checkSizes(l, flags&flagTombstone != 0); err != nil {
		return nil, err
	}
	more := moreOf(l)
	if updated != created {
		flags |= flagChanged
	}
	if until != 0 {
		flags |= flagValidUntil
	}
	if more != 0 {
		flags |= flagMore
	}
	buf = append(buf, valueVersion, flags)
	buf = binary.AppendUvarint(buf, created)
	if updated != created {
		buf = binary.AppendUvarint(buf, updated)
	}
	if until != 0 {
		buf = binary.AppendUvarint(buf, until)
	}
	buf = binary.AppendUvarint(buf, l.Version)
	if more != 0 {
		buf = appendMore(buf, l, more, since)
	}
	if flags&flagTombstone != 0 {
		return buf, nil
	}
	return appendText(buf, string(l.Target)), nil
}

// checkSizes says whether a link's fields fit into a value, and its tags into keys.
func checkSizes(l link.Link, tombstone bool) error {
	if !tombstone && (l.Target == "" || len(l.Target) > link.MaxTarget) {
		return fmt.Errorf("%w: a target of %d bytes", ErrMisuse, len(l.Target))
	}
	if len(l.Owner) > link.MaxOwner || len(l.Title) > link.MaxTitle || len(l.Tags) > maxTags || len(l.Password) > link.MaxPasswordHash {
		return fmt.Errorf("%w: a link's owner, title, tags or password is too long", ErrMisuse)
	}
	if !keyable(l.Tags) || l.MaxVisits > link.MaxVisitLimit {
		return fmt.Errorf("%w: a link's tags or its limit cannot be", ErrMisuse)
	}
	return nil
}

// keyable says whether every tag can stand in a key, and none would stand there twice.
func keyable(tags link.Tags) bool {
	var tag, last string
	rest, more := string(tags), tags != ""
	for n := 0; more; n++ {
		tag, rest, more = strings.Cut(rest, "\n")
		if tag <= last || len(tag) > link.MaxTag || n == link.MaxTags || strings.IndexByte(tag, 0) >= 0 {
			return false
		}
		last = tag
	}
	return true
}

// moreOf gives the flags of what a link has more.
func moreOf(l link.Link) (flags uint64) {
	set := func(flag uint64, has bool) {
		if has {
			flags |= flag
		}
	}
	set(moreOwner, l.Owner != "")
	set(moreTitle, l.Title != "")
	set(moreTags, l.Tags != "")
	set(moreSince, !l.ValidSince.IsZero())
	set(moreMaxVisits, l.MaxVisits != 0)
	set(moreVisits, l.Visits != 0)
	set(moreRedirect, l.Redirect != 0)
	set(morePassword, l.Password != "")
	set(moreDropQuery, l.DropQuery)
	set(moreDisabled, l.Disabled)
	return flags
}

func appendMore(buf []byte, l link.Link, more, since uint64) []byte {
	buf = binary.AppendUvarint(buf, more)
	if more&moreOwner != 0 {
		buf = appendText(buf, l.Owner)
	}
	if more&moreTitle != 0 {
		buf = appendText(buf, l.Title)
	}
	if more&moreTags != 0 {
		buf = appendText(buf, string(l.Tags))
	}
	if more&moreSince != 0 {
		buf = binary.AppendUvarint(buf, since)
	}
	if more&moreMaxVisits != 0 {
		buf = binary.AppendUvarint(buf, l.MaxVisits)
	}
	if more&moreVisits != 0 {
		buf = binary.AppendUvarint(buf, l.Visits)
	}
	if more&moreRedirect != 0 {
		buf = binary.AppendUvarint(buf, uint64(l.Redirect))
	}
	if more&morePassword != 0 {
		buf = appendText(buf, string(l.Password))
	}
	return buf
}

// decodeLink reads a link's value into l, whose Code the caller has set; alive is false for a tombstone.
func decodeLink(value []byte, l *link.Link) (alive bool, err error) {
	d := reader{rest: value}
	flags := d.head(linkFlags)
	alive = flags&flagTombstone == 0
	created := d.stamp()
	updated := created
	if flags&flagChanged != 0 {
		updated = d.stamp()
		d.require(updated != created)
	}
	l.Fields = link.Fields{}
	l.CreatedAt, l.UpdatedAt = timeOf(created), timeOf(updated)
	if flags&flagValidUntil != 0 {
		l.ValidUntil = timeOf(d.someStamp())
		d.require(alive)
	}
	l.Version = d.uvarint()
	l.Owner, l.Visits = "", 0
	if flags&flagMore != 0 {
		more := d.more(alive)
		d.moreOwner(more, l)
		d.moreFields(more, l)
	}
	if alive {
		l.Target = link.Target(d.text(link.MaxTarget))
		d.require(l.Target != "")
	}
	return alive, d.end("link")
}

// more takes the flags of what a link has more; of a tombstone it is the owner.
func (r *reader) more(alive bool) uint64 {
	more := r.uvarint()
	if more > allMore {
		r.bad, r.newer = true, true
		return 0
	}
	r.require(more != 0 && (alive || more == moreOwner))
	return more
}

func (r *reader) moreOwner(more uint64, l *link.Link) {
	if more&moreOwner != 0 {
		l.Owner = r.someText(link.MaxOwner)
	}
}

func (r *reader) moreFields(more uint64, l *link.Link) {
	if more&moreTitle != 0 {
		l.Title = r.someText(link.MaxTitle)
	}
	if more&moreTags != 0 {
		l.Tags = link.Tags(r.someText(maxTags))
		r.require(keyable(l.Tags))
	}
	if more&moreSince != 0 {
		l.ValidSince = timeOf(r.someStamp())
	}
	if more&moreMaxVisits != 0 {
		l.MaxVisits = r.some(link.MaxVisitLimit)
	}
	if more&moreVisits != 0 {
		l.Visits = r.some(1<<64 - 1)
	}
	if more&moreRedirect != 0 {
		l.Redirect = link.Redirect(r.some(1<<16 - 1))
	}
	if more&morePassword != 0 {
		l.Password = link.PasswordHash(r.someText(link.MaxPasswordHash))
	}
	l.DropQuery, l.Disabled = more&moreDropQuery != 0, more&moreDisabled != 0
}

// some takes a number that is not 0, and limit at most.
func (r *reader) some(limit uint64) uint64 {
	n := r.uvarint()
	r.require(n != 0 && n <= limit)
	return n
}

// someStamp takes a stamp that is not none.
func (r *reader) someStamp() uint64 {
	stamp := r.stamp()
	r.require(stamp != 0)
	return stamp
}

// someText takes a string of 1 to limit bytes.
func (r *reader) someText(limit int) string {
	text := r.text(limit)
	r.require(text != "")
	return text
}
