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
	b = append(b, `{"shortCode":`...)
	b = appendString(b, l.ShortCode)
	b = append(b, `,"shortUrl":`...)
	b = appendString(b, l.ShortURL)
	b = append(b, `,"longUrl":`...)
	b = appendString(b, l.LongURL)
	b = append(b, `,"createdAt":`...)
	if b, err = l.CreatedAt.appendJSON(b); err != nil {
		return nil, err
	}
	b = append(b, `,"updatedAt":`...)
	if b, err = l.UpdatedAt.appendJSON(b); err != nil {
		return nil, err
	}
	b = append(b, `,"validUntil":`...)
	if l.ValidUntil == nil {
		b = append(b, "null"...)
	} else if b, err = l.ValidUntil.appendJSON(b); err != nil {
		return nil, err
	}
	b = append(b, `,"version":`...)
	b = strconv.AppendUint(b, l.Version, 10)
	return append(b, '}'), nil
}

// rowRoom is what most rows of Results find room in, in bytes.
const rowRoom = 300

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
