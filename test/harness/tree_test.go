package harness

import (
	"os"
	"path/filepath"
	"testing"
)

func TestATreeTellsEveryChange(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/b", "one")
	write("c", "two")
	before := Tree(t, dir)
	if diff := TreeDiff(before, Tree(t, dir)); len(diff) != 0 {
		t.Fatalf("an unchanged tree differs: %q", diff)
	}
	write("a/b", "ONE")
	if diff := TreeDiff(before, Tree(t, dir)); len(diff) != 1 {
		t.Errorf("changed content: %q", diff)
	}
	write("a/b", "one")
	write("a/new", "")
	if diff := TreeDiff(before, Tree(t, dir)); len(diff) != 1 {
		t.Errorf("a new file: %q", diff)
	}
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if diff := TreeDiff(before, Tree(t, dir)); len(diff) != 2 {
		t.Errorf("a directory removed: %q", diff)
	}
	if len(Tree(t, filepath.Join(dir, "none"))) != 0 {
		t.Error("a directory that is not there holds something")
	}
}

func TestPortsOfAClusterAreItsOwn(t *testing.T) {
	a, err := reservePorts()
	if err != nil {
		t.Fatal(err)
	}
	defer a.release()
	b, err := reservePorts()
	if err != nil {
		t.Fatal(err)
	}
	defer b.release()
	seen := make(map[string]bool)
	for range 10 {
		for _, p := range []*ports{a, b} {
			address, err := p.take()
			if err != nil {
				t.Fatal(err)
			}
			if seen[address] {
				t.Fatalf("%s was given out twice", address)
			}
			seen[address] = true
		}
	}
	for range portsPerBlock {
		_, err = a.take()
	}
	if err == nil {
		t.Fatal("a block has no end")
	}
}
