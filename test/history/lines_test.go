package history

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small is a history with every kind of record and every field in it.
func small() History {
	return History{
		Run: Run{
			Ring: "sim", Name: "one", Seed: 7, Nodes: []string{"a", "b", "c"}, LogsComplete: true, HealedStamp: 9, Healed: time.Second,
			WritableAfter: 2 * time.Second, Complete: true, Leaks: []string{"goroutine 7"},
		},
		Operations: []Operation{
			{
				Client: 1, Node: "a", Kind: Create, Code: "5hbA0cd", Target: "https://example.org/?a=1&b=<ö>", Key: "k1", Version: 1, ID: 1,
				Outcome: OK, Call: 1, Return: 3, At: 1, Took: time.Millisecond,
			},
			{Client: 2, Node: "b", Kind: Create, Code: "word", Slug: true, Target: "https://a.example/", Outcome: Taken, Call: 2, Return: 5, At: 2, Took: 3},
			{Client: 1, Node: "c", Kind: Get, Code: "5hbA0cd", Outcome: Unknown, Error: "503", Call: 4, At: 3},
			{Client: 1, Node: "c", Kind: Edit, Code: "5hbA0cd", Target: "https://b.example/", Expected: 1, Version: 2, Outcome: OK, Call: 6, Return: 7},
			{Client: 3, Node: "c", Kind: Delete, Code: "5hbA0cd", Outcome: OK, Call: 8, Return: 10},
			{Client: 3, Node: "c", Kind: Follow, Code: "5hbA0cd", Outcome: Gone, Call: 11, Return: 12},
			{Client: 3, Node: "c", Kind: Create, Code: "slug", Slug: true, Target: "https://c.example/", Outcome: OK, Given: "other", Call: 13, Return: 14},
			{Client: 4, Node: "a", Kind: Create, Target: "https://d.example/", Limit: 2, Holder: "h1", Outcome: Unauthorized, Call: 15, Return: 16},
			{Client: 4, Node: "a", Kind: Get, Code: "twice", Target: "https://e.example/", Visits: 1, Counted: true, Outcome: OK, Call: 17, Return: 18},
			{Client: 4, Node: "a", Kind: Visit, Code: "twice", Target: "https://e.example/", Outcome: OK, Call: 19, Return: 20},
			{Client: 4, Node: "a", Kind: Grant, Holder: "h1", Outcome: OK, Call: 21, Return: 22},
			{Client: 4, Node: "a", Kind: Revoke, Holder: "h1", Outcome: NotFound, Call: 23, Return: 24},
		},
		Faults: []Fault{{Kind: "heal", What: "all", Stamp: 9, At: time.Second}},
		Entries: []Entry{{
			Node: "a", Index: 3, Term: 2, Creates: []Effect{{Target: "https://example.org/?a=1&b=<ö>", Key: "k1"}},
			Deletes: []string{"5hbA0cd"}, Edits: []Effect{{Code: "5hbA0cd", Target: "https://b.example/"}},
			Visits: []string{"twice"}, Grants: []string{"h1"}, Revokes: []string{"h2"},
		}},
		Finals: []Final{{
			Node: "a", Applied: 9, Digest: "00ff", Links: 1, Targets: map[string]string{"z": "https://z.example/", "y": "https://y.example/"},
			Deleted: []string{"5hbA0cd"}, Visits: map[string]uint64{"twice": 2}, Keys: map[string]bool{"h1": true, "h2": false},
		}},
	}
}

