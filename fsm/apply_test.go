package fsm

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

func TestCreatesTakeTheCodesOfTheCounter(t *testing.T) {
	g := lead(t)
	words := link.WordsFor(1)
	var many []command.Command
	for range 500 {
		many = append(many, command.Create{Draft: draft("http://example.com/")})
	}
	want := link.ID(0)
	for range 3 {
		for _, r := range g.do(many...) {
			for want++; words.Reserved(testCodec.Encode(want)) || words.Offensive(testCodec.Encode(want)); {
				want++
			}
			if id, ok := testCodec.Decode(r.Link.Code); !ok || id != want {
				t.Fatalf("code %q of id %d, want id %d", r.Link.Code, id, want)
			}
		}
	}
	if got := g.Store().Counter(); got != want || want == 1500 {
		t.Errorf("counter %d, want %d, with some ids skipped", got, want)
	}
}

func TestALinkIsWhatWasAskedFor(t *testing.T) {
	g := lead(t)
	g.now = at(1500 * time.Millisecond)
	until := at(time.Hour)
	for name, c := range map[string]struct {
		draft link.Draft
		until time.Time
	}{
		"plain":       {link.Draft{Fields: link.Fields{Target: "http://a/?q#f"}}, time.Time{}},
		"valid until": {link.Draft{Fields: link.Fields{Target: "http://b", ValidUntil: until}}, until},
		"expires in":  {link.Draft{Fields: link.Fields{Target: "http://c"}, ExpiresIn: 90 * time.Second}, g.now.Add(90 * time.Second)},
		"slug":        {link.Draft{Fields: link.Fields{Target: "http://d"}, Slug: "My-Slug_1", ExpiresIn: 1500 * time.Microsecond}, g.now.Add(time.Millisecond)},
	} {
		made := g.make(c.draft)
		want := link.Link{Code: made.Code, Fields: link.Fields{Target: c.draft.Target, ValidUntil: c.until}, CreatedAt: g.now, UpdatedAt: g.now, Version: 1}
		if made != want || c.draft.Slug != "" && made.Code != c.draft.Slug {
			t.Errorf("%s: made %+v, want %+v", name, made, want)
		}
		if read, err := g.Store().Lookup(made.Code); err != nil || read != want {
			t.Errorf("%s: read %+v, %v; want %+v", name, read, err, want)
		}
	}
}

func TestRefusedCreatesAreResultsAndChangeNothing(t *testing.T) {
	g := lead(t)
	taken := g.make(slug("taken"))
	passed := g.make(draft("http://example.com/"))
	deleted := g.make(slug("deleted"))
	g.do(command.Delete{Code: deleted.Code})
	links, counter := g.Store().Links(), g.Store().Counter()
	for name, c := range map[string]struct {
		draft link.Draft
		want  error
	}{
		"no target":           {draft(""), link.ErrInvalidTarget},
		"long target":         {draft("http://" + strings.Repeat("a", link.MaxTarget)), link.ErrInvalidTarget},
		"target not UTF-8":    {draft("http://\xff"), link.ErrInvalidTarget},
		"both ends":           {link.Draft{Fields: link.Fields{Target: "http://a", ValidUntil: at(time.Hour)}, ExpiresIn: time.Hour}, link.ErrInvalidField},
		"negative end":        {link.Draft{Fields: link.Fields{Target: "http://a"}, ExpiresIn: -time.Second}, link.ErrInvalidField},
		"end below a tick":    {link.Draft{Fields: link.Fields{Target: "http://a"}, ExpiresIn: time.Microsecond}, link.ErrInvalidField},
		"ends at the stamp":   {link.Draft{Fields: link.Fields{Target: "http://a", ValidUntil: g.now}}, link.ErrInvalidField},
		"ends in the past":    {link.Draft{Fields: link.Fields{Target: "http://a", ValidUntil: at(-time.Hour)}}, link.ErrInvalidField},
		"ends after all time": {link.Draft{Fields: link.Fields{Target: "http://a", ValidUntil: command.MaxTime.Add(time.Millisecond)}}, link.ErrInvalidField},
		"slug taken":          {slug(string(taken.Code)), link.ErrSlugTaken},
		"slug of a code":      {slug(string(passed.Code)), link.ErrSlugTaken},
		"slug of id 0":        {slug(string(testCodec.Encode(0))), link.ErrSlugTaken},
		"slug deleted":        {slug(string(deleted.Code)), link.ErrSlugTaken},
		"slug reserved":       {slug("ReadyZ"), link.ErrSlugReserved},
		"slug with dots":      {slug("robots.txt"), link.ErrSlugReserved},
		"slug malformed":      {slug("-x"), link.ErrInvalidSlug},
		"slug too long":       {slug(strings.Repeat("x", link.MaxSlug+1)), link.ErrInvalidSlug},
		"key too long": {
			link.Draft{Fields: link.Fields{Target: "http://a"}, Once: &link.Once{Key: strings.Repeat("k", link.MaxKey+1)}},
			link.ErrInvalidField,
		},
		"key empty":      {link.Draft{Fields: link.Fields{Target: "http://a"}, Once: &link.Once{}}, link.ErrInvalidField},
		"scope too long": {link.Draft{Fields: link.Fields{Target: "http://a"}, Once: &link.Once{Key: "k", Scope: strings.Repeat("s", 256)}}, link.ErrInvalidField},
	} {
		if r := g.do(command.Create{Draft: c.draft})[0]; !errors.Is(r.Err, c.want) || r.Link != (link.Link{}) {
			t.Errorf("%s: %+v, want %v", name, r, c.want)
		}
	}
	if g.Store().Links() != links || g.Store().Counter() != counter {
		t.Errorf("%d links and counter %d, want %d and %d", g.Store().Links(), g.Store().Counter(), links, counter)
	}
	if err := g.Failed(); err != nil {
		t.Error(err)
	}
}

