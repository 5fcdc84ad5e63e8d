package main

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func theMutations(t *testing.T) (root string, all []Mutation) {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	all, err = readMutations("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return root, all
}

// A change of the product below a mutation is noticed here, and not when nobody can tell any more what the fault was.
func TestEveryMutationFitsTheProductOfToday(t *testing.T) {
	root, all := theMutations(t)
	for _, m := range all {
		changed, err := m.apply(root)
		if err != nil {
			t.Error(err)
		}
		for file, text := range changed {
			if _, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
	}
}

func TestEveryMutationNamesARingThatExists(t *testing.T) {
	_, all := theMutations(t)
	s := &session{rings: rings}
	for _, m := range all {
		for _, run := range m.Runs {
			if _, ok := s.ring(run.Ring); !ok {
				t.Errorf("%s: no ring %q", m.Name, run.Ring)
			}
		}
	}
}

// The faults that the proof of this product promises to catch, by name, so that none is lost in a clean-up.
func TestThePromisedFaultsAreAllThere(t *testing.T) {
	_, all := theMutations(t)
	have := map[string]bool{}
	for _, m := range all {
		have[m.Name] = true
	}
	for _, name := range []string{
		"stock-heartbeats", "early-answer", "miss-is-404", "joins-running-round", "counter-after-lookup", "verify-leader",
		"unsynced-log", "dedupe-off", "slugs-unseen-in-batch", "counter-in-leader", "restore-in-place", "restart-by-raft-index",
		"reused-address",
	} {
		if !have[name] {
			t.Errorf("%s is missing", name)
		}
	}
	if len(all) < 16 {
		t.Errorf("%d mutations", len(all))
	}
}

const small = "fault: one\n  thing\nuser: another\nrun: fake -a -b\nalso: other X=y\n-- before x.go --\nold\n-- after x.go --\nnew\n"

func TestAMutationIsReadWhole(t *testing.T) {
	m, err := parseMutation("small", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if m.Fault != "one thing" || m.User != "another" || len(m.Runs) != 2 || m.Runs[0].String() != "fake -a -b" || m.Runs[1].String() != "other X=y" {
		t.Errorf("%+v", m)
	}
	if len(m.Edits) != 1 || m.Edits[0] != (Edit{"x.go", "old\n", "new\n"}) {
		t.Errorf("%+v", m.Edits)
	}
}

func TestWhatIsNoMutationIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no run":             strings.Replace(small, "run: fake -a -b\n", "", 1),
		"an unknown key":     strings.Replace(small, "run:", "ring:", 1),
		"a key twice":        "fault: x\n" + small,
		"indented at first":  " x\n" + small,
		"a lonely before":    strings.Split(small, "-- after")[0],
		"two different ones": strings.Replace(small, "after x.go", "after y.go", 1),
		"no change":          strings.Replace(small, "\nnew\n", "\nold\n", 1),
		"nothing to find":    strings.Replace(small, "\nold\n", "\n", 1),
	} {
		if _, err := parseMutation(name, []byte(text)); !errors.Is(err, errFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFragmentMustOccurExactlyOnce(t *testing.T) {
	m, err := parseMutation("small", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for text, fits := range map[string]bool{"a\nold\nb\n": true, "a\nb\n": false, "old\nold\n": false} {
		if err := os.WriteFile(filepath.Join(root, "x.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		changed, err := m.apply(root)
		if fits && (err != nil || changed["x.go"] != "a\nnew\nb\n") {
			t.Errorf("%q: %q, %v", text, changed, err)
		}
		if !fits && !errors.Is(err, errDrifted) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