func TestTheWrittenFormStaysAsItIs(t *testing.T) {
	var got bytes.Buffer
	if err := Write(&got, small()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/small.jsonl"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("Write (-want +got):\n%s", diff)
	}
	h, err := Read(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(small(), h); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotAHistoryIsRefused(t *testing.T) {
	run := `{"type":"run","format":1,"ring":"sim","seed":1,"nodes":["a"],"logsComplete":false,"healed":0,"writableAfter":0}`
	get := `{"type":"operation","client":1,"node":"a","kind":"get","code":"x","outcome":"gone","call":1,"return":2,"at":0,"took":0}`
	tests := map[string]string{
		"nothing":                     "",
		"no run":                      `{"type":"end","records":0}` + "\n",
		"no end":                      run + "\n" + get + "\n",
		"cut off in the end":          run + "\n" + `{"type":"end","records":1}`,
		"too few":                     run + "\n" + `{"type":"end","records":2}` + "\n",
		"two runs":                    run + "\n" + run + "\n" + `{"type":"end","records":2}` + "\n",
		"something after the end":     run + "\n" + `{"type":"end","records":1}` + "\n\n",
		"an empty line":               run + "\n\n" + `{"type":"end","records":2}` + "\n",
		"a strange type":              run + "\n" + `{"type":"song"}` + "\n" + `{"type":"end","records":2}` + "\n",
		"a strange field":             run + "\n" + strings.Replace(get, `"at"`, `"on"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"a strange kind":              run + "\n" + strings.Replace(get, `"get"`, `"got"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"a strange outcome":           run + "\n" + strings.Replace(get, `"gone"`, `"went"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"two objects in a line":       run + "\n" + get + get + "\n" + `{"type":"end","records":2}` + "\n",
		"returned before its call":    run + "\n" + strings.Replace(get, `"call":1`, `"call":3`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"an answer without return":    run + "\n" + strings.Replace(get, `"return":2`, `"return":0`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"one stamp twice":             run + "\n" + get + "\n" + get + "\n" + `{"type":"end","records":3}` + "\n",
		"another format":              strings.Replace(run, `"format":1`, `"format":2`, 1) + "\n" + `{"type":"end","records":1}` + "\n",
		"a read of no code":           run + "\n" + strings.Replace(get, `"x"`, `""`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"a create without a target":   run + "\n" + strings.Replace(get, `"get"`, `"create"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"a key of nobody":             run + "\n" + strings.Replace(strings.Replace(get, `"get"`, `"revoke"`, 1), `"code":"x",`, "", 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"a key that is a link":        run + "\n" + strings.Replace(get, `"get"`, `"grant","holder":"h"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"visits of no link":           run + "\n" + strings.Replace(get, `"call"`, `"visits":1,"counted":true,"call"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"a read with a limit":         run + "\n" + strings.Replace(get, `"call"`, `"limit":1,"call"`, 1) + "\n" + `{"type":"end","records":2}` + "\n",
		"two finals of one node":      run + strings.Repeat("\n"+`{"type":"final","node":"a","applied":1,"digest":"","links":0}`, 2) + "\n" + `{"type":"end","records":3}` + "\n",
		"a fault that never happened": run + "\n" + `{"type":"fault","kind":"cut","stamp":0,"at":0}` + "\n" + `{"type":"end","records":2}` + "\n",
	}
	for name, text := range tests {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Read gave %v, want ErrMalformed", name, err)
		}
	}
	if _, err := Read(strings.NewReader(run + "\n" + get + "\n" + `{"type":"end","records":2}` + "\n")); err != nil {
		t.Errorf("the history these are made from: %v", err)
	}
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	h := small()
	h.Operations[0].Return = 0
	var out bytes.Buffer
	if err := Write(&out, h); !errors.Is(err, ErrMalformed) || out.Len() > 0 {
		t.Errorf("Write gave %v and %d bytes, want ErrMalformed and none", err, out.Len())
	}
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := History{Run: Run{Seed: rapid.Uint64().Draw(t, "seed"), Name: rapid.String().Draw(t, "name")}}
		stamp := uint64(0)
		for range rapid.IntRange(0, 20).Draw(t, "operations") {
			call := stamp + 1
			stamp += rapid.Uint64Range(1, 1<<40).Draw(t, "gap") + 1
			h.Operations = append(h.Operations, Operation{
				Node: rapid.String().Draw(t, "node"), Kind: Get, Code: "c" + rapid.String().Draw(t, "code"), Target: rapid.String().Draw(t, "target"),
				Outcome: OK, Version: rapid.Uint64().Draw(t, "version"), Call: call, Return: stamp,
			})
		}
		var out bytes.Buffer
		if err := Write(&out, h); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, again); diff != "" {
			t.Fatalf("read again (-written +read):\n%s", diff)
		}
	})
}

// What Read takes, Write gives back so that it reads as the same; nothing makes Read panic.
func FuzzRead(f *testing.F) {
	golden, err := os.ReadFile("testdata/small.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"type":"run","format":1,"nodes":null}` + "\n" + `{"type":"end","records":1}` + "\n"))
	f.Add([]byte("{\"type\":\"run\",\"format\":1}\n{\"type\":\"final\",\"node\":\"\xff\",\"targets\":{}}\n{\"type\":\"end\",\"records\":2}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var out, twice bytes.Buffer
		if err := Write(&out, h); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Read(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out.Bytes())
		}
		if err := Write(&twice, again); err != nil || !bytes.Equal(out.Bytes(), twice.Bytes()) {
			t.Fatalf("written twice (%v):\n%s\n%s", err, out.Bytes(), twice.Bytes())
		}
	})
}
