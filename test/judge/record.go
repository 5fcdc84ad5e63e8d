package judge

import (
	"math"
	"slices"
	"strings"

	"tinyurl/test/history"
)

// never is the Return of what never returned.
const never = math.MaxUint64

// making is one link that somebody wanted: all tries of one create.
type making struct {
	number    int // its place in record.makings
	slug      bool
	code      string // the slug
	target    string
	key       string
	limit     uint64 // the greatest that a try wanted
	tries     []int  // operations, by Call
	call      uint64
	codes     []answered // the codes it was told, in the order of the answers; more than one is a violation
	unknown   bool       // a try was not answered
	conflicts bool       // a try was told that its key is another's
	refuted   bool       // it was not told done, and the complete logs do not have it
}

// answered is a code that tries of a making were told.
type answered struct {
	code     string
	id       uint64
	op       int // the first that was told
	returned uint64
}

// done reports whether some try was acknowledged.
func (m *making) done() bool { return len(m.codes) > 0 }

// possible reports whether it may have made a link.
func (m *making) possible() bool { return m.done() || m.unknown && !m.refuted }

// told gives what was answered with the code.
func (m *making) told(code string) (answered, bool) {
	for _, a := range m.codes {
		if a.code == code {
			return a, true
		}
	}
	return answered{}, false
}

// alias is everything about one code.
type alias struct {
	code    string
	makings []*making // those that were told this code, or asked for it as a slug
	reads   []int     // Get, Follow and Visit, by Call
	deletes []int     // by Call
	edits   []int     // by Call
	// hidden are unanswered creates without a slug which may have made this link, by the targets that were seen here and nobody
	// else asked for here. With anyHidden a link was there whose target was not seen.
	hidden    map[string][]*making
	anyHidden []*making
}

// record is a history by code, key and target.
type record struct {
	h        history.History
	end      uint64 // after the last stamp
	makings  []*making
	byKey    map[string][]*making
	byTarget map[string][]*making
	editsTo  map[string]int // how many edits that may have happened want a target
	aliases  map[string]*alias
	order    []*alias // by first mention
	logged   *logged  // nil unless the logs are complete
	lives    map[string][]uint64
	keys     []*apiKey // by first mention
}

func newRecord(h history.History) *record {
	r := &record{
		h: h, byKey: make(map[string][]*making), byTarget: make(map[string][]*making), editsTo: make(map[string]int),
		aliases: make(map[string]*alias), lives: livesOf(h),
	}
	if h.Run.LogsComplete {
		r.logged = readLogs(h.Entries)
	}
	r.readOperations()
	for _, f := range h.Faults {
		r.end = max(r.end, f.Stamp+1)
	}
	for _, f := range h.Finals {
		for _, code := range sortedCodes(f) {
			r.alias(code)
		}
	}
	r.findHidden()
	r.readKeys()
	return r
}

// sortedCodes are the codes a node held in the end, in an order that is the same at every run.
func sortedCodes(f history.Final) []string {
	codes := make([]string, 0, len(f.Targets)+len(f.Deleted))
	for code := range f.Targets {
		codes = append(codes, code)
	}
	codes = append(codes, f.Deleted...)
	slices.Sort(codes)
	return codes
}

// alias gives the code's entry, made if needed.
func (r *record) alias(code string) *alias {
	a := r.aliases[code]
	if a == nil {
		a = &alias{code: code}
		r.aliases[code] = a
		r.order = append(r.order, a)
	}
	return a
}

// wish is what tells makings apart: tries of one create share it.
type wish struct {
	key, target, slug string
}

func (r *record) readOperations() {
	byWish := make(map[wish]*making)
	for i := range r.h.Operations {
		o := &r.h.Operations[i]
		r.end = max(r.end, o.Call+1, o.Return+1)
		switch o.Kind {
		case history.Create:
			r.readCreate(i, byWish)
		case history.Get, history.Follow, history.Visit:
			a := r.alias(o.Code)
			a.reads = append(a.reads, i)
		case history.Delete:
			a := r.alias(o.Code)
			a.deletes = append(a.deletes, i)
		case history.Edit:
			a := r.alias(o.Code)
			a.edits = append(a.edits, i)
			if r.mayHaveHappened(i) {
				r.editsTo[o.Target]++
			}
		}
	}
	for _, m := range r.makings {
		slices.SortStableFunc(m.codes, func(a, b answered) int { return compare(a.returned, b.returned) })
		m.refuted = !m.done() && r.logged != nil && !r.logged.create(m)
	}
}