// Readers take "an id at or below the counter without a row" for proof of absence: a slug must never get there.
func TestTheCounterSkipsCodesThatSlugsHave(t *testing.T) {
	g := lead(t)
	ahead := testCodec.Encode(3)
	if g.make(slug(string(ahead))).Code != ahead {
		t.Fatal("a slug that reads as a code still to come is not taken as it is")
	}
	gone := testCodec.Encode(5)
	g.make(slug(string(gone)))
	g.do(command.Delete{Code: gone})
	seen := map[link.Code]bool{ahead: true, gone: true}
	for range 6 {
		made := g.make(draft("http://example.com/"))
		if seen[made.Code] {
			t.Fatalf("code %q is given twice", made.Code)
		}
		seen[made.Code] = true
	}
	if got := g.Store().Counter(); got < 8 {
		t.Errorf("counter %d after six codes and two skipped", got)
	}
}

func TestDeletedLinksStayGone(t *testing.T) {
	g := lead(t)
	made := g.make(draft("http://example.com/"))
	g.now = at(time.Minute)
	for _, want := range []error{nil, link.ErrGone, link.ErrGone} {
		if r := g.do(command.Delete{Code: made.Code})[0]; !errors.Is(r.Err, want) {
			t.Errorf("delete: %v, want %v", r.Err, want)
		}
	}
	if l, err := g.Store().Lookup(made.Code); !errors.Is(err, link.ErrGone) || !l.UpdatedAt.Equal(g.now) {
		t.Errorf("look-up of a deleted link: %+v, %v", l, err)
	}
	for _, code := range []link.Code{"unknown", testCodec.Encode(1000), "", "a/b", link.Code(strings.Repeat("x", 300))} {
		if r := g.do(command.Delete{Code: code})[0]; !errors.Is(r.Err, link.ErrNotFound) {
			t.Errorf("delete of %.20q: %v, want ErrNotFound", code, r.Err)
		}
	}
}

