package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tinyurl/test/history"
)

// save writes a history of one create and one read of it to a file.
func save(t *testing.T, name string, found history.Outcome) string {
	t.Helper()
	h := history.History{
		Run: history.Run{Ring: "sim", Seed: 42, Nodes: []string{"a", "b", "c"}},
		Operations: []history.Operation{
			{Node: "a", Kind: history.Create, Code: "x", Target: "https://example.org/", Outcome: history.OK, Call: 1, Return: 2},
			{Node: "b", Kind: history.Get, Code: "x", Outcome: found, Call: 3, Return: 4},
		},
	}
	var text bytes.Buffer
	if err := history.Write(&text, h); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func check1(args ...string) (exit int, stdout, stderr string) {
	var out, errs bytes.Buffer
	exit = run(args, &out, &errs)
	return exit, out.String(), errs.String()
}

func TestAGoodHistoryPasses(t *testing.T) {
	path := save(t, "good.jsonl", history.Unknown)
	exit, out, errs := check1(path)
	if exit != 0 || errs != "" || !strings.Contains(out, "sim, seed 42, 3 nodes: 0 violations") {
		t.Errorf("exit %d\n%s%s", exit, out, errs)
	}
	if _, err := os.Stat(strings.TrimSuffix(path, ".jsonl") + ".html"); !os.IsNotExist(err) {
		t.Errorf("a picture of nothing: %v", err)
	}
}

func TestABadHistoryFailsAndIsDrawn(t *testing.T) {
	path := save(t, "bad.jsonl", history.NotFound)
	exit, out, errs := check1(path)
	if exit != 1 || errs != "" || !strings.Contains(out, "VIOLATION linearizability x") {
		t.Errorf("exit %d\n%s%s", exit, out, errs)
	}
	for _, picture := range []string{strings.TrimSuffix(path, ".jsonl") + ".html", filepath.Join(t.TempDir(), "other.html")} {
		if strings.HasSuffix(picture, "other.html") {
			exit, _, errs = check1("-html", picture, path)
		}
		page, err := os.ReadFile(picture)
		if err != nil || exit != 1 || !bytes.Contains(page, []byte("get: not_found")) {
			t.Errorf("exit %d, %s; picture of %d bytes: %v", exit, errs, len(page), err)
		}
	}
}

func TestACompleteRunThatLacksEvidenceFails(t *testing.T) {
	path := save(t, "good.jsonl", history.Unknown)
	if exit, out, _ := check1(path); exit != 0 || !strings.Contains(out, "not judged: finals: ") {
		t.Errorf("a run that was broken off: exit %d\n%s", exit, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	said := bytes.Replace(text, []byte(`"logsComplete":false`), []byte(`"logsComplete":false,"complete":true`), 1)
	if err := os.WriteFile(path, said, 0o600); err != nil {
		t.Fatal(err)
	}
	exit, out, errs := check1(path)
	for _, line := range []string{"not judged: finals: ", "VIOLATION evidence", "not judged: acknowledged: the logs are not complete"} {
		if exit != 1 || errs != "" || !strings.Contains(out, line) {
			t.Errorf("exit %d, want %q in\n%s%s", exit, line, out, errs)
		}
	}
}

func TestTheWorstOfSeveralHistoriesCounts(t *testing.T) {
	good, bad := save(t, "good.jsonl", history.Unknown), save(t, "bad.jsonl", history.Gone)
	if exit, out, _ := check1(good, bad, good); exit != 1 || strings.Count(out, "3 nodes:") != 3 {
		t.Errorf("exit %d\n%s", exit, out)
	}
}

func TestWhatCannotBeReadIsToldFromWhatIsWrong(t *testing.T) {
	bad := save(t, "bad.jsonl", history.Gone)
	whole, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.jsonl")
	if err := os.WriteFile(cut, whole[:len(whole)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{cut}, {bad, cut}, {filepath.Join(t.TempDir(), "none.jsonl")}, {}, {"-no-such-flag", bad}, {"-html", "x.html", bad, bad},
	} {
		if exit, _, errs := check1(args...); exit != 2 || errs == "" {
			t.Errorf("%v: exit %d, %q", args, exit, errs)
		}
	}
}
