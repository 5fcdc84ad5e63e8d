package sim

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

// A disk's trouble excuses what comes of it, while it lasts and a moment longer, and nothing else.
func TestAnExcuseCoversItsErrorAndEnds(t *testing.T) {
	eio := fmt.Errorf("wrapped: %w", syscall.EIO)
	for name, c := range map[string]struct {
		says  error
		after time.Duration // since the disk was healed; negative while it is not
		want  bool
	}{
		"while it lasts": {eio, -1, true}, "another error": {syscall.ENOSPC, -1, false}, "soon after": {eio, time.Second, true},
		"long after": {eio, excuseLasts + time.Second, false},
	} {
		l := short(t, func(w *world) {
			p := w.machines[1].current()
			p.forgive(excuse{why: "test", error: syscall.EIO})
			if c.after >= 0 {
				p.blame()
				time.Sleep(c.after)
			}
			p.fatal(c.says)
		})
		if found := checkersOf(t, l); (len(found) == 0) != c.want || !c.want && found[0] != "fatal" {
			t.Errorf("%s: violations %v; it is excused: %v", name, found, c.want)
		}
	}
}

// An answer by which a healthy node cannot be told from a broken one is a violation, unless the node may fail.
func TestANodeNeedsAWordForWhatGoesWrong(t *testing.T) {
	l := short(t, func(w *world) {
		p := w.machines[0].current()
		for _, err := range []error{nil, link.ErrNoLeader, link.ErrGone, fmt.Errorf("x: %w", link.ErrOverloaded)} {
			p.sortAnswer(&history.Operation{Kind: history.Get}, err)
		}
		p.sortAnswer(&history.Operation{Kind: history.Get}, errors.New("odd"))
		p.forgive(excuse{why: "test"})
		p.sortAnswer(&history.Operation{Kind: history.Get}, errors.New("odd"))
	})
	if found := checkersOf(t, l); !slices.Equal(found, []string{"answer"}) {
		t.Errorf("violations: %v, want answer once", found)
	}
}

func TestWhatNeverSucceedsIsAViolation(t *testing.T) {
	w, err := newWorld(newPlan(1, 3, 0), newLogbook(time.Now(), nil))
	if err != nil {
		t.Fatal(err)
	}
	var tried []history.Operation
	for range oftenTried {
		tried = append(tried, history.Operation{Kind: history.Get, Outcome: history.Unknown}, history.Operation{Kind: history.Follow, Outcome: history.NotFound})
	}
	w.neverDone(append(tried, history.Operation{Kind: history.Follow, Outcome: history.OK}))
	if got := w.noted(); len(got) != 1 || got[0].checker != "never" {
		t.Errorf("problems: %v, want one about get", got)
	}
}
