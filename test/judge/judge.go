package judge

import (
	"io"
	"slices"
	"strings"
	"time"

	"tinyurl/test/history"
)

// Options are the bounds of a judgement. The zero value takes the defaults.
type Options struct {
	// Stale is how long after a delete was acknowledged, and after the last fault was undone, a redirect on another node may
	// still find the link; 10 s if 0.
	Stale time.Duration
	// Writable is how long after the last fault was undone every node must have accepted a write; 10 s if 0.
	Writable time.Duration
	// Answer is how long a read must have been waited for before that it was not answered, when nothing is broken, is an
	// accusation; 1 s if 0, as long as a node without a leader looks for one.
	Answer time.Duration
	// Steps is how many steps Porcupine may try for one code before it counts as undecided; 20 million if 0.
	Steps int
	// Most is how many violations of each checker are kept; all are counted. 20 if 0.
	Most int
}

func (o Options) withDefaults() Options {
	if o.Stale == 0 {
		o.Stale = 10 * time.Second
	}
	if o.Writable == 0 {
		o.Writable = 10 * time.Second
	}
	if o.Answer == 0 {
		o.Answer = time.Second
	}
	if o.Steps == 0 {
		o.Steps = 20_000_000
	}
	if o.Most == 0 {
		o.Most = 20
	}
	return o
}

// Violation is a promise that was broken, or a question that could not be decided.
type Violation struct {
	// Checker is the name of the one that found it, Text what it found, for people.
	Checker string
	Text    string
	// Code is the link it is about; empty if it is not about one.
	Code string
	// Operations are the shortest history that shows it, by Call. None when the text says it all.
	Operations []history.Operation
}

// Verdict is what a history shows.
type Verdict struct {
	Violations []Violation
	// Skipped says which questions the history gave no answer to, and why: what was not judged is not proven.
	Skipped []string
	// Lacks are those of Skipped for which the history lacks what every complete run has; of a run that says it is complete each
	// is a violation, "evidence". The others are about what a run need not have done.
	Lacks   []string
	Figures Figures
}

// OK reports whether no promise was seen broken and every question that was asked was decided.
func (v Verdict) OK() bool { return len(v.Violations) == 0 }

// Figures count what was judged.
type Figures struct {
	Operations map[history.Kind]map[history.Outcome]int
	Faults     map[string]int
	// Aliases is how many codes were asked for or held, Finals how many nodes told what they held, Entries how many log
	// entries were read.
	Aliases, Finals, Entries int
	// Checkers are those that ran, Found how many violations each found, also those that were not kept.
	Checkers []string
	Found    map[string]int
}

// checker is one question.
type checker struct {
	name  string
	check func(*trial)
}

func checkers() []checker {
	return []checker{
		{"linearizability", checkLinearizability},
		{"unique", checkUnique},
		{"acknowledged", checkAcknowledged},
		{"read-your-writes", checkReadYourWrites},
		{"redirects", checkRedirects},
		{"invented", checkInvented},
		{"deletes", checkDeletes},
		{"visits", checkVisits},
		{"keys", checkKeys},
		{"views", checkViews},
		{"retries", checkRetries},
		{"finals", checkFinals},
		{"healing", checkHealing},
		{"answers", checkAnswers},
		{"answered", checkAnswered},
		{"evidence", checkEvidence}, // the last: it looks at what the others lacked
	}
}

// Checkers are the names of all checkers, in the order they run in.
func Checkers() []string {
	all := checkers()
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
	}
	return names
}

// Judge judges a history with the default bounds.
func Judge(h history.History) Verdict { return JudgeWith(h, Options{}) }

// JudgeWith judges a history. One that history.Check refuses is a violation of the "history" itself and judged no further.
func JudgeWith(h history.History, o Options) Verdict {
	t := &trial{options: o.withDefaults(), verdict: Verdict{Figures: figures(h)}}
	if err := h.Check(); err != nil {
		t.checker = "history"
		t.accuse("", err.Error())
		return t.verdict
	}
	t.record = newRecord(h)
	t.verdict.Figures.Aliases = len(t.aliases)
	for _, c := range checkers() {
		t.checker = c.name
		c.check(t)
		t.verdict.Figures.Checkers = append(t.verdict.Figures.Checkers, c.name)
	}
	return t.verdict
}

func figures(h history.History) Figures {
	f := Figures{
		Operations: make(map[history.Kind]map[history.Outcome]int), Faults: make(map[string]int), Found: make(map[string]int),
		Finals: len(h.Finals), Entries: len(h.Entries),
	}
	for _, o := range h.Operations {
		if f.Operations[o.Kind] == nil {
			f.Operations[o.Kind] = make(map[history.Outcome]int)
		}
		f.Operations[o.Kind][o.Outcome]++
	}
	for _, fault := range h.Faults {
		f.Faults[fault.Kind]++
	}
	return f
}

// trial is one judgement under way.
type trial struct {
	*record
	options Options
	checker string // the one that runs
	verdict Verdict
}

// full reports whether the running checker has all the violations that are kept: making up evidence for more is in vain.
func (t *trial) full() bool { return t.verdict.Figures.Found[t.checker] >= t.options.Most }

// accuse notes a violation and the operations that show it, given by their places in the history.
func (t *trial) accuse(code, text string, evidence ...int) {
	full := t.full()
	t.verdict.Figures.Found[t.checker]++
	if full {
		return
	}
	v := Violation{Checker: t.checker, Text: text, Code: code}
	slices.Sort(evidence)
	for _, i := range slices.Compact(evidence) {
		if i >= 0 {
			v.Operations = append(v.Operations, t.h.Operations[i])
		}
	}
	t.verdict.Violations = append(t.verdict.Violations, v)
}

// skip notes that the running checker had nothing to go by, and need not have.
func (t *trial) skip(why string) {
	t.verdict.Skipped = append(t.verdict.Skipped, t.checker+": "+why)
}

// lack notes that the running checker had nothing to go by, which a complete run would have given it.
func (t *trial) lack(why string) {
	t.skip(why)
	t.verdict.Lacks = append(t.verdict.Lacks, t.checker+": "+why)
}

// WriteHTML draws what happened to one code, by Porcupine: the operations in time, and the longest orders of them that a
// correct cluster could have had.
func WriteHTML(w io.Writer, h history.History, code string) error {
	if err := h.Check(); err != nil {
		return err
	}
	return draw(w, newRecord(h), code)
}

// NewLife reports whether a fault of this kind ends or begins a process of the nodes it names, so that what a node had applied
// and not yet synced may be applied again, later. Rings choose the words of their faults accordingly: those with "crash", "kill", "power",
// "wipe", "start" (restart) or "stop" in them. A fault that names no node counts for all.
func NewLife(kind string) bool {
	kind = strings.ToLower(kind)
	for _, word := range []string{"crash", "kill", "power", "wipe", "start", "stop"} {
		if strings.Contains(kind, word) {
			return true
		}
	}
	return false
}
