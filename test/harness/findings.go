package harness

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// keptFindings is how many findings are kept word for word; of the others only the number is known.
const keptFindings = 20

// Findings collects what must not happen. The zero value is empty; it is safe for concurrent use.
type Findings struct {
	mu    sync.Mutex
	first []string
	total int
}

// Add notes one finding.
func (f *Findings) Add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.total++; len(f.first) < keptFindings {
		f.first = append(f.first, fmt.Sprintf(format, args...))
	}
}

// Count is the number of findings.
func (f *Findings) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// Err is nil when nothing was found, else an error that lists the first findings.
func (f *Findings) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.total == 0 {
		return nil
	}
	text := strings.Join(f.first, "\n  ")
	if more := f.total - len(f.first); more > 0 {
		text += fmt.Sprintf("\n  and %d more", more)
	}
	return errors.New(fmt.Sprintf("%d findings:\n  ", f.total) + text)
}
