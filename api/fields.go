package api

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tinyurl/api/password"
	"tinyurl/fsm/link"
)

// fields checks what a request says of a link's fields. Those that it does not speak of, or gives as null, have their defaults,
// as has the password: it is hashed apart, when all else is right.
func (r *linkRules) fields(want *wanted) (f link.Fields, err error) {
	if want.has(inLongURL) {
		if f.Target, err = link.ParseTarget(want[inLongURL].text, r.targets); err != nil {
			return f, invalid(err, err.Error(), inLongURL.String())
		}
	}
	if err := takeWords(&f, want); err != nil {
		return f, err
	}
	if err := takeTimes(&f, want); err != nil {
		return f, err
	}
	if err := takeNumbers(&f, want); err != nil {
		return f, err
	}
	f.DropQuery = want.has(inForwardQuery) && !want[inForwardQuery].flag
	f.Disabled = want.has(inEnabled) && !want[inEnabled].flag
	return f, checkPassword(want)
}

// wrong is the refusal of inputs.
func wrong(detail string, ins ...input) error {
	names := make([]string, len(ins))
	for i, in := range ins {
		names[i] = in.String()
	}
	return invalid(link.ErrInvalidField, detail, names...)
}

// takeWords takes title and tags.
func takeWords(f *link.Fields, want *wanted) (err error) {
	if f.Title = want[inTitle].text; !link.ValidTitle(f.Title) {
		return wrong("title must be at most "+strconv.Itoa(link.MaxTitle)+" bytes, without control characters", inTitle)
	}
	if len(want[inTags].words) > link.MaxTags {
		return wrong("there may be "+strconv.Itoa(link.MaxTags)+" tags at most", inTags)
	}
	if f.Tags, err = link.ParseTags(want[inTags].words); err != nil {
		return wrong("a tag must have 1 to "+strconv.Itoa(link.MaxTag)+" bytes, without control characters, and no space at its ends", inTags)
	}
	return nil
}

// takeTimes takes validSince and validUntil. Whether they are over is not judged here.
func takeTimes(f *link.Fields, want *wanted) (err error) {
	if f.ValidSince, err = momentOf(want, inValidSince); err != nil {
		return err
	}
	if f.ValidUntil, err = momentOf(want, inValidUntil); err != nil {
		return err
	}
	if want.has(inValidUntil) && want.has(inExpiresIn) {
		return wrong("validUntil and expiresIn exclude each other", inValidUntil, inExpiresIn)
	}
	if !f.ValidSince.IsZero() && !f.ValidUntil.IsZero() && !f.ValidUntil.After(f.ValidSince) {
		return errOrder
	}
	return nil
}

// errOrder is also told when the cluster finds it out, which alone knows all of a link.
var errOrder = wrong("validUntil must be after validSince", inValidSince, inValidUntil)

// momentOf reads a moment; zero if it is not given.
func momentOf(want *wanted, in input) (time.Time, error) {
	if !want.has(in) {
		return time.Time{}, nil
	}
	return momentIn(in.String(), want[in].text)
}

// lifeOf reads expiresIn; 0 if it is not given.
func lifeOf(want *wanted) (time.Duration, error) {
	if !want.has(inExpiresIn) {
		return 0, nil
	}
	return lifeIn(inExpiresIn.String(), want[inExpiresIn].text)
}

// takeNumbers takes maxVisits and redirectStatus.
func takeNumbers(f *link.Fields, want *wanted) (err error) {
	if want.has(inMaxVisits) {
		n := want[inMaxVisits].number
		if n < 1 || n > link.MaxVisitLimit || n != math.Trunc(n) {
			return wrong("maxVisits must be a whole number from 1 to "+strconv.Itoa(link.MaxVisitLimit), inMaxVisits)
		}
		f.MaxVisits = uint64(n)
	}
	if want.has(inRedirectStatus) {
		n := want[inRedirectStatus].number
		if n != math.Trunc(n) || n < 0 || n > math.MaxInt32 {
			n = 0 // which is none of the four
		}
		if f.Redirect, err = link.RedirectOf(int(n)); err != nil {
			return wrong("redirectStatus must be 301, 302, 307 or 308", inRedirectStatus)
		}
	}
	return nil
}

// checkPassword judges a password that is to be hashed.
func checkPassword(want *wanted) error {
	if !want.has(inPassword) {
		return nil
	}
	word := want[inPassword].text
	if word == "" || len(word) > password.MaxLength || strings.ContainsFunc(word, unicode.IsControl) {
		// A form cannot send control characters as they are: nobody could follow the link.
		return wrong("password must have 1 to "+strconv.Itoa(password.MaxLength)+" bytes, without control characters", inPassword)
	}
	return nil
}
