//go:build linux

package load

import (
	"bytes"
	"errors"
	"fmt"
)

// maxHead is the longest head of an answer, in bytes.
const maxHead = 64 << 10

var (
	errNotHTTP = errors.New("the answer is not HTTP/1.1")
	errBody    = errors.New("the length of the answer's body is not to be understood")
)

// answer is what is known of an answer once its head is here.
type answer struct {
	status   int
	location bool // there is one, and it is not empty
	head     int  // bytes, with the empty line; 0 while the head is not complete
	length   int  // of the body in bytes; chunked if it has to be found out
}

const chunked = -1

var (
	endOfHead       = []byte("\r\n\r\n")
	contentLength   = []byte("content-length")
	location        = []byte("location")
	transferEncoded = []byte("transfer-encoding")
)

// readHead reads the head of an answer that begins with b, or returns a zero answer when more bytes are needed.
func readHead(b []byte) (answer, error) {
	end := bytes.Index(b, endOfHead)
	if end < 0 {
		if len(b) > maxHead {
			return answer{}, fmt.Errorf("%w: no end of the head in %d bytes", errNotHTTP, len(b))
		}
		return answer{}, nil
	}
	// "HTTP/1.1 302 Found"
	if end < 12 || string(b[:9]) != "HTTP/1.1 " {
		return answer{}, fmt.Errorf("%w: %.40q", errNotHTTP, b)
	}
	a := answer{head: end + len(endOfHead)}
	for _, digit := range b[9:12] {
		a.status = a.status*10 + int(digit-'0')
	}
	for rest := b[12 : end+2]; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if err := a.header(line); err != nil {
			return answer{}, err
		}
	}
	return a, nil
}

// header takes one line. Only three are of interest, and the first letter excludes nearly all others.
func (a *answer) header(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	switch line[0] | 0x20 {
	case 'l':
		if value, ok := valueOf(line, location); ok {
			a.location = len(value) > 0
		}
	case 'c':
		if value, ok := valueOf(line, contentLength); ok {
			a.length = 0
			for _, digit := range value {
				if digit < '0' || digit > '9' || a.length > 1<<30 {
					return fmt.Errorf("%w: %q", errBody, line)
				}
				a.length = a.length*10 + int(digit-'0')
			}
		}
	case 't':
		if value, ok := valueOf(line, transferEncoded); ok && bytes.EqualFold(value, []byte("chunked")) {
			a.length = chunked
		}
	}
	return nil
}

// valueOf gives the value of a header line that has the name.
func valueOf(line, name []byte) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !bytes.EqualFold(line[:len(name)], name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name)+1:]), true
}

// end gives the length of the whole answer in bytes, 0 while more are needed.
func (a answer) end(b []byte) (int, error) {
	if a.length != chunked {
		if len(b) < a.head+a.length {
			return 0, nil
		}
		return a.head + a.length, nil
	}
	at := a.head
	for {
		size, next, err := chunk(b, at)
		if err != nil || next == 0 {
			return 0, err
		}
		if next+size+2 > len(b) {
			return 0, nil
		}
		at = next + size + 2
		if size == 0 {
			return at, nil // no trailers: nobody asked for any
		}
	}
}

// chunk reads the line before a chunk: its size, and where it begins; 0 when the line is not here yet.
func chunk(b []byte, at int) (size, begins int, err error) {
	i := bytes.IndexByte(b[at:], '\n')
	if i < 0 {
		return 0, 0, nil
	}
	for _, digit := range bytes.TrimRight(b[at:at+i], "\r") {
		switch {
		case digit >= '0' && digit <= '9':
			size = size<<4 | int(digit-'0')
		case digit|0x20 >= 'a' && digit|0x20 <= 'f':
			size = size<<4 | int(digit|0x20-'a'+10)
		default:
			return 0, 0, fmt.Errorf("%w: a chunk begins with %q", errBody, b[at:at+i])
		}
		if size > 1<<30 {
			return 0, 0, errBody
		}
	}
	return size, at + i + 1, nil
}

// body gives the body of a whole answer, with its chunks put together in place.
func (a answer) body(b []byte) []byte {
	if a.length != chunked {
		return b[a.head : a.head+a.length]
	}
	to, at := a.head, a.head
	for {
		size, next, err := chunk(b, at)
		if err != nil || next == 0 || size == 0 {
			return b[a.head:to]
		}
		to += copy(b[to:], b[next:next+size])
		at = next + size + 2
	}
}
