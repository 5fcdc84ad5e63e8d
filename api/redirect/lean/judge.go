package lean

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// verdict says who answers a request.
type verdict int

const (
	// plain is a visit without anything special to it: answered here.
	plain verdict = iota
	// other is whatever else HTTP allows: net/http goes on with the connection.
	other
	// broken is what two readers might read in two ways: refused, and the connection closed.
	broken
)

// maxCode is the length of the longest code, in bytes.
const maxCode = 128

// judge looks at a request as it came. closes says that the client asks for the connection to be closed.
func judge(h *fasthttp.RequestHeader) (v verdict, closes bool) {
	v, closes = judgeFields(h.RawHeaders())
	if v == plain && (!h.IsGet() && !h.IsHead() || !h.IsHTTP11() || !plainTarget(h.RequestURI())) {
		v = other
	}
	return v, closes
}

// fields is what was seen of the header fields that decide where a request ends and who may answer it.
type fields struct {
	hosts            int
	lengths, codings int
	closes, special  bool
}

// judgeFields goes through the header as it came, with the blank line that ends it. It is stricter than any reader behind it:
// what is let through is lines of "name: value" that end with CRLF, which all readers split alike.
func judgeFields(raw []byte) (v verdict, closes bool) {
	var seen fields
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return broken, false
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || bytes.IndexByte(line, '\r') >= 0 || bytes.ContainsAny(line[:colon], " \t") {
			return broken, false
		}
		seen.add(line[:colon], line[colon+1:])
	}
	switch {
	case len(raw) > 0, seen.lengths+seen.codings > 1:
		return broken, false
	case seen.hosts != 1, seen.special, seen.lengths+seen.codings > 0:
		return other, seen.closes
	}
	return plain, seen.closes
}

// add takes one field into account.
func (f *fields) add(name, value []byte) {
	switch len(name) {
	case len("host"):
		if is(name, "host") {
			f.hosts++
			f.special = f.special || !plainHost(trim(value))
		}
	case len("expect"):
		f.special = f.special || is(name, "expect")
	case len("upgrade"): // and trailer
		f.special = f.special || is(name, "upgrade") || is(name, "trailer")
	case len("connection"):
		if is(name, "connection") {
			value = trim(value)
			f.closes = f.closes || is(value, "close")
			f.special = f.special || !is(value, "close") && !is(value, "keep-alive")
		}
	case len("content-length"):
		if is(name, "content-length") {
			f.lengths++
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			f.codings++
		}
	}
}

// is compares without case; word is in lower case and has no bytes that another could be folded to outside of letters.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

func trim(value []byte) []byte { return bytes.Trim(value, " \t") }

// plainHost reports whether a Host is of the characters that names, addresses and ports are made of. Whatever else may stand
// there is for net/http to judge.
func plainHost(host []byte) bool {
	for _, c := range host {
		if !alphanumeric(c) && c != '.' && c != '-' && c != ':' && c != '[' && c != ']' && c != '_' {
			return false
		}
	}
	return len(host) > 0
}

// plainTarget reports whether a request target is a slash and a code, and maybe a query of printable characters.
func plainTarget(target []byte) bool {
	code := codeOf(target)
	if len(code) == 0 || len(code) > maxCode || !alphanumeric(code[0]) {
		return false
	}
	for _, c := range code[1:] {
		if !alphanumeric(c) && c != '_' && c != '-' {
			return false
		}
	}
	for _, c := range target[1+len(code):] {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// codeOf gives what stands between the slash and the query; nothing if there is no slash in front.
func codeOf(target []byte) []byte {
	if len(target) == 0 || target[0] != '/' {
		return nil
	}
	code := target[1:]
	if query := bytes.IndexByte(code, '?'); query >= 0 {
		code = code[:query]
	}
	return code
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
}
