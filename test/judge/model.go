package judge

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"tinyurl/test/history"
)

// state is what one code is, one after the other: absent, live, deleted; never back.
type state struct {
	phase   phase
	target  int32  // place in sketch.targets, anyTarget if nobody has seen it yet
	version uint64 // 0 if it is not known
	maker   int32  // number of the making, of a live or deleted link
	limit   uint64
	visits  uint64 // counted ones, of a live link with a limit
	turn    uint32 // how many unanswered visits were counted
}

type phase uint8

const (
	absent phase = iota
	live
	deleted
	ended // no deed but unanswered ones is left
)

const (
	anyTarget int32 = -1
	anyMaker  int32 = -1
	// noMaker is who was told "taken" and cannot have made the link itself.
	noMaker int32 = -2
)

// deed is one operation on one code as Porcupine sees it. A making is one deed, however often it was tried.
type deed struct {
	kind    history.Kind
	outcome history.Outcome // Unknown: it takes effect if it can, whatever was answered
	// late marks the answer of a redirect that found a link: true some time before its return.
	late     bool
	target   int32
	expected uint64
	version  uint64
	maker    int32
	limit    uint64 // of a create
	// visits is what a read was told, if counted is set.
	visits  uint64
	counted bool
	// finished marks a Gone that a visitor was told, of a link that may be used up.
	finished bool
	// turn orders unanswered visits, from 1: they are all alike, so that only those orders need be tried in which the one asked first
	// counts first. 0 for all other deeds.
	turn     uint32
	call     uint64
	returned uint64
	first    int // operations of the history: the first try and the one whose answer counts; -1 for what a node held in the end
	last     int
}

// finalRead is the kind of a deed that tells what the nodes held in the end.
const finalRead history.Kind = "held in the end"

// endOfAll is the kind of a deed after all that was answered. Only after it unanswered writes may have had no effect: as what never
// happens can as well happen then, and the orders to try are far fewer.
const endOfAll history.Kind = "end"

// step is the sequential specification: whether the deed can have had its outcome in a state, and the state after it.
func step(s state, d *deed) (bool, state) {
	if s.phase == ended {
		return d.outcome == history.Unknown, s
	}
	switch d.kind {
	case endOfAll:
		return true, state{phase: ended}
	case history.Create:
		return stepCreate(s, d)
	case history.Delete:
		return stepDelete(s, d)
	case history.Edit:
		return stepEdit(s, d)
	case history.Visit:
		return stepVisit(s, d)
	default:
		return stepRead(s, d)
	}
}

func stepCreate(s state, d *deed) (bool, state) {
	switch d.outcome {
	case history.OK, history.Unknown:
		if s.phase == absent {
			return true, state{phase: live, target: d.target, version: 1, maker: d.maker, limit: d.limit}
		}
		return false, s
	default: // Taken: by another one than itself
		return s.phase != absent && (s.maker != d.maker || s.maker == anyMaker), s
	}
}

func stepDelete(s state, d *deed) (bool, state) {
	switch d.outcome {
	case history.OK, history.Unknown:
		if s.phase == live {
			return true, state{phase: deleted, maker: s.maker}
		}
		return false, s
	default:
		return stepRead(s, d)
	}
}

func stepEdit(s state, d *deed) (bool, state) {
	matches := s.phase == live && (d.expected == 0 || s.version == d.expected)
	switch d.outcome {
	case history.OK, history.Unknown:
		if !matches {
			return false, s
		}
		s.version++
		s.target = d.target
		return d.outcome == history.Unknown || d.version == 0 || d.version == s.version, s
	case history.Conflict:
		return s.phase == live && !matches, s
	default:
		return stepRead(s, d)
	}
}

func stepRead(s state, d *deed) (bool, state) {
	switch d.outcome {
	case history.OK:
		if s.phase != live || d.version != 0 && d.version != s.version || d.counted && d.visits != s.visits || d.late && !s.open() {
			return false, s
		}
		if s.target == anyTarget {
			s.target = d.target
		}
		return s.target == d.target, s
	case history.NotFound:
		return s.phase == absent, s
	case history.Gone:
		return s.phase == deleted || d.finished && s.usedUp(), s
	default: // held in the end: no live link
		return s.phase != live, s
	}
}

// model gives the specification to Porcupine, which may take so many steps and remember so many states; past either it is
// told no, and spent is set.
func model(steps, states int, spent *bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(before, input, _ any) (bool, any) {
			steps--
			if steps < 0 || states < 0 {
				*spent = true
				return false, before
			}
			s := before.(state)
			ok, after := step(s, input.(*deed))
			if !ok {
				return false, before
			}
			states--
			if after == s {
				return true, before
			}
			return true, after
		},
		Equal: func(a, b any) bool { return a.(state) == b.(state) },
		Hash: func(s any) uint64 {
			v := s.(state)
			return (uint64(v.phase)<<62 ^ uint64(uint32(v.target))<<32 ^ v.version ^ uint64(uint32(v.maker))<<16 ^ v.visits<<48 ^ uint64(v.turn)<<56) *
				0x9e3779b97f4a7c15
		},
	}
}

// answer is what Porcupine found.
type answer int

const (
	legal answer = iota
	illegal
	undecided
)

// stateBytes is the memory Porcupine may take for the states of one code.
const stateBytes = 256 << 20

// judgeDeeds asks Porcupine whether the deeds of one code can have happened one after the other.
func judgeDeeds(deeds []*deed, steps int) answer {
	spent := false
	states := stateBytes / (len(deeds)/8 + 200)
	if porcupine.CheckOperations(model(steps, states, &spent), operations(deeds)) {
		return legal
	}
	if spent {
		return undecided
	}
	return illegal
}

// operations are the deeds and the end of them all.
func operations(deeds []*deed) []porcupine.Operation {
	all := make([]porcupine.Operation, 0, len(deeds)+1)
	end := uint64(0)
	for _, d := range deeds {
		all = append(all, porcupine.Operation{Input: d, Call: stampOf(d.call), Return: stampOf(d.returned)})
		if d.outcome != history.Unknown || d.kind == finalRead {
			end = max(end, d.returned)
		}
		end = max(end, d.call)
	}
	last := &deed{kind: endOfAll, outcome: history.OK}
	return append(all, porcupine.Operation{Input: last, Call: stampOf(end) + 1, Return: stampOf(end) + 2})
}

// stampOf is a stamp as Porcupine has it.
func stampOf(stamp uint64) int64 {
	const last = 1<<63 - 1
	if stamp > last {
		return last
	}
	return int64(stamp)
}

// describe is a deed in words, for pictures.
func (d *deed) describe(targets []string) string {
	target := ""
	if d.target >= 0 && int(d.target) < len(targets) && (d.kind == history.Create || d.kind == history.Edit || d.outcome == history.OK) {
		target = " " + targets[d.target]
	}
	version := ""
	if d.kind == history.Edit {
		version = fmt.Sprintf(" if %d", d.expected)
	}
	if d.counted {
		version = fmt.Sprintf(", %d visits", d.visits)
	}
	return fmt.Sprintf("%s%s%s: %s", d.kind, target, version, d.outcome)
}