func TestChecksSeeWhatCameBeforeInTheSameBatch(t *testing.T) {
	g := lead(t)
	create := command.Create{Draft: slug("same")}
	results := g.do(create, create, command.Delete{Code: "same"}, command.Delete{Code: "same"}, create)
	for i, want := range []error{nil, link.ErrSlugTaken, nil, link.ErrGone, link.ErrSlugTaken} {
		if !errors.Is(results[i].Err, want) || want == nil && results[i].Err != nil {
			t.Errorf("operation %d: %v, want %v", i, results[i].Err, want)
		}
	}
	// Two entries in one call, each of two nodes' batches.
	other := writer{node: "n2", boot: 9}
	create.Draft.Slug = "twice"
	answers := g.ApplyBatch([]*raft.Log{
		g.next(g.batch(create), other.batch(create)),
		g.next(other.batch(command.Delete{Code: "twice"}), g.batch(create)),
	})
	first, second := g.outcome(answers[0]), g.outcome(answers[1])
	if first[0][0].Err != nil || !errors.Is(first[1][0].Err, link.ErrSlugTaken) ||
		second[0][0].Err != nil || !errors.Is(second[1][0].Err, link.ErrSlugTaken) {
		t.Errorf("results %v and %v", first, second)
	}
	if o := answers[1].(Outcome); o.Index != g.index {
		t.Errorf("outcome of entry %d, want %d", o.Index, g.index)
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	g := lead(t)
	g.now = at(time.Hour)
	g.make(draft("http://a"))
	g.now = at(time.Minute)
	made := g.make(link.Draft{Fields: link.Fields{Target: "http://b"}, ExpiresIn: time.Second})
	if want := at(time.Hour); !made.CreatedAt.Equal(want) || !made.ValidUntil.Equal(want.Add(time.Second)) {
		t.Errorf("made at %v until %v, want the highest stamp so far", made.CreatedAt, made.ValidUntil)
	}
	if got := g.Store().Stamp(); !got.Equal(at(time.Hour)) {
		t.Errorf("stamp %v", got)
	}
}

func TestALeaderBringsWhatIsMissing(t *testing.T) {
	r := start(t)
	g := &group{replica: r, writer: writer{node: "n1", boot: 1}, now: testEpoch}
	g.do(command.Lead{CodeKey: testKey})
	if v := g.Store().ClusterVersion(); v != 0 {
		t.Errorf("cluster version %d", v)
	}
	g.do(command.Lead{CodeKey: [16]byte{9, 9}, ClusterVersion: 1})
	g.do(command.Lead{CodeKey: [16]byte{8, 8}})
	codec, ok := g.Store().Codec()
	if !ok || codec.Encode(1) != testCodec.Encode(1) {
		t.Error("a later leader's code key replaced the first one's")
	}
	if v := g.Store().ClusterVersion(); v != 1 {
		t.Errorf("cluster version %d, want 1: it only rises", v)
	}
}

func TestConfigurationsMoveThePosition(t *testing.T) {
	g := lead(t)
	before := g.digest()
	g.index += 3 // no-ops never come
	answers := g.ApplyBatch([]*raft.Log{{Index: g.index, Term: 2, Type: raft.LogConfiguration, Data: []byte("raft's own")}})
	if answers[0] != nil || g.AppliedIndex() != g.index || g.Store().Position().Term != 2 || g.digest() != before {
		t.Errorf("answer %v at %+v", answers[0], g.Store().Position())
	}
}

func TestEntriesAreAppliedOnce(t *testing.T) {
	g := lead(t)
	g.make(draft("http://a"))
	made := g.make(draft("http://b"))
	before, links := g.digest(), g.Store().Links()
	answers := g.ApplyBatch(append(g.log, g.next(g.batch(command.Delete{Code: made.Code}))))
	for i, answer := range answers[:3] {
		failure, ok := answer.(Failure)
		if !ok || !errors.Is(failure, ErrAlreadyApplied) {
			t.Errorf("entry %d again: %v, want ErrAlreadyApplied", i+1, answer)
		}
	}
	if r := g.outcome(answers[3])[0][0]; r.Err != nil || g.Store().Links() != links-1 || g.digest() == before {
		t.Errorf("the new entry behind them: %v", r)
	}
	if answer := g.Apply(g.log[0]); !errors.Is(answer.(error), ErrAlreadyApplied) || g.Failed() != nil {
		t.Errorf("answer %v", answer)
	}
}

func TestWhatCannotBeAppliedStopsTheNode(t *testing.T) {
	for name, c := range map[string]struct {
		log  raft.Log
		want error
	}{
		"a newer format":    {raft.Log{Data: []byte{2, 1, 2}}, command.ErrUpgrade},
		"an unknown field":  {raft.Log{Data: []byte{1, 0x08, 0x01, 0xf8, 0x7f, 0x01}}, command.ErrUpgrade},
		"an unknown type":   {raft.Log{Type: raft.LogBarrier}, command.ErrUpgrade},
		"no bytes":          {raft.Log{}, command.ErrMalformed},
		"damaged bytes":     {raft.Log{Data: []byte{1, 0xff}}, command.ErrMalformed},
		"an earlier term":   {raft.Log{Term: 0, Data: []byte{1, 8, 1}}, store.ErrMisuse},
		"a newer version":   {*entryOf(t, 0, testEpoch, (&writer{node: "n"}).batch(command.Lead{ClusterVersion: MaxClusterVersion + 1})), command.ErrUpgrade},
		"an unknown origin": {raft.Log{Data: []byte{1, 0x12, 0x00}}, command.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			g := lead(t)
			made := g.make(draft("http://a"))
			before, position := g.digest(), g.Store().Position()
			good := g.next(g.batch(command.Create{Draft: draft("http://b")}))
			g.index++
			bad := c.log
			bad.Index = g.index
			if name != "an earlier term" {
				bad.Term = 1
			}
			for i, answer := range g.ApplyBatch([]*raft.Log{good, &bad, good}) {
				if failure, ok := answer.(Failure); !ok || !errors.Is(failure, c.want) {
					t.Errorf("answer %d is %v, want a Failure with %v", i, answer, c.want)
				}
			}
			checkStopped(t, g, c.want)
			if g.digest() != before || g.Store().Position() != position {
				t.Error("the state moved")
			}
			if _, err := g.Store().Lookup(made.Code); err != nil {
				t.Errorf("what was known is not read any more: %v", err)
			}
		})
	}
}

