package judge

import (
	"slices"

	"tinyurl/test/history"
)

// logged is what all logs together hold: what is not in it never happened.
type logged struct {
	keys      map[string]bool
	generated map[string]bool // targets of creates without a slug
	slugs     map[[2]string]bool
	deletes   map[string]bool
	edits     map[[2]string]bool
	visits    map[string]bool
	grants    map[string]bool
	revokes   map[string]bool
}

func readLogs(entries []history.Entry) *logged {
	l := &logged{
		keys: make(map[string]bool), generated: make(map[string]bool), slugs: make(map[[2]string]bool),
		deletes: make(map[string]bool), edits: make(map[[2]string]bool), visits: make(map[string]bool),
		grants: make(map[string]bool), revokes: make(map[string]bool),
	}
	for _, e := range entries {
		for _, c := range e.Creates {
			if c.Key != "" {
				l.keys[c.Key] = true
			}
			if c.Code == "" {
				l.generated[c.Target] = true
			} else {
				l.slugs[[2]string{c.Code, c.Target}] = true
			}
		}
		note(l.deletes, e.Deletes)
		note(l.visits, e.Visits)
		note(l.grants, e.Grants)
		note(l.revokes, e.Revokes)
		for _, c := range e.Edits {
			l.edits[[2]string{c.Code, c.Target}] = true
		}
	}
	return l
}

func note(seen map[string]bool, names []string) {
	for _, name := range names {
		seen[name] = true
	}
}

// create reports whether a log holds a try of the making.
func (l *logged) create(m *making) bool {
	if m.key != "" && l.keys[m.key] {
		return true
	}
	if m.slug {
		return l.slugs[[2]string{m.code, m.target}]
	}
	return l.generated[m.target]
}

// operation reports whether a log holds the delete or edit, or one just like it.
func (l *logged) operation(o *history.Operation) bool {
	if o.Kind == history.Delete {
		return l.deletes[o.Code]
	}
	return l.edits[[2]string{o.Code, o.Target}]
}

// findHidden looks, for every code, for unanswered creates that explain what nobody is known to have asked for there: a create
// without a slug learns its code from its answer alone. It explains one code that the cluster can have given, and no other.
func (r *record) findHidden() {
	for _, a := range r.order {
		if readsAsGenerated(a.code) {
			r.findSeen(a)
		}
	}
	unanswered := r.unplaced()
	for _, a := range r.order {
		if readsAsGenerated(a.code) && r.mayBeUnseen(a) {
			a.anyHidden = unanswered[:min(1, len(unanswered))] // makings are in the order of calls: the first can do what any can
		}
	}
}

// isHidden reports whether a making may have made a link and nobody was told which code it has.
func (m *making) isHidden() bool { return !m.slug && !m.done() && m.possible() }

// findSeen looks for the creates of the targets that were seen at a code and that nobody is known to have wanted there.
func (r *record) findSeen(a *alias) {
	wanted := make(map[string]bool)
	for _, m := range a.makings {
		if m.possible() {
			wanted[m.target] = true
		}
	}
	for _, i := range a.edits {
		if r.mayHaveHappened(i) {
			wanted[r.h.Operations[i].Target] = true
		}
	}
	for target := range r.seenTargets(a) {
		if wanted[target] {
			continue
		}
		for _, m := range r.byTarget[target] {
			if m.isHidden() {
				if a.hidden == nil {
					a.hidden = make(map[string][]*making)
				}
				a.hidden[target] = append(a.hidden[target], m)
			}
		}
	}
}

// mayBeUnseen reports whether a link whose first target nobody saw may have been at the code.
func (r *record) mayBeUnseen(a *alias) bool {
	made := slices.ContainsFunc(a.makings, (*making).possible)
	return !made && len(a.hidden) == 0 && (len(a.edits) > 0 || len(r.seenTargets(a)) == 0)
}

// unplaced are the unanswered creates without a slug whose links need not be those that were seen: a making makes one link, so
// when a target was seen at as many codes as there are makings to explain it, none of them is left for a code elsewhere.
func (r *record) unplaced() []*making {
	places := make(map[string]int) // by target, codes that only unanswered creates explain
	for _, a := range r.order {
		for target := range a.hidden {
			places[target]++
		}
	}
	hidden := make(map[string]int) // by target, unanswered creates
	for _, m := range r.makings {
		if m.isHidden() {
			hidden[m.target]++
		}
	}
	var left []*making
	for _, m := range r.makings {
		if m.isHidden() && places[m.target] < hidden[m.target] {
			left = append(left, m)
		}
	}
	return left
}

// seenTargets are the targets that reads and nodes found at the code.
func (r *record) seenTargets(a *alias) map[string]bool {
	seen := make(map[string]bool)
	for _, i := range a.reads {
		if o := &r.h.Operations[i]; o.Outcome == history.OK {
			seen[o.Target] = true
		}
	}
	for _, f := range r.h.Finals {
		if target, live := f.Targets[a.code]; live {
			seen[target] = true
		}
	}
	return seen
}
