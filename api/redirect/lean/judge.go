package lean

import "bytes"

// verdict says who answers a request.
type verdict int

const (
	// unfinished is what may become any of the others.
	unfinished verdict = iota
	// plain is a visit without anything special to it: answered here.
	plain
	// other is whatever else HTTP allows, and what it does not: net/http goes on with the connection.
	other
	// broken is what two readers might read in two ways: refused, and the connection closed. Only strict requests are.
	broken
)

// maxCode is the length of the longest code, in bytes.
const maxCode = 128

// request is what was seen of a request so far.
type request struct {
	// strict says that a request is not given away before it is known that there is one way alone to read its header.
	strict bool
	// seen is how many bytes were looked at, in whole lines.
	seen int
	// head says HEAD, else it is GET. The target ends there.
	head      bool
	targetEnd int

	// What was seen of the header fields that decide where a request ends and who may answer it.
	hosts           int
	closes, special bool
	// line is where the line begins that is looked at, and said what was seen of who sends the request.
	line int
	said said

	// body says that there is one, maybe of no bytes; unclear that readers may disagree about where it ends.
	body, unclear bool
}

const (
	getStart, headStart = "GET ", "HEAD "
	lineTail            = " HTTP/1.1"
)

// judge looks at a request as it came, from the line on at which it ended when there were fewer bytes. It is stricter than any
// reader behind it: what is plain is lines of "name: value" that end with CRLF, which all readers split alike.
func (r *request) judge(raw []byte) verdict {
	for {
		end := bytes.IndexByte(raw[r.seen:], '\n')
		if end < 0 {
			return unfinished
		}
		first, line := r.seen == 0, raw[r.seen:r.seen+end]
		r.line = r.seen
		r.seen += end + 1
		sound := end > 0 && line[end-1] == '\r'
		if sound {
			line = line[:end-1]
		}
		switch {
		case first:
			r.start(line)
		case sound && len(line) == 0:
			return r.whole()
		case sound:
			sound = r.field(line)
		}
		switch {
		case !r.strict && (!sound || r.special):
			return other
		case !sound:
			return broken
		}
	}
}

// whole is the verdict once the header is there.
func (r *request) whole() verdict {
	switch {
	case r.strict && r.unclear:
		return broken
	case r.hosts != 1, r.special, r.body:
		return other
	}
	return plain
}

// start takes the request line into account.
func (r *request) start(line []byte) {
	target, get := bytes.CutPrefix(line, []byte(getStart))
	if !get {
		target, r.head = bytes.CutPrefix(line, []byte(headStart))
	}
	target, modern := bytes.CutSuffix(target, []byte(lineTail))
	r.special = !get && !r.head || !modern || !plainTarget(target)
	r.targetEnd = len(line) - len(lineTail)
}

// target gives the target of a plain visit, out of the bytes that were judged.
func (r *request) target(raw []byte) []byte {
	start := len(getStart)
	if r.head {
		start = len(headStart)
	}
	return raw[start:r.targetEnd]
}

// code gives the code of a plain visit.
func (r *request) code(raw []byte) []byte { return codeOf(r.target(raw)) }

// query reports whether a plain visit has a query with something in it.
func (r *request) query(raw []byte) bool {
	target := r.target(raw)
	return len(target) > 1+len(codeOf(target))+len("?")
}

// field takes one line of the header into account. It is false if readers might split the line, or the header, in several ways.
func (r *request) field(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 || bytes.IndexByte(line, '\r') >= 0 {
		return false
	}
	name, value := line[:colon], line[colon+1:]
	for _, c := range name {
		if !inName[c] {
			if blank(c) {
				return false
			}
			r.special = true
		}
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			r.special = true
		}
	}
	r.add(name, value)
	r.said.add(name, value, r.line+colon+1)
	return true
}

// inName says which bytes names of fields are made of.
var inName = func() (in [256]bool) {
	for c := range in {
		in[c] = alphanumeric(byte(c)) || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0
	}
	return in
}()

// add takes the meaning of one field into account.
func (r *request) add(name, value []byte) {
	switch len(name) {
	case len("host"):
		if is(name, "host") {
			r.hosts++
			r.special = r.special || !plainHost(trim(value))
		}
	case len("expect"):
		r.special = r.special || is(name, "expect")
	case len("upgrade"): // and trailer
		r.special = r.special || is(name, "upgrade") || is(name, "trailer")
	case len("connection"):
		if is(name, "connection") {
			value = trim(value)
			r.closes = r.closes || is(value, "close")
			r.special = r.special || !is(value, "close") && !is(value, "keep-alive")
		}
	case len("content-length"):
		if is(name, "content-length") {
			r.unclear = r.unclear || r.body
			r.body = true
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			r.unclear = r.unclear || r.body || !is(trim(value), "chunked")
			r.body = true
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

// trim takes off what may stand around a value.
func trim(value []byte) []byte {
	for len(value) > 0 && blank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && blank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// plainHost reports whether a Host is of the characters that names, addresses and ports are made or. Whatever else may stand
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