// checkStopped demands that nothing is acknowledged any more, and that one Fatal told why.
func checkStopped(t *testing.T, g *group, want error) {
	t.Helper()
	var failure Failure
	if answer := g.Apply(g.next(g.batch(command.Create{Draft: draft("http://c")}))); !errors.As(answer.(error), &failure) || !errors.Is(failure, want) {
		t.Errorf("a later entry: %v, want %v", answer, want)
	}
	if _, err := g.Snapshot(); !errors.As(err, &failure) {
		t.Errorf("a snapshot: %v, want a Failure", err)
	}
	if err := g.Restore(nil); !errors.As(err, &failure) {
		t.Errorf("a restore: %v, want a Failure", err)
	}
	if err := g.WaitApplied(t.Context(), g.index); !errors.As(err, &failure) {
		t.Errorf("a wait: %v, want a Failure", err)
	}
	if told := g.fatals.all(); len(told) != 1 || !errors.Is(told[0], want) || !errors.Is(g.Failed(), want) {
		t.Errorf("Fatal was told %v, want once %v", told, want)
	}
}

func TestACreateBeforeTheCodeKeyIsADamagedLog(t *testing.T) {
	for name, d := range map[string]link.Draft{"generated": draft("http://a"), "slug": slug("x")} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			g := &group{replica: r, writer: writer{node: "n1", boot: 1}, now: testEpoch}
			if answer := g.Apply(g.next(g.batch(command.Create{Draft: d}))); !errors.Is(answer.(error), ErrNoCodeKey) {
				t.Errorf("answer %v", answer)
			}
			checkStopped(t, g, ErrNoCodeKey)
		})
	}
}

func TestCodesRunOutInsteadOfComingTwice(t *testing.T) {
	g := lead(t)
	b, err := g.Store().NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	g.index++
	if err := errors.Join(b.Advance(store.Position{Index: g.index, Term: 1}), b.SetCounter(link.MaxID-20), b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	made := 0
	for ; made < 30; made++ {
		r := g.do(command.Create{Draft: draft("http://a")})[0]
		if errors.Is(r.Err, link.ErrExhausted) {
			break
		}
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if made == 0 || made > 20 || g.Failed() != nil {
		t.Errorf("%d links were made of the last 20 ids (%v)", made, g.Failed())
	}
}

func TestTheDigestAtABoundaryDoesNotDependOnBatching(t *testing.T) {
	one, all := lead(t), start(t)
	one.index = 4090
	for range 12 { // 4091 ... 4102, over the boundary at 4096
		one.make(draft("http://a"))
	}
	all.ApplyBatch(one.log)
	upTo, digest := one.Store().Digest()
	upTo2, digest2 := all.Store().Digest()
	if upTo != 4096 || upTo2 != upTo || digest != digest2 || digest == (store.Digest{}) || digest == one.digest() {
		t.Errorf("digests up to %d: %v, and up to %d: %v", upTo, digest, upTo2, digest2)
	}
	if all.digest() != one.digest() {
		t.Error("the states differ")
	}
}