func (r *record) readCreate(i int, byWish map[wish]*making) {
	o := &r.h.Operations[i]
	w := wish{key: o.Key, target: o.Target}
	if o.Slug {
		w.slug = o.Code
	}
	m := byWish[w]
	if m == nil || o.Key == "" {
		m = &making{number: len(r.makings), slug: o.Slug, code: w.slug, target: o.Target, key: o.Key, call: o.Call}
		r.makings = append(r.makings, m)
		r.byTarget[o.Target] = append(r.byTarget[o.Target], m)
		if o.Key != "" {
			byWish[w] = m
			r.byKey[o.Key] = append(r.byKey[o.Key], m)
		}
		if o.Slug {
			a := r.alias(o.Code)
			a.makings = append(a.makings, m)
		}
	}
	m.limit = max(m.limit, o.Limit)
	m.tries = append(m.tries, i)
	switch o.Outcome {
	case history.Unknown:
		m.unknown = true
	case history.Conflict:
		m.conflicts = true
	case history.OK:
		r.readAnswer(m, i)
	}
}

// readAnswer notes the code a try was told: the first answer of each code counts.
func (r *record) readAnswer(m *making, i int) {
	o := &r.h.Operations[i]
	for k := range m.codes {
		if known := &m.codes[k]; known.code == o.Code {
			if o.Return < known.returned {
				known.op, known.returned = i, o.Return
			}
			known.id = max(known.id, o.ID)
			return
		}
	}
	m.codes = append(m.codes, answered{code: o.Code, id: o.ID, op: i, returned: o.Return})
	if !m.slug {
		a := r.alias(o.Code)
		a.makings = append(a.makings, m)
	}
}

// mayHaveHappened reports whether a delete or edit may have taken effect: it was acknowledged, or not answered and is in some
// log as far as the logs are known.
func (r *record) mayHaveHappened(i int) bool {
	o := &r.h.Operations[i]
	switch o.Outcome {
	case history.OK:
		return true
	case history.Unknown:
		return r.logged == nil || r.logged.operation(o)
	default:
		return false
	}
}

// returned is the stamp of the answer, never if there was none.
func (r *record) returned(i int) uint64 {
	if ret := r.h.Operations[i].Return; ret != 0 {
		return ret
	}
	return never
}

// livesOf gives, for each node, the stamps at which a process of it ended or began.
func livesOf(h history.History) map[string][]uint64 {
	lives := make(map[string][]uint64)
	nodes := nodesOf(h)
	for _, f := range h.Faults {
		if !NewLife(f.Kind) {
			continue
		}
		named := nodes
		if some := mentioned(f.What, nodes); len(some) > 0 {
			named = some
		}
		for _, node := range named {
			lives[node] = append(lives[node], f.Stamp)
		}
	}
	for _, stamps := range lives {
		slices.Sort(stamps)
	}
	return lives
}

// nodesOf are all nodes that a history speaks of.
func nodesOf(h history.History) []string {
	seen := make(map[string]bool)
	for _, n := range h.Run.Nodes {
		seen[n] = true
	}
	for i := range h.Operations {
		seen[h.Operations[i].Node] = true
	}
	nodes := make([]string, 0, len(seen))
	for n := range seen {
		nodes = append(nodes, n)
	}
	slices.Sort(nodes)
	return nodes
}

// mentioned are the nodes whose names are words of the text.
func mentioned(text string, nodes []string) []string {
	words := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" ,;:()[]/|+<>=\t", c) })
	var some []string
	for _, n := range nodes {
		if slices.Contains(words, n) {
			some = append(some, n)
		}
	}
	return some
}

// lastLife is the last stamp up to at at which a process of the node ended or began, 0 if none.
func (r *record) lastLife(node string, at uint64) uint64 {
	stamps := r.lives[node]
	i, found := slices.BinarySearch(stamps, at)
	if found {
		return stamps[i]
	}
	if i == 0 {
		return 0
	}
	return stamps[i-1]
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
