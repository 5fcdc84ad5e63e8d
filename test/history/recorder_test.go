package history

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestStampsOrderWhatHappened(t *testing.T) {
	now := time.Duration(0)
	r := NewRecorder(func() time.Duration { now += time.Second; return now })
	first := r.Begin(Operation{Client: 1, Kind: Get, Code: "a", Outcome: OK, Call: 77, Return: 78})
	r.Begin(Operation{Client: 2, Kind: Delete, Code: "a"}) // never ends
	cut := r.Fault("cut", "a from b")
	first.End(func(o *Operation) { o.Outcome, o.Call, o.At = NotFound, 99, 99 })
	third := r.Begin(Operation{Client: 1, Kind: Get, Code: "a"})
	third.End(nil)

	h := r.History()
	want := []Operation{
		{Client: 1, Kind: Get, Code: "a", Outcome: NotFound, Call: 1, Return: 4, At: time.Second, Took: 3 * time.Second},
		{Client: 2, Kind: Delete, Code: "a", Outcome: Unknown, Call: 2, At: 2 * time.Second},
		{Client: 1, Kind: Get, Code: "a", Outcome: Unknown, Call: 5, Return: 6, At: 5 * time.Second, Took: time.Second},
	}
	for i, o := range want {
		if h.Operations[i] != o {
			t.Errorf("operation %d:\n%+v, want\n%+v", i, h.Operations[i], o)
		}
	}
	if cut != (Fault{Kind: "cut", What: "a from b", Stamp: 3, At: 3 * time.Second}) || h.Faults[0] != cut {
		t.Errorf("fault %+v, written down as %+v", cut, h.Faults[0])
	}
	if err := h.Check(); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerAboutSomethingElseIsTold(t *testing.T) {
	tests := []struct {
		name        string
		asked       Operation
		set         func(*Operation)
		code, given string
	}{
		{"what was asked for", Operation{Kind: Create, Slug: true, Code: "s", Target: "T"}, func(o *Operation) { o.Outcome = OK }, "s", ""},
		{"a code where none was asked for", Operation{Kind: Create, Target: "T"}, func(o *Operation) { o.Outcome, o.Code = OK, "x" }, "x", ""},
		{"a target that is read", Operation{Kind: Get, Code: "x"}, func(o *Operation) { o.Outcome, o.Target = OK, "T" }, "x", ""},
		{"another slug", Operation{Kind: Create, Slug: true, Code: "s", Target: "T"}, func(o *Operation) { o.Outcome, o.Code = OK, "r" }, "s", `["r"]`},
		{"another target", Operation{Kind: Create, Target: "T"}, func(o *Operation) { o.Outcome, o.Code, o.Target = OK, "x", "U" }, "x", `["U"]`},
		{
			"another slug and target",
			Operation{Kind: Create, Slug: true, Code: "s", Target: "T"},
			func(o *Operation) { o.Outcome, o.Code, o.Target = OK, "r", "U" }, "s", `["r" "U"]`,
		},
		{"another link is read", Operation{Kind: Get, Code: "x"}, func(o *Operation) { o.Outcome, o.Code, o.Target = OK, "y", "T" }, "x", `["y"]`},
		{
			"nothing, where a slug is taken",
			Operation{Kind: Create, Slug: true, Code: "s", Target: "T"},
			func(o *Operation) { o.Outcome, o.Code, o.Target = Taken, "", "" }, "s", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRecorder(func() time.Duration { return 0 })
			r.Begin(tt.asked).End(tt.set)
			h := r.History()
			o := h.Operations[0]
			if err := h.Check(); err != nil || o.Code != tt.code || o.Given != tt.given || tt.asked.Target != "" && o.Target != tt.asked.Target {
				t.Errorf("written down as %+v (%v)", o, err)
			}
		})
	}
}

func TestAnOperationEndsOnce(t *testing.T) {
	p := NewRecorder(func() time.Duration { return 0 }).Begin(Operation{Kind: Get, Code: "a"})
	p.End(nil)
	defer func() {
		if recover() == nil {
			t.Error("a second End was taken")
		}
	}()
	p.End(nil)
}

func TestACopyDoesNotChangeAnyMore(t *testing.T) {
	r := NewRecorder(func() time.Duration { return 0 })
	p := r.Begin(Operation{Kind: Get, Code: "a"})
	r.Change(func(run *Run) { run.Nodes = []string{"a"} })
	before := r.History()
	p.End(func(o *Operation) { o.Outcome = Gone })
	r.Change(func(run *Run) { run.Nodes[0] = "b" })
	r.Final(Final{Node: "a"})
	r.Entry(Entry{Node: "a"})
	if before.Operations[0].Outcome != Unknown || before.Run.Nodes[0] != "a" || len(before.Finals)+len(before.Entries) > 0 {
		t.Errorf("the copy became %+v", before)
	}
	if after := r.History(); len(after.Finals) != 1 || len(after.Entries) != 1 || after.Run.WritableAfter != -1 {
		t.Errorf("the history is %+v", after)
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	start := time.Now()
	r := NewRecorder(func() time.Duration { return time.Since(start) })
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range 200 {
				p := r.Begin(Operation{Client: client, Kind: Create, Target: fmt.Sprint(client, i)})
				r.Fault("noise", "")
				p.End(func(o *Operation) { o.Outcome, o.Code = OK, fmt.Sprint(client, "-", i) })
			}
		})
	}
	wg.Wait()
	h := r.History()
	if err := h.Check(); err != nil {
		t.Error(err)
	}
	if len(h.Operations) != 1600 || len(h.Faults) != 1600 {
		t.Errorf("%d operations and %d faults, want 1600 of each", len(h.Operations), len(h.Faults))
	}
}
