package v1

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// What a service writes for every link it makes is written by hand: encoding/json finds its way through these documents by
// reflection, and goes over every moment three times. Tests hold every byte to what encoding/json would write.

// AppendJSON appends the document to b as encoding/json writes it without HTML escapes. It fails where a Time does.
func (l *Link) AppendJSON(b []byte) (_ []byte, err error) {
	b = appendString(append(b, `{"shortCode":`...), l.ShortCode)
	b = appendString(append(b, `,"shortUrl":`...), l.ShortURL)
	b = appendString(append(b, `,"longUrl":`...), l.LongURL)
	b = appendString(append(b, `,"title":`...), l.Title)
	b = appendList(append(b, `,"tags":`...), l.Tags)
	b = append(b, `,"owner":`...)
	if l.Owner == nil {
		b = append(b, "null"...)
	} else {
		b = appendString(b, *l.Owner)
	}
	if b, err = l.appendTimes(b); err != nil {
		return nil, err
	}
	b = append(b, `,"maxVisits":`...)
	if l.MaxVisits == nil {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendUint(b, *l.MaxVisits, 10)
	}
	b = strconv.AppendInt(append(b, `,"redirectStatus":`...), int64(l.RedirectStatus), 10)
	b = strconv.AppendBool(append(b, `,"forwardQuery":`...), l.ForwardQuery)
	b = strconv.AppendBool(append(b, `,"enabled":`...), l.Enabled)
	b = strconv.AppendBool(append(b, `,"hasPassword":`...), l.HasPassword)
	b = strconv.AppendUint(append(b, `,"visits":{"total":`...), l.Visits.Total, 10)
	b = strconv.AppendUint(append(b, `,"nonBots":`...), l.Visits.NonBots, 10)
	b = strconv.AppendUint(append(b, `,"bots":`...), l.Visits.Bots, 10)
	b = strconv.AppendUint(append(b, `},"version":`...), l.Version, 10)
	return append(b, '}'), nil
}

// appendTimes appends the four moments.
func (l *Link) appendTimes(b []byte) (_ []byte, err error) {
	if b, err = l.CreatedAt.appendJSON(append(b, `,"createdAt":`...)); err != nil {
		return nil, err
	}
	if b, err = l.UpdatedAt.appendJSON(append(b, `,"updatedAt":`...)); err != nil {
		return nil, err
	}
	if b, err = appendMoment(append(b, `,"validSince":`...), l.ValidSince); err != nil {
		return nil, err
	}
	return appendMoment(append(b, `,"validUntil":`...), l.ValidUntil)
}

// appendMoment appends a moment that may be none.
func appendMoment(b []byte, t *Time) ([]byte, error) {
	if t == nil {
		return append(b, "null"...), nil
	}
	return t.appendJSON(b)
}

// appendList appends a list of strings.
func appendList(b []byte, list []string) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// rowRoom is what most rows of Results find room in, in bytes.
const rowRoom = 600

// AppendJSON appends the document to b as encoding/json writes it without HTML escapes. It fails where a Time does.
func (r *Results) AppendJSON(b []byte) (_ []byte, err error) {
	b = append(b, `{"results":`...)
	if r.Results == nil {
		return append(b, "null}"...), nil
	}
	b = append(slices.Grow(b, len(r.Results)*rowRoom), '[')
	for i := range r.Results {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = r.Results[i].appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, "]}"...), nil
}

func (r *Result) appendJSON(b []byte) (_ []byte, err error) {
	b = append(b, `{"status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	if r.Link != nil {
		b = append(b, `,"link":`...)
		if b, err = r.Link.AppendJSON(b); err != nil {
			return nil, err
		}
	}
	if r.Error != nil {
		b = append(b, `,"error":`...)
		b = appendStandard(b, r.Error)
	}
	return append(b, '}'), nil
}

// appendString appends a JSON string. What is not plain is left to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendStandard(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendStandard appends what encoding/json makes of v. It takes nothing that encoding/json may refuse.
func appendStandard[V string | *Problem](b []byte, v V) []byte {
	whole := bytes.NewBuffer(b)
	encoder := json.NewEncoder(whole)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) //nolint:errchkjson // both are made of text and numbers, which are never refused
	// Encode ends a document with a line break.
	return bytes.TrimSuffix(whole.Bytes(), []byte("\n"))
}
