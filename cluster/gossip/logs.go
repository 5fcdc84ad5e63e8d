package gossip

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"time"
)

// quietFor is how long a line is not repeated at its own level.
const quietFor = 5 * time.Minute

// maxQuiet bounds the lines remembered, and so those logged within quietFor.
const maxQuiet = 256

// quietLogger says each thing once in a while: gossip's troubles repeat every
// second. Repetitions are logged at debug level.
type quietLogger struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	said map[string]time.Time // guarded by mu: when a line was last logged
}

func newQuietLogger(log *slog.Logger, now func() time.Time) *quietLogger {
	return &quietLogger{log: log, now: now, said: make(map[string]time.Time)}
}

// Warn logs what operators should look into.
func (q *quietLogger) Warn(msg string, args ...any) { q.say(slog.LevelWarn, msg, args...) }

// Error logs what breaks the node or soon will.
func (q *quietLogger) Error(msg string, args ...any) { q.say(slog.LevelError, msg, args...) }

// WarnOfAny logs like Warn what strangers can cause: one line for all of them,
// which names one.
func (q *quietLogger) WarnOfAny(from net.Addr, msg string, args ...any) {
	q.sayKeyed(slog.LevelWarn, keyOf(msg, args...), msg, append(args, "from", from.String())...)
}

func (q *quietLogger) say(level slog.Level, msg string, args ...any) {
	q.sayKeyed(level, keyOf(msg, args...), msg, args...)
}

func (q *quietLogger) sayKeyed(level slog.Level, key, msg string, args ...any) {
	if level > slog.LevelInfo && q.repeated(key) {
		level = slog.LevelDebug
	}
	q.log.Log(context.Background(), level, msg, args...)
}

// keyOf is what makes two lines the same.
func keyOf(msg string, args ...any) string {
	record := slog.NewRecord(time.Time{}, slog.LevelInfo, msg, 0)
	record.Add(args...)
	key := msg
	record.Attrs(func(a slog.Attr) bool { key += "\x00" + a.Value.String(); return true })
	return key
}

// repeated tells whether key was said lately, and notes that it is said now. It
// is taken for repeated, too, when too much else was said lately: strangers can
// make lines that differ without end.
func (q *quietLogger) repeated(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if last, ok := q.said[key]; ok && now.Sub(last) < quietFor {
		return true
	}
	if len(q.said) >= maxQuiet {
		maps.DeleteFunc(q.said, func(_ string, last time.Time) bool { return now.Sub(last) >= quietFor })
	}
	if _, known := q.said[key]; !known && len(q.said) >= maxQuiet {
		return true
	}
	q.said[key] = now
	return false
}

// engineLog is the writer behind memberlist's logger: it gives each line its
// level and, where the cause is known, a hint at the way out. Memberlist has
// no typed errors, so text it is.
type engineLog struct{ out *quietLogger }

// Write takes one line.
func (w engineLog) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	level := slog.LevelInfo
	for prefix, l := range map[string]slog.Level{
		"[DEBUG] ": slog.LevelDebug, "[INFO] ": slog.LevelInfo, "[WARN] ": slog.LevelWarn, "[ERR] ": slog.LevelError,
	} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text, level = rest, l
			break
		}
	}
	text = strings.TrimPrefix(text, "memberlist: ")
	text, from := cutFrom(text)
	for _, quiet := range []string{
		"ignoring alive message",    // aliveDelegate says why, better
		"Got ping for unexpected",   // the last boot of this node is still looked for
		"Conflicting address",       // conflictDelegate says it
		"Refuting an alive message", // a restart
		"Suspect ",                  // "node failed" follows, or nothing
		"Marking ",
	} {
		if strings.HasPrefix(text, quiet) {
			level = slog.LevelDebug
		}
	}
	var args []any
	if from != "" {
		args = append(args, "from", from)
	}
	if hint := hintFor(text); hint != "" {
		args = append(args, "hint", hint)
	}
	w.out.say(level, "gossip: "+text, args...)
	return len(line), nil
}

// cutFrom takes memberlist's from=ADDRESS off a line. The port of a stream is
// another each time, so only the host is kept.
func cutFrom(text string) (rest, from string) {
	at := strings.LastIndex(text, " from=")
	if at < 0 || strings.Contains(text[at+1:], " ") {
		return text, ""
	}
	from = text[at+len(" from="):]
	if colon := strings.LastIndexByte(from, ':'); colon > 0 {
		from = from[:colon]
	}
	return text[:at], from
}

// hintFor names the likely cause of an error text of memberlist's.
func hintFor(text string) string {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "could decrypt the message"):
		return "the other side holds another cluster secret"
	case strings.Contains(lower, "not encrypted"), strings.Contains(lower, "encryption version"),
		strings.Contains(lower, "too small to decrypt"), strings.Contains(lower, "encryption is not configured"):
		return "the other side is no tinyurl node, or no gossip port of one"
	case strings.HasSuffix(lower, "eof"), strings.Contains(lower, "connection reset"):
		return "the seed may hold another cluster secret, or be no gossip port"
	}
	return ""
}
