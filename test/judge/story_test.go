package judge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tinyurl/test/history"
)

// A story is a history in lines, one thing after the other:
//
//	a create T key=k id=1 = ok x     on node a, a create for target T with a key; answered with code x
//	a create slug=s T = taken        with a slug
//	a create slug=s T = ok s given=r and the answer named another
//	b get x = ok T v=2               also follow, delete
//	b edit x T if=1 = ok v=2         compare and set
//	a create T limit=2 = ok x        a link that lets two visitors through
//	a visit x = ok T                 a visit that is counted; and what is told of them:
//	b get x = ok T n=1
//	a grant k = ok                   an API key is made; also: revoke
//	b create T by=k = unauthorized   what is asked with it
//	p: a get x                       is asked, and answered later, or never:
//	p = gone
//	fault crash a
//	healed                           the last fault is undone
//	log create T key=k               an entry; also: log create slug=s T, log delete x, log edit x T,
//	                                 log visit x, log grant k, log revoke k
//	logs complete
//	complete a b                     the run says so, and that a and b are its members
//	final a x=T y=U gone=z           what a node held; also applied=, digest=, links=, nothing= (it told no links),
//	                                 n=x:2 (visits that were counted), key=k, lacks=k
//	writable 12s
//	leak something
//
// An operation takes a second. at= and took= say otherwise.
type story struct {
	history history.History
	stamp   uint64
	now     time.Duration
	pending map[string]int
}

func tell(t *testing.T, lines string) history.History {
	t.Helper()
	s := &story{pending: make(map[string]int)}
	s.history.Run = history.Run{Ring: "test", WritableAfter: -1}
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := s.line(words); err != nil {
			t.Fatalf("%s: %v", strings.TrimSpace(line), err)
		}
	}
	if err := s.history.Check(); err != nil {
		t.Fatal(err)
	}
	return s.history
}

func (s *story) next() uint64 {
	s.stamp++
	return s.stamp
}

func (s *story) line(words []string) error {
	switch words[0] {
	case "fault":
		s.history.Faults = append(s.history.Faults, history.Fault{Kind: words[1], What: strings.Join(words[2:], " "), Stamp: s.next(), At: s.now})
	case "healed":
		s.history.Faults = append(s.history.Faults, history.Fault{Kind: "heal", Stamp: s.next(), At: s.now})
		s.history.Run.HealedStamp, s.history.Run.Healed, s.history.Run.WritableAfter = s.stamp, s.now, time.Second
	case "writable":
		after, err := time.ParseDuration(words[1])
		s.history.Run.WritableAfter = after
		return err
	case "complete":
		s.history.Run.Complete, s.history.Run.Nodes = true, words[1:]
	case "logs":
		s.history.Run.LogsComplete = true
	case "log":
		return s.log(words[1:])
	case "leak":
		s.history.Run.Leaks = append(s.history.Run.Leaks, words[1])
	case "final":
		return s.final(words[1:])
	default:
		return s.operation(words)
	}
	return nil
}

func (s *story) operation(words []string) error {
	name := ""
	if cut, ok := strings.CutSuffix(words[0], ":"); ok {
		name, words = cut, words[1:]
	}
	asked, answer := words, []string(nil)
	if i := slices.Index(words, "="); i >= 0 {
		asked, answer = words[:i], words[i+1:]
	}
	place := len(s.history.Operations)
	if known, pending := s.pending[asked[0]]; pending && len(asked) == 1 {
		place = known
	} else {
		o, err := s.asked(asked)
		if err != nil {
			return err
		}
		s.history.Operations = append(s.history.Operations, o)
	}
	if name != "" {
		s.pending[name] = place
		return nil
	}
	if len(answer) == 0 {
		return fmt.Errorf("no answer")
	}
	return s.answered(&s.history.Operations[place], answer)
}

