package transport

import (
	"log/slog"
	"sync"
	"time"
)

// How often one and the same complaint is logged, and how many different ones are remembered. A node with a wrong secret
// tries many times a second, and anyone who reaches the port could fill a disk with refusals.
const (
	complainEvery = 30 * time.Second
	complaintsMax = 256
)

// complaints logs each kind of trouble at most once in complainEvery and says how often it happened since. The zero value is
// ready.
type complaints struct {
	mu   sync.Mutex // guards kept
	kept map[string]*complaint
}

type complaint struct {
	logged    time.Time
	swallowed int // since it was logged
}

// warn logs msg unless the same key was logged a moment ago. A nil log is silence.
func (c *complaints) warn(log *slog.Logger, key, msg string, args ...any) {
	n, ok := c.due(key)
	if !ok || log == nil {
		return
	}
	if n > 0 {
		args = append(args, "repeated", n)
	}
	log.Warn(msg, args...)
}

// due says whether to log now, and how often it was not logged since the last time.
func (c *complaints) due(key string) (repeated int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	known := c.kept[key]
	if known != nil && now.Sub(known.logged) < complainEvery {
		known.swallowed++
		return 0, false
	}
	if known == nil {
		if c.kept == nil || len(c.kept) >= complaintsMax {
			c.kept = map[string]*complaint{} // forgetting costs a repeated line, remembering would cost memory
		}
		known = &complaint{}
		c.kept[key] = known
	}
	repeated, known.swallowed, known.logged = known.swallowed, 0, now
	return repeated, true
}
