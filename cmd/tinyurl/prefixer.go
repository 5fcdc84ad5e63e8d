package main

import (
	"bytes"
	"io"
	"sync"
)

// maxLogLine bounds what is held back of a line that does not end, in bytes.
const maxLogLine = 64 << 10

// prefixer merges the output of several processes, whole lines, each with the name of its process before it.
type prefixer struct {
	mu  sync.Mutex // held while a line is written to out
	out io.Writer
}

func newPrefixer(out io.Writer) *prefixer { return &prefixer{out: out} }

// line writes one line. There is nobody to tell if it fails: this is where complaints go.
func (p *prefixer) line(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, name+" | "+text+"\n")
}

// writer takes the output of the process of that name.
func (p *prefixer) writer(name string) *prefixWriter { return &prefixWriter{to: p, name: name} }

// prefixWriter belongs to the one goroutine that copies a process's output.
type prefixWriter struct {
	to   *prefixer
	name string
	rest []byte // a line whose end has not come
}

// Write passes on the whole lines and keeps the rest; it never fails, for that would end the process that wrote.
func (w *prefixWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			break
		}
		w.to.line(w.name, string(line))
		w.rest = rest
	}
	if len(w.rest) > maxLogLine {
		w.flush()
	}
	return len(b), nil
}

// flush passes on a line that did not end.
func (w *prefixWriter) flush() {
	if len(w.rest) > 0 {
		w.to.line(w.name, string(w.rest))
		w.rest = nil
	}
}
