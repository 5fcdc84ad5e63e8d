package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// logbook takes what all nodes of a life log. It counts what the report speaks of, wakes faults that wait for a moment, and keeps
// the last lines for the case that the life fails.
type logbook struct {
	start time.Time
	out   io.Writer // everything as it comes; nil when nobody watches

	mu     sync.Mutex
	counts map[string]int // owned by mu: by the message's beginning
	lines  []bookLine     // owned by mu: a ring
	next   int            // owned by mu: where the ring goes on
	waits  []*moment      // owned by mu
}

// bookLine is one message, written out only when somebody reads it.
type bookLine struct {
	at     time.Duration
	who    string
	record slog.Record
	with   []slog.Attr
}

// moment is what a fault waits for: one of some messages of a node.
type moment struct {
	words []string
	who   chan string // takes the name of the node that said it
}

// keptLines is how many messages are kept.
const keptLines = 40_000

// Messages that are counted, by how they begin.
const (
	saidLeading   = "entering leader state"
	saidSnapshot  = "snapshot complete up to"
	saidInstalled = "Installed remote snapshot"
	saidAdmitting = "admitting a new member"
	saidRemoving  = "removing a"
	saidHandover  = "handing leadership over"
	saidCampaign  = "entering candidate state"
)

func counted() []string {
	return []string{saidLeading, saidSnapshot, saidInstalled, saidAdmitting, saidRemoving, saidHandover, saidCampaign}
}

func newLogbook(start time.Time, out io.Writer) *logbook {
	return &logbook{start: start, out: out, counts: map[string]int{}}
}

// of is the logger of one node.
func (b *logbook) of(who string) *slog.Logger { return slog.New(bookHandler{book: b, who: who}) }

// await waits until some node says one of words, and names it; false when ctx ends first.
func (b *logbook) await(ctx context.Context, words []string) (string, bool) {
	m := &moment{words: words, who: make(chan string, 1)}
	b.mu.Lock()
	b.waits = append(b.waits, m)
	b.mu.Unlock()
	select {
	case who := <-m.who:
		return who, true
	case <-ctx.Done():
		return "", false
	}
}

func (b *logbook) count(words string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts[words]
}

// say writes a line of the ring itself.
func (b *logbook) say(text string) {
	b.take("-", slog.NewRecord(time.Now(), slog.LevelInfo, text, 0), nil)
}

func (b *logbook) take(who string, r slog.Record, with []slog.Attr) {
	line := bookLine{at: r.Time.Sub(b.start), who: who, record: r, with: with}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, words := range counted() {
		if strings.HasPrefix(r.Message, words) {
			b.counts[words]++
		}
	}
	kept := b.waits[:0]
	for _, m := range b.waits {
		if slices.ContainsFunc(m.words, func(words string) bool { return strings.HasPrefix(r.Message, words) }) {
			m.who <- who // it has room for one, and is told once
			continue
		}
		kept = append(kept, m)
	}
	b.waits = kept
	if len(b.lines) < keptLines {
		b.lines = append(b.lines, line)
	} else {
		b.lines[b.next] = line
		b.next = (b.next + 1) % keptLines
	}
	if b.out != nil {
		line.write(b.out)
	}
}

// dump writes the kept lines.
func (b *logbook) dump(w io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.lines {
		b.lines[(b.next+i)%len(b.lines)].write(w)
	}
}

func (l bookLine) write(w io.Writer) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%12.6f %-4s %-5s %s", l.at.Seconds(), l.who, l.record.Level, l.record.Message)
	for _, a := range l.with {
		fmt.Fprintf(&text, " %s=%v", a.Key, a.Value)
	}
	l.record.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&text, " %s=%v", a.Key, a.Value)
		return true
	})
	text.WriteByte('\n')
	_, _ = w.Write(text.Bytes())
}

// bookHandler is the slog.Handler of one node.
type bookHandler struct {
	book *logbook
	who  string
	with []slog.Attr
}

func (h bookHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h bookHandler) Handle(_ context.Context, r slog.Record) error {
	h.book.take(h.who, r, h.with)
	return nil
}

func (h bookHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.with = append(h.with[:len(h.with):len(h.with)], attrs...)
	return h
}

func (h bookHandler) WithGroup(string) slog.Handler { return h }
