package api

import (
	"strconv"

	"tinyurl/fsm/link"
)

// input is a field that clients may send.
type input uint8

// The inputs, in the order in which API and problems name them.
const (
	inLongURL input = iota
	inCustomSlug
	inFindIfExists
	inTitle
	inTags
	inValidSince
	inValidUntil
	inExpiresIn
	inMaxVisits
	inRedirectStatus
	inForwardQuery
	inEnabled
	inPassword

	inputs // how many there are
)

// inputNames are v1's words for the inputs, and inputFields what they are of a link; 0 for what is no field of one.
var (
	inputNames = [inputs]string{
		"longUrl", "customSlug", "findIfExists", "title", "tags", "validSince", "validUntil", "expiresIn",
		"maxVisits", "redirectStatus", "forwardQuery", "enabled", "password",
	}
	inputFields = [inputs]link.FieldSet{
		inLongURL: link.TargetField, inTitle: link.TitleField, inTags: link.TagsField, inValidSince: link.ValidSinceField,
		inValidUntil: link.ValidUntilField, inExpiresIn: link.ValidUntilField, inMaxVisits: link.MaxVisitsField, inRedirectStatus: link.RedirectField,
		inForwardQuery: link.DropQueryField, inEnabled: link.DisabledField, inPassword: link.PasswordField,
	}
)

// String is v1's word for the input.
func (in input) String() string { return inputNames[in] }

// inputOf gives the input that clients mean by a name. Other shorteners' words are taken, so that their clients need not be
// taught.
func inputOf(name string) (in input, known bool) {
	switch name {
	case "url", "long_url", "target":
		return inLongURL, true
	case "alias", "slug", "keyword", "customurl":
		return inCustomSlug, true
	}
	for in, own := range inputNames {
		if own == name {
			return input(in), true
		}
	}
	return 0, false
}

// sent is what was sent for an input. Which of its parts has it follows from the input.
type sent struct {
	// given says that something was sent, null that it was null.
	given, null bool
	text        string
	// number is exact as far as JSON readers are: up to 2^53.
	number float64
	flag   bool
	// words are at most link.MaxTags+1 of those sent: one too many is enough to refuse them.
	words []string
}

// wanted is a request for a link, or for a change of one, as it was sent.
type wanted [inputs]sent

// has reports whether an input was given, and not as null.
func (w *wanted) has(in input) bool { return w[in].has() }

// fields names the fields of a link that the request gives a value, those given as null included if nulls is set.
func (w *wanted) fields(nulls bool) link.FieldSet {
	var set link.FieldSet
	for in, v := range w {
		if v.given && (nulls || !v.null) {
			set |= inputFields[in]
		}
	}
	return set
}

// parseWanted reads one link of a request: shape first, so that a request with two faults gets the JSON one. raw must be
// well formed; takes says which inputs there are.
func parseWanted(raw []byte, takes func(input) bool) (want wanted, err error) {
	found, err := members(raw, func(name string) bool {
		in, known := inputOf(name)
		return known && takes(in)
	})
	if err != nil {
		return wanted{}, err
	}
	var disagree error // kept, since a wrong type further on comes first
	for _, m := range found {
		in, _ := inputOf(m.name)
		v, err := in.read(m)
		if err != nil {
			return wanted{}, err
		}
		switch before := &want[in]; {
		case !want.has(in):
			*before = v
		case !v.null && before.text != v.text:
			// Names are told by v1's word: that is the one the answer would use.
			disagree = invalid(link.ErrInvalidField, in.String()+" is given twice, under two names, with different values", in.String())
		}
	}
	return want, disagree
}

// ofCreate are the inputs of a create: all there are. ofEdit are those of an edit. A slug is one of them only so that its sender
// is told that it cannot change.
func ofCreate(input) bool  { return true }
func ofEdit(in input) bool { return in != inFindIfExists }

// read takes a member of the input's type. Null is of every type.
func (in input) read(m member) (v sent, err error) {
	v.given, v.null = true, string(m.value) == "null"
	if v.null {
		return v, nil
	}
	switch in {
	case inFindIfExists, inForwardQuery, inEnabled:
		v.flag, err = m.flag()
	case inMaxVisits, inRedirectStatus:
		v.number, err = m.number()
	case inTags:
		v.words, err = m.words(link.MaxTags + 1)
	default:
		v.text, err = m.text()
	}
	return v, err
}

// text reads a member that must be a string.
func (m member) text() (string, error) {
	if m.value[0] != '"' {
		return "", invalid(errJSON, m.name+" must be a string", m.name)
	}
	text, err := unquote(m.value)
	if err != nil {
		return "", invalid(errJSON, m.name+" could not be read", m.name)
	}
	return text, nil
}

// flag reads a member that must be true or false.
func (m member) flag() (bool, error) {
	switch string(m.value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, invalid(errJSON, m.name+" must be true or false", m.name)
}

// number reads a member that must be a number. One that is beyond all numbers is infinite, for its range to be judged.
func (m member) number() (float64, error) {
	if c := m.value[0]; c != '-' && (c < '0' || c > '9') {
		return 0, invalid(errJSON, m.name+" must be a number", m.name)
	}
	n, _ := strconv.ParseFloat(string(m.value), 64) // well-formed: the one error is that it is out of range
	return n, nil
}

// words reads a member that must be a list of strings. What comes behind the first limit of them is not looked at.
func (m member) words(limit int) ([]string, error) {
	c := cursor{m.value}
	if !c.take('[') {
		return nil, invalid(errJSON, m.name+" must be a list of strings", m.name)
	}
	words := []string{}
	for len(words) < limit && !c.take(']') {
		word, err := member{name: m.name, value: c.value()}.word()
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		c.take(',')
	}
	return words, nil
}

// word reads an element of a list of strings.
func (m member) word() (string, error) {
	if len(m.value) == 0 || m.value[0] != '"' {
		return "", invalid(errJSON, m.name+" must hold strings alone", m.name)
	}
	return m.text()
}