func (s *story) asked(words []string) (history.Operation, error) {
	o := history.Operation{Node: words[0], Kind: history.Kind(words[1]), Outcome: history.Unknown, Call: s.next(), At: s.now}
	var plain []string
	for _, w := range words[2:] {
		name, value, is := property(w)
		switch {
		case !is:
			plain = append(plain, w)
		case name == "key":
			o.Key = value
		case name == "slug":
			o.Slug, o.Code = true, value
		case name == "limit":
			o.Limit = number(value)
		case name == "by":
			o.Holder = value
		case name == "if":
			o.Expected = number(value)
		case name == "client":
			o.Client = int(number(value))
		case name == "at":
			at, err := time.ParseDuration(value)
			if err != nil {
				return o, err
			}
			o.At, s.now = at, at
		default:
			return o, fmt.Errorf("what is %s?", w)
		}
	}
	switch o.Kind {
	case history.Create:
		o.Target = plain[0]
	case history.Edit:
		o.Code, o.Target = plain[0], plain[1]
	case history.Grant, history.Revoke:
		o.Holder = plain[0]
	default:
		o.Code = plain[0]
	}
	return o, nil
}

func (s *story) answered(o *history.Operation, words []string) error {
	o.Outcome, o.Return, o.Took = history.Outcome(words[0]), s.next(), 0
	s.now = o.At
	for _, w := range words[1:] {
		name, value, is := property(w)
		switch {
		case !is && o.Kind == history.Create:
			o.Code = w
		case !is:
			o.Target = w
		case name == "v":
			o.Version = number(value)
		case name == "n":
			o.Visits, o.Counted = number(value), true
		case name == "id":
			o.ID = number(value)
		case name == "given":
			o.Given = value
		case name == "took":
			took, err := time.ParseDuration(value)
			if err != nil {
				return err
			}
			o.Took = took
		default:
			return fmt.Errorf("what is %s?", w)
		}
	}
	s.now += max(o.Took, time.Second)
	return nil
}

func (s *story) log(words []string) error {
	e := history.Entry{Node: "a", Index: uint64(len(s.history.Entries)) + 1, Term: 1}
	effect := history.Effect{}
	var plain []string
	for _, w := range words[1:] {
		name, value, is := property(w)
		switch {
		case !is:
			plain = append(plain, w)
		case name == "key":
			effect.Key = value
		case name == "slug":
			effect.Code = value
		}
	}
	switch words[0] {
	case "create":
		effect.Target = plain[0]
		e.Creates = append(e.Creates, effect)
	case "delete":
		e.Deletes = plain
	case "visit":
		e.Visits = plain
	case "grant":
		e.Grants = plain
	case "revoke":
		e.Revokes = plain
	case "edit":
		effect.Code, effect.Target = plain[0], plain[1]
		e.Edits = append(e.Edits, effect)
	default:
		return fmt.Errorf("what is %s?", words[0])
	}
	s.history.Entries = append(s.history.Entries, e)
	return nil
}

func (s *story) final(words []string) error {
	f := history.Final{Node: words[0], Applied: 9, Digest: "d", Targets: make(map[string]string), Visits: make(map[string]uint64), Keys: make(map[string]bool)}
	links := -1
	for _, w := range words[1:] {
		name, value, is := property(w)
		switch {
		case !is:
			return fmt.Errorf("what is %s?", w)
		case name == "applied":
			f.Applied = number(value)
		case name == "digest":
			f.Digest = value
		case name == "links":
			links = int(number(value))
		case name == "gone":
			f.Deleted = append(f.Deleted, value)
		case name == "n":
			code, n, _ := strings.Cut(value, ":")
			f.Visits[code] = number(n)
		case name == "key" || name == "lacks":
			f.Keys[value] = name == "key"
		case name == "nothing":
			f.Targets = nil
		default:
			f.Targets[name] = value
		}
	}
	f.Links = uint64(len(f.Targets))
	if links >= 0 {
		f.Links = uint64(links)
	}
	s.history.Finals = append(s.history.Finals, f)
	return nil
}

// property cuts name=value; a URL is none, whatever is in it.
func property(word string) (name, value string, is bool) {
	if strings.HasPrefix(word, "http") {
		return "", "", false
	}
	return strings.Cut(word, "=")
}

func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// accusers are the names of the checkers that found something, each once, in the order they ran.
func accusers(v Verdict) []string {
	var names []string
	for _, violation := range v.Violations {
		if !slices.Contains(names, violation.Checker) {
			names = append(names, violation.Checker)
		}
	}
	return names
}
