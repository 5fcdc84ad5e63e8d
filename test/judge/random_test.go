package judge

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"

	"tinyurl/test/history"
)

func TestNoClusterThatKeepsItsPromisesIsAccused(t *testing.T) {
	operations, unknown := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		h := newCluster(seed).run(rapid.IntRange(1, 400).Draw(t, "length"))
		v := Judge(h)
		for _, violation := range v.Violations {
			t.Errorf("%s: %s\n%+v", violation.Checker, violation.Text, violation.Operations)
		}
		operations += len(h.Operations)
		for _, outcomes := range v.Figures.Operations {
			unknown += outcomes[history.Unknown]
		}
	})
	t.Logf("%d operations, %d of them unanswered", operations, unknown)
	if operations < 1000 || unknown < operations/10 {
		t.Error("these clusters do too little to prove anything")
	}
}

// planting changes a history into one that shows a broken promise; false if it has nothing fit for it.
type planting func(r *rand.Rand, h *history.History) bool

// sure are reads of links that were acknowledged before, without a delete or edit that had begun.
func sure(h *history.History, kind history.Kind) []int {
	var places []int
	for i, o := range h.Operations {
		if o.Kind != kind || o.Outcome != history.OK {
			continue
		}
		made, touched := false, false
		for _, w := range h.Operations {
			switch {
			case w.Code != o.Code:
			case w.Kind == history.Create && w.Outcome == history.OK:
				made = made || w.Return < o.Call
			case (w.Kind == history.Delete || w.Kind == history.Edit) && w.Call < o.Return:
				touched = touched || w.Outcome == history.OK || w.Outcome == history.Unknown
			}
		}
		if made && !touched {
			places = append(places, i)
		}
	}
	return places
}

// kept are acknowledged creates whose links nobody asked to delete.
func kept(h *history.History) []int {
	var places []int
	for i, o := range h.Operations {
		untouched := !slices.ContainsFunc(h.Operations, func(w history.Operation) bool { return w.Kind == history.Delete && w.Code == o.Code })
		if o.Kind == history.Create && o.Outcome == history.OK && untouched {
			places = append(places, i)
		}
	}
	return places
}

// one changes one operation of several.
func one(r *rand.Rand, h *history.History, places []int, change func(*history.Operation)) bool {
	if len(places) == 0 {
		return false
	}
	change(&h.Operations[places[r.IntN(len(places))]])
	return true
}

func plantings() map[string]planting {
	outcome := func(kind history.Kind, to history.Outcome) planting {
		return func(r *rand.Rand, h *history.History) bool {
			return one(r, h, sure(h, kind), func(o *history.Operation) { o.Outcome, o.Target, o.Version, o.Visits, o.Counted = to, "", 0, 0, false })
		}
	}
	return map[string]planting{
		"a get misses":        outcome(history.Get, history.NotFound),
		"a get finds it gone": outcome(history.Get, history.Gone),
		"a visitor gets 404":  outcome(history.Follow, history.NotFound),
		"a visitor gets 410":  outcome(history.Follow, history.Gone),
		"a get finds another target": func(r *rand.Rand, h *history.History) bool {
			return one(r, h, sure(h, history.Get), func(o *history.Operation) { o.Target += "x" })
		},
		"a visitor is sent elsewhere": func(r *rand.Rand, h *history.History) bool {
			return one(r, h, sure(h, history.Follow), func(o *history.Operation) { o.Target += "x" })
		},
		"a node lost a link":      plantLost,
		"all nodes lost a link":   plantLostEverywhere,
		"one digest differs":      plantDigest,
		"a link from nowhere":     plantExtra,
		"a code is given again":   plantTwice,
		"an id is given again":    plantID,
		"a retry is told another": plantRetry,
		"a write is in no log":    plantUnlogged,
		"a deleted link is read":  plantUndeleted,
	}
}

func plantLost(r *rand.Rand, h *history.History) bool {
	return one(r, h, kept(h), func(o *history.Operation) { delete(h.Finals[r.IntN(len(h.Finals))].Targets, o.Code) })
}

func plantLostEverywhere(r *rand.Rand, h *history.History) bool {
	return one(r, h, kept(h), func(o *history.Operation) {
		for i := range h.Finals {
			delete(h.Finals[i].Targets, o.Code)
			h.Finals[i].Links--
		}
	})
}

func plantDigest(r *rand.Rand, h *history.History) bool {
	h.Finals[r.IntN(len(h.Finals))].Digest = "other"
	return true
}

func plantExtra(r *rand.Rand, h *history.History) bool {
	f := &h.Finals[r.IntN(len(h.Finals))]
	f.Targets["extra"] = "https://example.org/nobody"
	f.Links++
	return true
}

func plantTwice(r *rand.Rand, h *history.History) bool {
	made := kept(h)
	if len(made) == 0 {
		return false
	}
	twice := h.Operations[made[r.IntN(len(made))]]
	last := lastStamp(h)
	twice.Target, twice.Key, twice.Call, twice.Return = "https://example.org/again", "", last+1, last+2
	h.Operations = append(h.Operations, twice)
	return true
}

