package judge

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tinyurl/test/history"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAReportCanBeRead(t *testing.T) {
	h := tell(t, `
		fault cut a from b
		fault crash c
		a create https://example.org/?a=b&c client=3 key=k1 = unknown
		b create https://example.org/?a=b&c client=3 key=k1 = ok 5hbA0cd id=7
		a create slug=word https://example.org/word = taken
		a edit 5hbA0cd https://example.org/new if=1 client=12 = ok v=2
		fault cut b from c
		p: c get 5hbA0cd client=4
		fault restart c
		c follow 5hbA0cd client=11 = not_found took=1400ms
		b delete 5hbA0cd = unknown
		healed
		writable 11s
		final a 5hbA0cd=https://example.org/new digest=1
		final b digest=2 links=1`)
	h.Operations[0].Error = "503 no_leader"
	var got strings.Builder
	if err := Report(&got, h, JudgeWith(h, Options{Most: 2})); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAReportOfManyFaultsStaysShort(t *testing.T) {
	h := tell(t, `a create T = ok x`)
	for i := range 1000 {
		h.Faults = append(h.Faults, history.Fault{Kind: "cut", What: fmt.Sprint(i), Stamp: uint64(10 + i), At: time.Second})
	}
	h.Operations = append(h.Operations, history.Operation{Node: "b", Kind: history.Get, Code: "x", Outcome: history.NotFound, Call: 2000, Return: 2001})
	var got strings.Builder
	if err := Report(&got, h, Judge(h)); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(got.String(), "\n"); lines > 50 || !strings.Contains(got.String(), "988 more faults") {
		t.Errorf("%d lines:\n%s", lines, got.String())
	}
}
