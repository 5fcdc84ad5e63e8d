package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The fake ring: a product with one function, and a test that judges it.
var fakeProduct = map[string]string{
	"go.mod":     "module fake\n\ngo 1.26\n",
	"product.go": "package fake\n\nfunc answer() int { return 42 }\n",
	"ring/ring_test.go": `package ring

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"fake"
)

var blind = flag.Bool("blind", false, "")

func TestProduct(t *testing.T) {
	switch got := fake.Answer(); {
	case *blind || got == 42:
	case got == 0:
		panic("the harness broke")
	case got < 0:
		time.Sleep(time.Minute)
	case got == 7:
		fmt.Println("the node stopped itself")
		os.Exit(3)
	case got == 8:
		t.Error("violation process after 1s")
	default:
		t.Errorf("violation arithmetic after %dms: it is wrong", got)
	}
}
`,
	"export.go": "package fake\n\n// Answer is 42.\nfunc Answer() int { return answer() }\n",
}

func fakeSession(t *testing.T, out *bytes.Buffer) *session {
	t.Helper()
	root := t.TempDir()
	for name, text := range fakeProduct {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &session{
		product: product{root: root, work: t.TempDir()},
		rings:   []ring{{name: "fake", tests: "./ring", limit: 5 * time.Second, verdict: directed}},
		out:     out,
	}
}

func returning(name, value string, run ...string) Mutation {
	return Mutation{Name: name, Runs: []Run{{"fake", run}}, Edits: []Edit{{
		File: "product.go", Before: "func answer() int { return 42 }\n", After: "func answer() int { return " + value + " }\n",
	}}}
}

// Only a checker's word counts: not a panic of the harness, not a hanging run, not a fault that does not compile.
func TestOnlyAViolationCatchesAMutation(t *testing.T) {
	var out bytes.Buffer
	s := fakeSession(t, &out)
	stopped := returning("stops", "7")
	stopped.Shows = "the node stopped itself"
	s.runAll(context.Background(), []Mutation{
		returning("wrong", "41"), stopped, returning("stops-unasked", "7"), returning("panics", "0"), returning("hangs", "-1"), returning("dies", "8"),
		returning("no-build", `"x"`), returning("unseen", "41", "-blind"),
	})
	want := map[string]bool{
		"control fake": true, "wrong": true, "stops": true, "stops-unasked": false, "panics": false, "hangs": false, "dies": false,
		"no-build": false, "control fake -blind": true, "unseen": false,
	}
	for _, r := range s.rows {
		name := r.name
		if r.control {
			name += " " + r.run.String()
		}
		good, known := want[name]
		if !known || good != r.good() {
			t.Errorf("%q: good is %v; %+v", name, r.good(), r.finding)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("no rows: %v", want)
	}
	if !s.missed() {
		t.Error("misses are not told")
	}
	for _, line := range []string{
		"sound   the unchanged product by fake in ", "caught wrong by fake in ", "(arithmetic after 41ms)", "MISSED panics by fake", "MISSED no-build by fake",
		"MISSED unseen by fake", "the run passed",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the output lacks %q:\n%s", line, out.String())
		}
	}
	if first := s.rows[1].finding; first.detail != "TestProduct" || first.checker != "arithmetic" || first.after != "41ms" {
		t.Errorf("%+v", first)
	}
}

func TestTheSeedOfALifeIsTold(t *testing.T) {
	s := &session{rings: rings}
	r, _ := s.ring("sim")
	out := "sim: seed 12, 3 machines, FAILED\n  violation process at 0s: it hangs\n  violation unique at 4m0s: twice\nviolation process after 26s\n"
	f := r.judge([]byte(out), errMissed, "")
	if !f.caught || f.checker != "unique" || f.after != "4m0s" || f.detail != "seed 12" {
		t.Errorf("%+v", f)
	}
	if f := r.judge([]byte("sim: seed 12, 3 machines, FAILED\n  violation process at 0s: it hangs\n"), errMissed, ""); f.caught {
		t.Errorf("%+v", f)
	}
}

func TestTheJudgeOfRingTwoIsUnderstood(t *testing.T) {
	s := &session{rings: rings}
	r, _ := s.ring("partition")
	out := "--- FAIL: TestPartition (40s)\n    partition_test.go:9: delay: 404 for x\n    artifacts_test.go:24: delay: judge, read-your-writes: x was\n"
	f := r.judge([]byte(out), errMissed, "")
	if !f.caught || f.checker != "read-your-writes" || f.after != "-" || f.detail != "TestPartition" {
		t.Errorf("%+v", f)
	}
	if f := r.judge([]byte("--- FAIL: TestPartition (40s)\n    delay: no leader in time\n"), errMissed, ""); f.caught || !f.failed {
		t.Errorf("%+v", f)
	}
}

// A ring that accuses the unchanged product has caught nothing.
func TestAnAccusedProductIsTold(t *testing.T) {
	var out bytes.Buffer
	s := fakeSession(t, &out)
	path := filepath.Join(s.product.root, "product.go")
	if err := os.WriteFile(path, []byte("package fake\n\nfunc answer() int { return 1 }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := returning("worse", "2")
	m.Edits[0].Before = "func answer() int { return 1 }\n"
	s.runAll(context.Background(), []Mutation{m})
	if !s.missed() || !strings.Contains(out.String(), "ACCUSED the unchanged product by fake") {
		t.Error(out.String())
	}
	if s.rows[0].good() || !s.rows[1].good() {
		t.Errorf("%+v", s.rows)
	}
}

func TestWhatTheBudgetDoesNotReachIsMissed(t *testing.T) {
	var out bytes.Buffer
	s := fakeSession(t, &out)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	s.runAll(over, []Mutation{returning("wrong", "41")})
	if !s.missed() || !strings.Contains(out.String(), "the time was over before its turn") {
		t.Error(out.String())
	}
}

func TestTheTableTellsEveryRow(t *testing.T) {
	rows := []row{
		{name: "control", run: Run{"fake", []string{"-x"}}, control: true, finding: finding{why: "the run passed"}},
		{name: "one", run: Run{Ring: "fake"}, mutation: Mutation{Name: "one", Fault: "a|b"}, finding: finding{failed: true, caught: true, checker: "porcupine", after: "3s", detail: "seed 4"}},
		{name: "two", run: Run{Ring: "fake"}, mutation: Mutation{Name: "two"}, finding: finding{why: "the run passed"}},
	}
	var out bytes.Buffer
	writeTable(&out, rows)
	for _, part := range []string{"porcupine", "3s", "seed 4", "MISSED", "1 of 2 mutations caught", "none, as it should be"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, out.String())
		}
	}
	path := filepath.Join(t.TempDir(), "README.md")
	if err := writeReadme(path, rows); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"| one | a\\|b |", "**missed**", "not accused"} {
		if !strings.Contains(string(data), part) {
			t.Errorf("no %q in\n%s", part, data)
		}
	}
}
