package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func benchRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestTimesAreKnownToTwoPercent(t *testing.T) {
	before := -1
	for us := 0; us < 10_000_000; us += 1 + us/100 {
		took := time.Duration(us) * time.Microsecond
		bucket := bucketOf(took)
		if bucket < before || bucket >= benchBuckets {
			t.Fatalf("%v is in bucket %d, after %d", took, bucket, before)
		}
		before = bucket
		if end := timeOf(bucket); end <= took || float64(end-took) > 0.02*float64(took)+float64(time.Microsecond) {
			t.Fatalf("%v is told as %v", took, end)
		}
	}
	for took, want := range map[time.Duration]int{-time.Second: 0, 24 * time.Hour: benchBuckets - 1} {
		if got := bucketOf(took); got != want {
			t.Errorf("%v is in bucket %d, want %d", took, got, want)
		}
	}
}

func TestQuantilesAreThoseOfAllWorkers(t *testing.T) {
	sum := newTally()
	for worker := range 4 {
		one := newTally()
		for i := range 250 {
			one.done(time.Duration(1+worker*250+i)*time.Millisecond, 2)
		}
		one.refused("gone")
		sum.add(one)
	}
	got := sum.result("x", 2*time.Second)
	if got.Requests != 1000 || got.Count != 2000 || got.PerSecond != 1000 || got.MaxMs != 1000 || got.Errors["gone"] != 4 {
		t.Errorf("%+v", got)
	}
	for _, tc := range []struct{ got, want float64 }{{got.P50Ms, 500}, {got.P99Ms, 990}} {
		if tc.got < tc.want || tc.got > tc.want*1.02 {
			t.Errorf("a quantile of %v ms, want %v", tc.got, tc.want)
		}
	}
	one := newTally()
	one.done(time.Second, 1)
	if got := one.result("x", time.Second); got.P50Ms != 1000 || got.P99Ms != 1000 {
		t.Errorf("of one: %+v", got)
	}
}

func TestTheReportIsATableForPeople(t *testing.T) {
	report := benchReport{
		Nodes: []string{"http://a:1", "http://b:2"}, Concurrency: 64, Interrupted: true,
		Phases: []phaseResult{
			{Name: "fill", Count: 1_000_000, PerSecond: 51234.5, P50Ms: 35.21, P99Ms: 123.4, MaxMs: 1500},
			{Name: "creates", Count: 12, PerSecond: 1.2, P50Ms: 1.234, P99Ms: 9.999, MaxMs: 10, Errors: map[string]uint64{"no_leader": 2, "connection": 1}, Waited: 2},
		},
	}
	want := `             COUNT  PER SECOND     P50      P99     MAX  ERRORS
     fill  1000000       51234  35.2ms    123ms  1500ms       0
  creates       12           1  1.23ms  10.00ms  10.0ms       3
fill: times are of requests of up to 1000 links
creates: 1 requests failed: connection
creates: 2 requests failed: no_leader
creates: waited 2 times as the nodes asked
64 connections to http://a:1, http://b:2
interrupted: this is what was measured by then
`
	var got strings.Builder
	if err := report.write(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestProgressIsOneLineOnATerminalAndManyElsewhere(t *testing.T) {
	for rewrite, want := range map[bool]string{
		true:  "\rlong text\rshort    \rleft out\n\rmore\n",
		false: "long text\nshort\nleft out\nmore\n",
	} {
		var out bytes.Buffer
		p := &progress{out: &out, rewrite: rewrite}
		p.show("long text")
		p.show("short")
		p.say("left out")
		p.show("more")
		p.end()
		p.end()
		if out.String() != want {
			t.Errorf("rewriting %v: %q, want %q", rewrite, out.String(), want)
		}
	}
	file, err := os.Create(t.TempDir() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if newProgress(file).rewrite || newProgress(&bytes.Buffer{}).rewrite {
		t.Error("a file or a buffer was taken for a terminal")
	}
}

func TestTheSampleOfCodesIsFairAndBounded(t *testing.T) {
	const most, given = 100, 1000
	r := newReservoir(most, benchRandom())
	var document strings.Builder
	for i := range given {
		fmt.Fprintf(&document, `{"shortCode":"%07d","shortUrl":"http://x/%07d"},`, i, i)
	}
	if got := r.addAll([]byte(document.String())); got != given || len(r.codes) != most {
		t.Errorf("took %d, keeps %d", got, len(r.codes))
	}
	late := 0
	for _, code := range r.codes {
		if code[4] >= '5' && string(code[:4]) == "0000" {
			late++
		}
	}
	if late < 30 || late > 70 {
		t.Errorf("%d of %d codes are of the later half", late, most)
	}
	r.add([]byte("long-slug"))
	if r.seen != given {
		t.Error("what is no generated code was taken")
	}
}

func TestRowsAreClaimedOnceHoweverManyAsk(t *testing.T) {
	f := &filling{wanted: 2500}
	var claimed []int
	for range 5 {
		claimed = append(claimed, f.claim())
	}
	if fmt.Sprint(claimed) != "[1000 1000 500 0 0]" || f.claimed.Load() != 2500 {
		t.Errorf("claimed %v, %d", claimed, f.claimed.Load())
	}
}
