package compat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
)

// record is an array of PHP's: names and values, in their order. Values are strings, numbers and records.
type record []field

type field struct {
	name  string
	value any
}

// MarshalJSON writes an object.
func (r record) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, f := range r {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	return append(text, '}'), nil
}

// xml appends an element for each name. Names are those of this package, and need no escapes.
func (r record) xml(text *bytes.Buffer) error {
	for _, f := range r {
		text.WriteString("<" + f.name + ">")
		if inner, ok := f.value.(record); ok {
			if err := inner.xml(text); err != nil {
				return err
			}
		} else if err := xml.EscapeText(text, []byte(fmt.Sprint(f.value))); err != nil {
			return err
		}
		text.WriteString("</" + f.name + ">")
	}
	return nil
}

// status is the HTTP status that a record asks for.
func (r record) status() int {
	for _, name := range []string{"statusCode", "errorCode"} {
		for _, f := range r {
			if f.name != name {
				continue
			}
			switch code := f.value.(type) {
			case int:
				return code
			case string:
				if n, err := strconv.Atoi(code); err == nil {
					return n
				}
			}
		}
	}
	return http.StatusOK
}

// yourlsFormatOf is how the answer is to be written: as XML if nothing is said, and as plain text if it is nothing that is known.
func yourlsFormatOf(p parameters) string {
	format, given := p.values["format"]
	switch {
	case !given:
		return "xml"
	case format == "xml" || format == "json" || format == "jsonp":
		return format
	}
	return "simple"
}

// simple is the name of what is written of a record as plain text, and left out of all else.
const simple = "simple"

// encodeYOURLS writes an answer.
func encodeYOURLS(format, callback string, all record) (Answer, error) {
	answer := Answer{Status: all.status()}
	var plain string
	r := make(record, 0, len(all)+1)
	for _, f := range all {
		if text, ok := f.value.(string); ok && f.name == simple {
			plain = text
			continue
		}
		r = append(r, f)
	}
	var text bytes.Buffer
	var err error
	switch {
	case format == "simple":
		answer.MediaType = plainText
		text.WriteString(plain)
	case format == "xml":
		answer.MediaType = "application/xml"
		text.WriteString("<?xml version=\"1.0\"?>\n<root>")
		err = r.xml(&text)
		text.WriteString("</root>\n")
	case format == "jsonp" && validCallback(callback):
		answer.MediaType = "application/javascript"
		text.WriteString(callback + "(")
		err = json.NewEncoder(&text).Encode(append(r, field{"callback", callback}))
		text.WriteString(")")
	default:
		answer.MediaType = "application/json"
		err = json.NewEncoder(&text).Encode(r)
	}
	answer.Content = text.Bytes()
	return answer, err
}
