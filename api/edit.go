package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

// ifMatch is the header that makes an edit a compare-and-set.
const ifMatch = "If-Match"

// neverVersion is one that no link has.
const neverVersion = math.MaxUint64

// editLink serves PATCH /links/{code}. A body that changes nothing changes no version either: it is answered with the link as it
// stands, if that is the one of If-Match.
func (o *linkCalls) editLink(ctx context.Context, c *call) (reply, error) {
	if err := wellFormed(c.body, &patience{ctx: ctx}); err != nil {
		return reply{}, err
	}
	want, err := parseWanted(c.body, ofEdit)
	if err != nil {
		return reply{}, err
	}
	edit, err := o.rules.edit(&want)
	if err != nil {
		return reply{}, err
	}
	if edit.IfVersion, err = versionOf(c.request.Header[ifMatch]); err != nil {
		return reply{}, err
	}
	if edit.Code, err = link.ParseCode(c.code); err != nil {
		return reply{}, err
	}
	if edit.Password, err = o.protect(ctx, &want); err != nil {
		return reply{}, err
	}
	changed, err := o.change(ctx, c.by, edit)
	if err != nil {
		return reply{}, aboutEdit(err, edit)
	}
	return reply{status: http.StatusOK, header: []headerLine{etagOf(changed)}, body: o.told(ctx, c.by, changed)}, nil
}

// change has a link changed, or read where nothing of it changes.
func (o *linkCalls) change(ctx context.Context, by access.Holder, edit link.Edit) (link.Link, error) {
	if edit.Set != 0 || edit.ExpiresIn != 0 {
		return o.links.Edit(ctx, by, edit)
	}
	found, err := o.links.Get(ctx, by, edit.Code, false)
	if err == nil && edit.IfVersion != 0 && edit.IfVersion != found.Version {
		return link.Link{}, link.ErrPrecondition
	}
	return found, err
}

// edit checks the fields and makes the edit they ask for, without its password. A field that is null gets its default. An end may
// be over: it ends the link at once.
func (r *linkRules) edit(want *wanted) (e link.Edit, err error) {
	switch {
	case want[inLongURL].null:
		return e, invalid(link.ErrInvalidTarget, "longUrl cannot be taken away", inLongURL.String())
	case want.has(inCustomSlug):
		return e, wrong("customSlug cannot be changed", inCustomSlug)
	case want[inExpiresIn].null:
		return e, wrong("expiresIn cannot be null; a validUntil of null takes the end away", inExpiresIn)
	case want[inValidUntil].null && want.has(inExpiresIn):
		return e, wrong("validUntil and expiresIn exclude each other", inValidUntil, inExpiresIn)
	}
	if e.Fields, err = r.fields(want); err != nil {
		return e, err
	}
	if want.has(inLongURL) {
		if e.Host, err = r.hostOf(e.Target); err != nil {
			return e, err
		}
	}
	if e.ExpiresIn, err = lifeOf(want); err != nil {
		return e, err
	}
	e.Set = want.fields(true)
	if e.ExpiresIn != 0 {
		e.Set &^= link.ValidUntilField // which follows from the leader's stamp
	}
	return e, nil
}

// versionOf reads If-Match: 0 if any version will do. A well-formed tag that is none of ours is one that no link has.
func versionOf(lines []string) (uint64, error) {
	switch {
	case len(lines) == 0, len(lines) == 1 && lines[0] == "*":
		return 0, nil
	case len(lines) > 1 || !isETag(lines[0]):
		return 0, invalid(link.ErrInvalidField, `If-Match must be given once, as one ETag in quotes such as "7", or as *`, ifMatch)
	}
	text := strings.Trim(lines[0], `"`)
	if version, err := strconv.ParseUint(text, 10, 64); err == nil && version > 0 && strconv.FormatUint(version, 10) == text {
		return version, nil
	}
	return neverVersion, nil
}

// isETag reports whether text is a strong entity tag (RFC 9110).
func isETag(text string) bool {
	if len(text) < len(`""`) || text[0] != '"' || text[len(text)-1] != '"' {
		return false
	}
	for _, c := range []byte(text[1 : len(text)-1]) {
		if c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// etagOf is the header line that tells a link's version.
func etagOf(l link.Link) headerLine {
	return headerLine{"ETag", strconv.Quote(strconv.FormatUint(l.Version, 10))}
}

// aboutEdit is about for an edit.
func aboutEdit(err error, edit link.Edit) error {
	switch {
	case errors.Is(err, link.ErrPrecondition):
		return invalid(err, link.ErrPrecondition.Error(), ifMatch)
	case errors.Is(err, link.ErrInvalidField):
		return aboutTimes(err, edit.Fields, edit.Set, edit.ExpiresIn != 0)
	}
	return about(err)
}

// aboutTimes names what is wrong with fields that passed all that can be judged here: their times, together with those that the
// link has already, or by the leader's clock.
func aboutTimes(err error, f link.Fields, set link.FieldSet, expires bool) error {
	switch {
	case set.Has(link.ValidSinceField) && !f.ValidSince.IsZero(), set.Has(link.ValidUntilField) && !f.ValidUntil.IsZero(), expires:
		return errOrder
	}
	return err
}
