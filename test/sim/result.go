package sim

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tinyurl/test/history"
	"tinyurl/test/judge"
)

// result is what one life came to, as its process tells the one that started it: a line of JSON.
type result struct {
	Seed     uint64 `json:"seed"`
	Machines int    `json:"machines"`
	// Virtual is how long the cluster lived under the workload: from its first write to its last, founding, the quiet and the
	// reading at the end not counted. Real is what that took, judging included.
	Virtual       time.Duration                            `json:"virtual"`
	Real          time.Duration                            `json:"real"`
	Operations    map[history.Kind]map[history.Outcome]int `json:"operations"`
	Faults        map[string]int                           `json:"faults"`
	Skipped       map[string]int                           `json:"skipped"` // faults that found nobody
	Events        map[string]int                           `json:"events"`
	WritableAfter time.Duration                            `json:"writableAfter"`
	Violations    []violation                              `json:"violations,omitempty"`
	// Broken says that the life was broken off without a verdict, see exitStill.
	Broken bool `json:"broken,omitempty"`
	// Kept is where the history and the nodes' words are, if the life failed. Print is the same for equal histories.
	Kept  string `json:"kept,omitempty"`
	Print string `json:"print"`
}

// violation is one promise seen broken, by the judge or by the world itself.
type violation struct {
	Checker string        `json:"checker"`
	Text    string        `json:"text"`
	At      time.Duration `json:"at,omitempty"`
}

// conclude judges a life.
func conclude(p plan, l lived, real time.Duration) (result, judge.Verdict) {
	h := l.history
	v := judge.Judge(h)
	r := result{
		Seed: p.seed, Machines: p.machines, Virtual: l.virtual, Real: real, Faults: l.faults, Skipped: l.skipped, Events: map[string]int{},
		Operations: map[history.Kind]map[history.Outcome]int{}, WritableAfter: h.Run.WritableAfter, Print: fingerprint(h),
	}
	for _, op := range h.Operations {
		if r.Operations[op.Kind] == nil {
			r.Operations[op.Kind] = map[history.Outcome]int{}
		}
		r.Operations[op.Kind][op.Outcome]++
	}
	for _, words := range counted() {
		r.Events[words] = l.book.count(words)
	}
	r.Events["restarts"] = int(l.restarts)
	r.Events["log entries"] = len(h.Entries)
	r.Events["visits counted"], r.Events["visits that died untold"] = int(l.visits), int(l.untold)
	r.Events["dials"], r.Events["broken streams"] = int(l.wire.Dials), int(l.wire.Breaks+l.wire.Resets+l.wire.Timeouts)
	r.Events["messages on streams"], r.Events["packets"] = int(l.wire.Writes), int(l.wire.Packets)
	for _, q := range l.problems {
		r.Violations = append(r.Violations, violation{Checker: q.checker, Text: q.text, At: q.at})
	}
	for _, q := range v.Violations {
		at := h.Run.Healed
		if len(q.Operations) > 0 {
			at = q.Operations[len(q.Operations)-1].At
		}
		r.Violations = append(r.Violations, violation{Checker: q.Checker, Text: q.Text, At: at})
	}
	return r, v
}

// keep writes what a failed life leaves behind: the history, which test/check reads, what the nodes said, the plan, and Porcupine's
// picture of the first code it is about.
func keep(dir string, p plan, l lived, v judge.Verdict) (string, error) {
	path := filepath.Join(dir, fmt.Sprintf("seed-%d-of-%d", p.seed, p.machines))
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	files := map[string]func(io.Writer) error{
		"history.jsonl": func(w io.Writer) error { return history.Write(w, l.history) },
		"nodes.log":     func(w io.Writer) error { l.book.dump(w); return nil },
		"plan.txt":      func(w io.Writer) error { _, err := io.WriteString(w, p.String()); return err },
	}
	for _, found := range v.Violations {
		if found.Code != "" {
			files["code.html"] = func(w io.Writer) error { return judge.WriteHTML(w, l.history, found.Code) }
			break
		}
	}
	for name, write := range files {
		if err := writeFile(filepath.Join(path, name), write); err != nil {
			return path, fmt.Errorf("keep %s: %w", name, err)
		}
	}
	return path, nil
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, 1<<16)
	if err := write(buffered); err != nil {
		_ = f.Close()
		return err
	}
	if err := buffered.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