func plantID(r *rand.Rand, h *history.History) bool {
	var numbered []int
	for i, o := range h.Operations {
		if o.ID != 0 && o.Outcome == history.OK {
			numbered = append(numbered, i)
		}
	}
	if len(numbered) == 0 {
		return false
	}
	again := h.Operations[numbered[r.IntN(len(numbered))]]
	last := lastStamp(h)
	again.Code, again.Target, again.Key, again.Call, again.Return = "fresh", "https://example.org/fresh", "", last+1, last+2
	h.Operations = append(h.Operations, again)
	return true
}

func plantRetry(r *rand.Rand, h *history.History) bool {
	var keyed []int
	for i, o := range h.Operations {
		if o.Key != "" && o.Outcome == history.OK {
			keyed = append(keyed, i)
		}
	}
	if len(keyed) == 0 {
		return false
	}
	again := h.Operations[keyed[r.IntN(len(keyed))]]
	if again.Slug {
		return false
	}
	last := lastStamp(h)
	again.Code, again.ID, again.Call, again.Return = "another", 0, last+1, last+2
	h.Operations = append(h.Operations, again)
	return true
}

func plantUnlogged(r *rand.Rand, h *history.History) bool {
	if !h.Run.LogsComplete || len(h.Entries) == 0 {
		return false
	}
	i := r.IntN(len(h.Entries))
	e := h.Entries[i]
	h.Entries = slices.Delete(h.Entries, i, i+1)
	return slices.ContainsFunc(h.Operations, func(o history.Operation) bool {
		return o.Kind == history.Create && o.Outcome == history.OK && len(e.Creates) > 0 && o.Target == e.Creates[0].Target
	})
}

func plantUndeleted(r *rand.Rand, h *history.History) bool {
	for _, d := range h.Operations {
		if d.Kind != history.Delete || d.Outcome != history.OK {
			continue
		}
		for i, o := range h.Operations {
			if o.Kind == history.Get && o.Code == d.Code && o.Outcome == history.Gone && o.Call > d.Return {
				target := slices.IndexFunc(h.Operations, func(w history.Operation) bool { return w.Kind == history.Create && w.Code == d.Code })
				if target >= 0 {
					h.Operations[i].Outcome, h.Operations[i].Target = history.OK, h.Operations[target].Target
					return true
				}
			}
		}
	}
	return false
}

func lastStamp(h *history.History) uint64 {
	last := uint64(0)
	for _, o := range h.Operations {
		last = max(last, o.Call, o.Return)
	}
	for _, f := range h.Faults {
		last = max(last, f.Stamp)
	}
	return last
}

func TestEveryPlantedLieIsAccused(t *testing.T) {
	const times = 15
	for name, plant := range plantings() {
		t.Run(name, func(t *testing.T) {
			planted := 0
			for seed := uint64(0); planted < times && seed < 20*times; seed++ {
				h := newCluster(seed).run(400)
				if !plant(rand.New(rand.NewPCG(seed, 2)), &h) {
					continue
				}
				planted++
				if v := Judge(h); v.OK() {
					t.Errorf("seed %d: nobody was accused", seed)
				}
			}
			if planted < times {
				t.Errorf("planted %d times, want %d", planted, times)
			}
		})
	}
}

func TestPlantedLiesAreAccusedWhateverTheHistory(t *testing.T) {
	all := plantings()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(t, "lie")
		h := newCluster(seed).run(rapid.IntRange(10, 400).Draw(t, "length"))
		if all[name](rand.New(rand.NewPCG(seed, 2)), &h) && Judge(h).OK() {
			t.Errorf("%s: nobody was accused", name)
		}
	})
}

// What is left out before Porcupine is asked changes no answer: the same is found with every deed in its place, and with a
// specification that lets unanswered writes come to nothing at any time.
func TestReducedHistoriesHaveTheSameAnswer(t *testing.T) {
	answers := make(map[answer]int)
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		h := newCluster(seed).run(50 + r.IntN(200))
		for range r.IntN(20) {
			spoil(r, &h)
		}
		tr := &trial{record: newRecord(h)}
		for _, a := range tr.order {
			s := tr.sketch(a)
			if len(s.deeds) > 25 {
				continue // too many orders without the shortcuts
			}
			got := judgeDeeds(s.reduced(), 1_000_000)
			want := illegal
			if porcupine.CheckOperations(plainModel(), operations(s.deeds)[:len(s.deeds)]) {
				want = legal
			}
			answers[got]++
			if got != want {
				t.Errorf("seed %d, %s: reduced to %d of %d deeds gives %d, want %d", seed, a.code, len(s.reduced()), len(s.deeds), got, want)
			}
		}
	}
	if answers[legal] < 100 || answers[illegal] < 100 {
		t.Errorf("answers %v: too few to prove anything", answers)
	}
}

