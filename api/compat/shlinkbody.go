package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"tinyurl/api/v1"
)

// translate makes of the body of a create, or of an edit, that of the same here. Most fields have the same names, and their values are
// handed on as they were sent, to be judged where all are; what has no meaning here is left out where that changes nothing that the
// answer does not show, and refused elsewhere.
func (h shlink) translate(body []byte, creates bool) ([]byte, error) {
	members, err := membersOf(body)
	if err != nil {
		return nil, err
	}
	wanted := []byte{'{'}
	for _, m := range members {
		keep, err := h.keeps(m, creates)
		if err != nil {
			return nil, err
		}
		if !keep {
			continue
		}
		if len(wanted) > 1 {
			wanted = append(wanted, ',')
		}
		wanted = append(append(append(append(wanted, '"'), m.name...), `":`...), m.value...)
	}
	return append(wanted, '}'), nil
}

// jsonMember is a name and a value of an object.
type jsonMember struct {
	name  string
	value json.RawMessage
}

// keeps says whether a field is handed on. Names that come through are those here, which need no escapes.
func (h shlink) keeps(m jsonMember, creates bool) (bool, error) {
	none := string(m.value) == "null"
	switch m.name {
	case "longUrl", "title", "tags", "validSince", "validUntil", "maxVisits", "forwardQuery":
		return true, nil
	case "findIfExists":
		if creates {
			return true, nil
		}
	case "customSlug":
		if creates {
			return !isBlank(m.value), nil // as forms send it that were not filled in
		}
	case "shortCodeLength":
		if creates {
			return false, wrongUnless(none || isNumber(m.value), "shortCodeLength must be a number", m.name)
		}
	case "validateUrl", "crawlable":
		return false, wrongUnless(none || isFlag(m.value), m.name+" must be true or false", m.name)
	case "domain":
		if creates {
			return false, h.ownDomain(m)
		}
	case "deviceLongUrls", "pathPrefix":
		if none || isBlank(m.value) || isEmpty(m.value) {
			return false, nil
		}
		return false, wrongUnless(false, m.name+" is not supported", m.name)
	}
	return false, wrongUnless(false, "unknown field", clip(m.name))
}

// wrongUnless refuses a field unless it is right.
func wrongUnless(right bool, detail, name string) error {
	if right {
		return nil
	}
	return invalid(detail, name)
}

// ownDomain refuses a domain that is not the one there is.
func (h shlink) ownDomain(m jsonMember) error {
	var domain *string
	if err := json.Unmarshal(m.value, &domain); err != nil {
		return invalid("domain must be a string", m.name)
	}
	if domain == nil || *domain == "" || *domain == defaultDomain || h.site.isOwn(*domain) {
		return nil
	}
	return invalid("there is one domain: "+h.site.host, m.name)
}

// isBlank reports whether a value is a string without anything to see.
func isBlank(value json.RawMessage) bool {
	var text string
	return len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil && strings.TrimSpace(text) == ""
}

func isNumber(value json.RawMessage) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}

func isFlag(value json.RawMessage) bool { return string(value) == "true" || string(value) == "false" }

// isEmpty reports whether a value is an object in which nothing is set.
func isEmpty(value json.RawMessage) bool {
	var object map[string]*string
	if json.Unmarshal(value, &object) != nil {
		return string(value) == "[]" // PHP's empty object
	}
	for _, v := range object {
		if v != nil {
			return false
		}
	}
	return true
}

// membersOf takes an object apart, values as they were sent and names in their order, twice where they come twice.
func membersOf(body []byte) ([]jsonMember, error) {
	malformed := &Refusal{v1.Problem{
		Status: http.StatusUnprocessableEntity, Code: v1.InvalidJSON, Detail: "Provided request does not contain a valid JSON body.",
	}}
	reader := json.NewDecoder(bytes.NewReader(body))
	if start, err := reader.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed
	}
	var found []jsonMember
	for reader.More() {
		name, err := reader.Token()
		if err != nil {
			return nil, malformed
		}
		m := jsonMember{}
		m.name, _ = name.(string) // More has seen that it is one
		if err := reader.Decode(&m.value); err != nil {
			return nil, malformed
		}
		found = append(found, m)
	}
	if _, err := reader.Token(); err != nil {
		return nil, malformed
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed
	}
	return found, nil
}
