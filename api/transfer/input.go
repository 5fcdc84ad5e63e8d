package transfer

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

const (
	// headSize is how much of a file is looked at to tell its format.
	headSize = 64 << 10
	// maxIdle is how often in a row a stream may give nothing before it is held to be broken.
	maxIdle = 100
)

// input is a window onto a stream: the bytes that were read and not yet dropped, MaxRow and a little more at most.
type input struct {
	stream io.Reader
	// window[from:] are the bytes in view.
	window []byte
	from   int
	// gone is how many bytes were dropped.
	gone int64
	// err is what ended the stream; io.EOF if it came to its end.
	err error
}

func newInput(stream io.Reader) *input {
	return &input{stream: stream, window: make([]byte, 0, 2*headSize)}
}

// head gives up to headSize bytes from the front, fewer only if the stream has no more.
func (in *input) head() []byte {
	for len(in.window)-in.from < headSize && in.fill() {
		continue
	}
	view := in.window[in.from:]
	return view[:min(len(view), headSize)]
}

// at gives the byte i places after the front. False: the stream ends before it.
func (in *input) at(i int) (byte, bool) {
	for in.from+i >= len(in.window) {
		if !in.fill() {
			return 0, false
		}
	}
	return in.window[in.from+i], true
}

// fill reads some more. What was dropped makes room for it, before the window grows.
func (in *input) fill() bool {
	if in.err != nil {
		return false
	}
	if len(in.window) == cap(in.window) {
		kept := copy(in.window, in.window[in.from:])
		if in.from < cap(in.window)/2 {
			in.window = slices.Grow(in.window[:kept], cap(in.window))
		}
		in.window, in.from = in.window[:kept], 0
	}
	for range maxIdle {
		n, err := in.stream.Read(in.window[len(in.window):cap(in.window)])
		in.window = in.window[:len(in.window)+n]
		in.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	in.err = io.ErrNoProgress
	return false
}

// drop moves the front n bytes on, none of them out of view.
func (in *input) drop(n int) {
	in.from += n
	in.gone += int64(n)
}

// failed gives the error that broke the stream; nil if it came to its end or goes on.
func (in *input) failed() error {
	if in.err == nil || errors.Is(in.err, io.EOF) {
		return nil
	}
	return in.err
}

// cutShort is the error of a stream that ended where more had to come.
func (in *input) cutShort() error {
	if err := in.failed(); err != nil {
		return err
	}
	return unreadable("it ends in the middle")
}

// skipSpace drops white space and gives the byte after it, which stays. False: nothing but white space was left.
func (in *input) skipSpace() (byte, bool) {
	for {
		b, ok := in.at(0)
		if !ok || b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b, ok
		}
		in.drop(1)
	}
}

// verdict is what a scan says to a byte.
type verdict uint8

const (
	more      verdict = iota // the span goes on
	endAfter                 // it ends, with this byte as its last
	endBefore                // it ends, and this byte is not of it
	broken                   // it makes no sense
)

// span is a part of the input that a scan found.
type span struct {
	// text is in view and not yet dropped. It lasts until the next call of input. Nil if the span was longer than MaxRow: then
	// all of it is dropped.
	text []byte
	// end is the last verdict; more if the stream ended first.
	end     verdict
	tooLong bool
}

// scan feeds the bytes from the front to judge, until that has enough or the stream ends. Each is fed with its place in the
// span, counted from 0.
func (in *input) scan(judge func(b byte, place int) verdict) span {
	var found span
	dropped := 0
	for i := 0; ; i++ {
		if i-dropped > MaxRow {
			in.drop(i - dropped)
			dropped, found.tooLong = i, true
		}
		b, ok := in.at(i - dropped)
		size := i - dropped
		if ok {
			found.end = judge(b, i)
			if found.end == more {
				continue
			}
			if found.end != endBefore {
				size++
			}
		}
		if found.tooLong || size > MaxRow {
			in.drop(size)
			found.tooLong = true
			return found
		}
		found.text = in.window[in.from : in.from+size]
		return found
	}
}

// ended gives the error of a stream that ended before the span did: io.EOF if the span is empty.
func (in *input) ended(found span) error {
	switch {
	case found.end != more:
		return nil
	case in.failed() != nil:
		return in.failed()
	case len(found.text) == 0 && !found.tooLong:
		return io.EOF
	}
	return nil
}

// lineEnd is the scan of a line, its line break included.
func lineEnd(b byte, _ int) verdict {
	if b == '\n' {
		return endAfter
	}
	return more
}

// line takes the next line, without its line break. io.EOF: there is none. A fault: the line is too long.
func (in *input) line() ([]byte, error) {
	found := in.scan(lineEnd)
	if err := in.ended(found); err != nil {
		return nil, err
	}
	if found.tooLong {
		return nil, tooLong
	}
	in.drop(len(found.text))
	return bytes.TrimRight(found.text, "\r\n"), nil
}