// plainModel is the specification without shortcuts.
func plainModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(before, input, _ any) (bool, any) {
			d := *input.(*deed)
			d.turn = 0
			ok, after := step(before.(state), &d)
			if !ok && d.outcome == history.Unknown && d.kind != finalRead {
				return true, before
			}
			return ok, after
		},
	}
}

// spoil changes some answer to another one, right or wrong.
func spoil(r *rand.Rand, h *history.History) {
	o := &h.Operations[r.IntN(len(h.Operations))]
	alike := slices.DeleteFunc(slices.Clone(h.Operations), func(w history.Operation) bool { return w.Kind != o.Kind || w.Code != o.Code })
	other := alike[r.IntN(len(alike))]
	switch {
	case o.Return == 0, o.Kind == history.Grant, o.Kind == history.Revoke, other.Outcome == history.Unauthorized && o.Holder == "":
	case o.Kind == history.Create:
		if o.Slug && other.Outcome != history.Unknown && (other.Outcome != history.OK || o.Outcome == history.OK) {
			o.Outcome = other.Outcome
		}
	default:
		o.Outcome, o.Target, o.Version, o.Visits, o.Counted = other.Outcome, other.Target, other.Version, other.Visits, other.Counted
		if o.Kind == history.Edit && o.Target == "" {
			o.Target = "spoilt"
		}
	}
}

// Whatever is in a history, it is judged, and twice in the same way.
func TestNonsenseIsJudgedTheSameTwice(t *testing.T) {
	word := func(t *rapid.T, of ...string) string { return rapid.SampledFrom(of).Draw(t, "word") }
	rapid.Check(t, func(t *rapid.T) {
		h := history.History{Run: history.Run{LogsComplete: rapid.Bool().Draw(t, "complete"), HealedStamp: 1}}
		stamp := uint64(0)
		for range rapid.IntRange(0, 30).Draw(t, "operations") {
			stamp++
			o := history.Operation{
				Node: word(t, "a", "b"), Kind: history.Kind(word(t, "create", "get", "follow", "delete", "edit", "visit")), Code: word(t, "x", "y", "s"),
				Outcome: history.Outcome(word(t, "ok", "not_found", "gone", "taken", "conflict", "refused", "unauthorized", "unknown")), Target: word(t, "T", "U", "V"),
				Version: rapid.Uint64Range(0, 3).Draw(t, "version"), Expected: rapid.Uint64Range(0, 3).Draw(t, "expected"), Call: stamp,
			}
			if o.Kind == history.Create {
				o.Slug, o.Key = rapid.Bool().Draw(t, "slug"), word(t, "", "k", "l")
				o.ID, o.Limit = rapid.Uint64Range(0, 3).Draw(t, "id"), rapid.Uint64Range(0, 2).Draw(t, "limit")
			}
			o.Holder = word(t, "", "", "h")
			switch kind := word(t, "", "", "", "grant", "revoke"); {
			case kind != "":
				o = history.Operation{Node: o.Node, Kind: history.Kind(kind), Holder: "h", Outcome: o.Outcome, Call: o.Call}
			case o.Kind == history.Get && o.Outcome == history.OK:
				o.Visits, o.Counted = rapid.Uint64Range(0, 3).Draw(t, "visits"), true
			}
			if o.Outcome != history.Unknown {
				o.Return = 1000 + 10*rapid.Uint64Range(0, 5).Draw(t, "wait") + 100*stamp
				if rapid.Bool().Draw(t, "at once") {
					stamp++
					o.Return = stamp
				}
			}
			h.Operations = append(h.Operations, o)
		}
		for _, node := range []string{"a", "b"}[:rapid.IntRange(0, 2).Draw(t, "finals")] {
			h.Finals = append(h.Finals, history.Final{Node: node, Targets: map[string]string{word(t, "x", "y", "s"): word(t, "T", "U")}})
		}
		if err := h.Check(); err != nil {
			t.Fatal(err)
		}
		var once, twice strings.Builder
		_ = Report(&once, h, Judge(h))
		_ = Report(&twice, h, Judge(h))
		if once.String() != twice.String() {
			t.Errorf("judged differently:\n%s\n%s", once.String(), twice.String())
		}
	})
}

func TestEveryBrokenClusterIsAccused(t *testing.T) {
	const lives = 80
	for bug, checker := range bugs {
		t.Run(bug, func(t *testing.T) {
			accused, found := 0, 0
			for seed := range uint64(lives) {
				c := newCluster(seed)
				c.bug = bug
				v := Judge(c.run(900))
				if !v.OK() {
					accused++
				}
				if v.Figures.Found[checker] > 0 {
					found++
				}
			}
			t.Logf("%d of %d lives accused, %d by %s", accused, lives, found, checker)
			if found == 0 {
				t.Errorf("%s found it in %d of %d lives", checker, found, lives)
			}
		})
	}
}
