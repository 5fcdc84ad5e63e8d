package judge

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tinyurl/test/history"
)

// big is the history of a run with so many links and operations, from many clients at once.
func big(links, operations int) history.History {
	r := rand.New(rand.NewPCG(1, 1))
	now := time.Duration(0)
	recorder := history.NewRecorder(func() time.Duration { now += time.Millisecond; return now })
	type waiting struct {
		pending *history.Pending
		end     func(*history.Operation)
	}
	var open []waiting
	ask := func(o history.Operation, end func(*history.Operation)) {
		o.Node = string(rune('a' + r.IntN(5)))
		open = append(open, waiting{recorder.Begin(o), end})
		if len(open) > 32 {
			i := r.IntN(len(open))
			open[i].pending.End(open[i].end)
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
		}
	}
	made := 0
	targets := make(map[string]string)
	for i := range operations {
		if made < links && i%(operations/links) == 0 {
			made++
			code, id := fmt.Sprintf("g%d", made), uint64(made)
			targets[code] = fmt.Sprintf("https://example.org/%d", made)
			p := recorder.Begin(history.Operation{Kind: history.Create, Target: targets[code], Key: fmt.Sprint(made), Node: "a"})
			p.End(func(o *history.Operation) { o.Outcome, o.Code, o.ID = history.OK, code, id })
			continue
		}
		code := fmt.Sprintf("g%d", 1+r.IntN(made))
		kind := history.Follow
		if i%3 == 0 {
			kind = history.Get
		}
		ask(history.Operation{Kind: kind, Code: code}, func(o *history.Operation) {
			if i%20 != 0 {
				o.Outcome, o.Target = history.OK, targets[code]
			}
		})
	}
	h := recorder.History()
	for _, node := range []string{"a", "b", "c", "d", "e"} {
		h.Finals = append(h.Finals, history.Final{Node: node, Targets: targets, Links: uint64(len(targets))})
	}
	return h
}

// hot is the history of one slug that everybody wants, reads and deletes, mostly without an answer.
func hot(operations int) history.History {
	r := rand.New(rand.NewPCG(1, 1))
	now := time.Duration(0)
	recorder := history.NewRecorder(func() time.Duration { now += time.Millisecond; return now })
	for i := range operations {
		o := history.Operation{Kind: history.Get, Code: "s", Node: "a"}
		switch i % 10 {
		case 0:
			o.Kind, o.Slug, o.Target = history.Create, true, fmt.Sprintf("https://example.org/%d", i)
		case 1:
			o.Kind = history.Delete
		case 2:
			o.Kind, o.Target, o.Expected = history.Edit, fmt.Sprintf("https://example.org/%d", i), 1+r.Uint64N(3)
		}
		p := recorder.Begin(o)
		if o.Kind == history.Get && r.IntN(2) == 0 {
			p.End(func(o *history.Operation) { o.Outcome, o.Target = history.OK, "https://example.org/0" })
		}
	}
	return recorder.History()
}

func TestManyUnansweredWritesAreDecided(t *testing.T) {
	h := hot(5000)
	if v := Judge(h); !v.OK() {
		t.Errorf("%+v", v.Violations[0])
	}
	h.Operations[len(h.Operations)-1] = history.Operation{
		Kind: history.Get, Code: "s", Node: "a", Outcome: history.NotFound, Call: lastStamp(&h) + 1, Return: lastStamp(&h) + 2,
	}
	if v := Judge(h); v.Figures.Found["linearizability"] != 1 || len(v.Violations[0].Operations) > 4 {
		t.Errorf("found %v, want one violation of a few operations: %+v", v.Figures.Found, v.Violations)
	}
}

func BenchmarkJudge(b *testing.B) {
	h := big(20_000, 200_000)
	b.ReportAllocs()
	for b.Loop() {
		if v := Judge(h); !v.OK() {
			b.Fatalf("%+v", v.Violations[0])
		}
	}
}

func BenchmarkJudgeOneHotCode(b *testing.B) {
	h := hot(20_000)
	b.ReportAllocs()
	for b.Loop() {
		if v := Judge(h); !v.OK() {
			b.Fatalf("%+v", v.Violations[0])
		}
	}
}
