package forming

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"tinyurl/cluster/member"
)

// peersFunc answers every call of a Former under test.
type peersFunc func(kind string, to member.ID, p Proposal) (Answer, error)

// serially makes f answer one call at a time. Not by a mutex: in a bubble,
// time stands still while a goroutine waits for one.
func serially(f peersFunc) peersFunc {
	turn := make(chan struct{}, 1)
	return func(kind string, to member.ID, p Proposal) (Answer, error) {
		turn <- struct{}{}
		defer func() { <-turn }()
		return f(kind, to, p)
	}
}

func (f peersFunc) Promise(_ context.Context, to member.ID, p Proposal) (Answer, error) {
	return f("promise", to, p)
}

func (f peersFunc) Release(_ context.Context, to member.ID, p Proposal) error {
	_, err := f("release", to, p)
	return err
}

func (f peersFunc) Form(_ context.Context, to member.ID, p Proposal) error {
	_, err := f("form", to, p)
	return err
}

// memory is a Store without a disk, which fails on demand.
type memory struct {
	data []byte
	err  error
}

func (m *memory) Name() string          { return "memory" }
func (m *memory) Load() ([]byte, error) { return m.data, nil }
func (m *memory) Save(data []byte) error {
	if m.err == nil {
		m.data = data
	}
	return m.err
}

func (m *memory) record(t *testing.T) record {
	t.Helper()
	r, err := decodeRecord(m.data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bound makes a store that holds a record.
func bound(t *testing.T, s state, p Proposal) *memory {
	t.Helper()
	data, err := record{State: s, Proposal: p}.encode()
	if err != nil {
		t.Fatal(err)
	}
	return &memory{data: data}
}

func attempt(id string, set ...member.ID) Proposal { return Proposal{Set: set, Attempt: id} }

// newB makes the Former of node b, which expects three founders.
func newB(t *testing.T, store Store, change func(*Config)) *Former {
	t.Helper()
	c := config("b", store)
	if change != nil {
		change(&c)
	}
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAnswersToAProposal(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	sealed := func(c *Config) { c.Formed = true }
	for what, c := range map[string]struct {
		store  *memory
		change func(*Config)
		p      Proposal
		want   Answer
	}{
		"free":                         {&memory{}, nil, abc, Promised},
		"asked again":                  {bound(t, promised, abc), nil, abc, Promised},
		"bound to another set":         {bound(t, promised, attempt("2", "a", "b", "d")), nil, abc, Refused},
		"bound to another attempt":     {bound(t, promised, attempt("2", "a", "b", "c")), nil, abc, Refused},
		"proposing itself":             {bound(t, proposing, attempt("2", "b", "c", "d")), nil, abc, Refused},
		"founder":                      {bound(t, formed, attempt("2", "a", "b", "d")), nil, abc, Formed},
		"founder by this attempt":      {bound(t, formed, abc), nil, abc, Formed},
		"member of a cluster":          {&memory{}, sealed, abc, Formed},
		"another number of founders":   {&memory{}, nil, attempt("1", "a", "b"), Refused},
		"not of the set":               {&memory{}, nil, attempt("1", "a", "c", "d"), Refused},
		"not founding":                 {&memory{}, func(c *Config) { c.Expect = 0 }, abc, Refused},
		"a cluster is in sight":        {&memory{}, sees(member.Member{ID: "z", ClusterID: member.ClusterID{1}}), abc, Refused},
		"a failed cluster is in sight": {&memory{}, sees(member.Member{ID: "z", ClusterID: member.ClusterID{1}, Status: member.Failed}), abc, Refused},
		"a cluster was left":           {&memory{}, sees(member.Member{ID: "z", ClusterID: member.ClusterID{1}, Status: member.Left}), abc, Promised},
	} {
		t.Run(what, func(t *testing.T) {
			before := c.store.record(t)
			f := newB(t, c.store, c.change)
			got, err := f.HandlePromise(t.Context(), "a", c.p)
			if got != c.want || err != nil {
				t.Fatalf("answer %q, %v, want %q", got, err, c.want)
			}
			after := c.store.record(t)
			if c.want == Promised {
				before = record{promised, c.p}
			}
			if fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("on disk %v, want %v", after, before)
			}
		})
	}
}

func TestTheProposerTellsWhatBecameOfItsAttempt(t *testing.T) {
	mine, other := attempt("1", "b", "c", "d"), attempt("2", "b", "c", "d")
	for what, c := range map[string]struct {
		store *memory
		want  Answer
	}{
		"under way":             {bound(t, proposing, mine), Promised},
		"decided":               {bound(t, formed, mine), Formed},
		"abandoned":             {&memory{}, Refused},
		"another under way":     {bound(t, proposing, other), Refused},
		"another decided":       {bound(t, formed, other), Refused},
		"bound to another node": {bound(t, promised, attempt("3", "a", "b", "c")), Refused},
	} {
		t.Run(what, func(t *testing.T) {
			before := fmt.Sprint(c.store.record(t))
			f := newB(t, c.store, nil)
			if got, err := f.HandlePromise(t.Context(), "d", mine); got != c.want || err != nil {
				t.Errorf("answer %q, %v, want %q", got, err, c.want)
			}
			if after := fmt.Sprint(c.store.record(t)); after != before {
				t.Errorf("the question changed the record from %s to %s", before, after)
			}
		})
	}
}

func TestOnlyTheProposerSpeaksForItsAttempt(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	store := bound(t, promised, abc)
	f := newB(t, store, nil)
	_, err1 := f.HandlePromise(t.Context(), "c", attempt("2", "a", "b", "c"))
	_, err2 := f.HandlePromise(t.Context(), "x", attempt("2", "b", "c", "d")) // asks, but is not of the set
	err3 := f.HandleRelease(t.Context(), "c", abc)
	err4 := f.HandleForm(t.Context(), "c", abc)
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrNotAllowed) {
			t.Errorf("message %d: %v, want ErrNotAllowed", i+1, err)
		}
	}
	if r := store.record(t); r.State != promised {
		t.Errorf("state %q, want promised", r.State)
	}
}

func TestAReleaseFreesOfItsAttemptAlone(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	store := bound(t, promised, abc)
	f := newB(t, store, nil)
	if err := f.HandleRelease(t.Context(), "a", attempt("0", "a", "b", "c")); err != nil || !f.Bound() {
		t.Fatalf("an old release: %v, bound %v", err, f.Bound())
	}
	if err := f.HandleRelease(t.Context(), "a", abc); err != nil || f.Bound() {
		t.Fatalf("the release: %v, bound %v", err, f.Bound())
	}
	if r := store.record(t); r.State != free {
		t.Errorf("on disk %q", r.State)
	}
	if err := f.HandleRelease(t.Context(), "a", abc); err != nil {
		t.Errorf("the release again: %v", err)
	}
}

func TestAReleaseDoesNotUndoAFounding(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	store := bound(t, formed, abc)
	f := newB(t, store, nil)
	if err := f.HandleRelease(t.Context(), "a", abc); err != nil {
		t.Error(err)
	}
	if r := store.record(t); r.State != formed {
		t.Errorf("state %q, want formed", r.State)
	}
}

func TestADecisionIsTakenOnceItWasPromised(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	store := bound(t, promised, abc)
	f := newB(t, store, nil)
	if err := f.HandleForm(t.Context(), "a", attempt("2", "a", "b", "c")); !errors.Is(err, ErrNoPromise) {
		t.Errorf("decision on another attempt: %v, want ErrNoPromise", err)
	}
	for range 2 { // doubled
		if err := f.HandleForm(t.Context(), "a", abc); err != nil {
			t.Fatal(err)
		}
	}
	if r := store.record(t); r.State != formed || !slices.Equal(r.Proposal.Set, abc.Set) {
		t.Errorf("on disk %v", r)
	}
	if err := newB(t, &memory{}, nil).HandleForm(t.Context(), "a", abc); !errors.Is(err, ErrNoPromise) {
		t.Errorf("decision without promise: %v, want ErrNoPromise", err)
	}
}

func TestMalformedProposalsAreRefused(t *testing.T) {
	f := newB(t, &memory{}, nil)
	crowd := make([]member.ID, maxSet+1)
	for i := range crowd {
		crowd[i] = member.ID(fmt.Sprintf("a%05d", i))
	}
	for what, p := range map[string]Proposal{
		"empty":        {},
		"no attempt":   attempt("", "a", "b", "c"),
		"unsorted":     attempt("1", "a", "c", "b"),
		"twice":        attempt("1", "a", "b", "b"),
		"empty id":     attempt("1", "", "b", "c"),
		"crowd":        {Set: crowd, Attempt: "1"},
		"long attempt": attempt(string(make([]byte, maxAttempt+1)), "a", "b", "c"),
	} {
		if got, err := f.HandlePromise(t.Context(), p.Proposer(), p); !errors.Is(err, errProposal) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	if f.Bound() {
		t.Error("bound by one of them")
	}
}

func TestAFailedSavePromisesNothingEverAfter(t *testing.T) {
	store := &memory{err: errors.New("disk full")}
	f := newB(t, store, nil)
	abc := attempt("1", "a", "b", "c")
	for range 2 {
		if got, err := f.HandlePromise(t.Context(), "a", abc); got != "" || err == nil {
			t.Fatalf("answer %q, %v, want an error", got, err)
		}
		store.err = nil // it works again, but what it holds is unknown
	}
	if err := f.HandleForm(t.Context(), "a", abc); err == nil {
		t.Error("a decision was taken")
	}
	if _, err := f.HandlePromise(t.Context(), "d", attempt("1", "b", "c", "d")); err == nil {
		t.Error("a question was answered")
	}
	if _, err := f.Run(t.Context()); err == nil {
		t.Error("Run goes on")
	}
}

func TestARecordOnDiskIsReadStrictly(t *testing.T) {
	abc := attempt("1", "a", "b", "c")
	good := bound(t, promised, abc).data
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1
		if r, err := decodeRecord(bad); err == nil && fmt.Sprint(r) != fmt.Sprint(record{promised, abc}) {
			t.Errorf("byte %d flipped reads as %v", at, r)
		}
	}
	for what, s := range map[string]*memory{
		"of another node": bound(t, promised, attempt("1", "a", "c", "d")),
		"unknown state":   bound(t, "later", abc),
		"malformed set":   bound(t, promised, attempt("1", "b", "a")),
		"torn":            {data: good[:len(good)/2]},
		"newer format":    {data: []byte(`{"format":2}`)},
	} {
		if _, err := New(config("b", s)); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration is taken")
	}
}

func TestAnAttemptNobodyGoesOnWithIsAbandonedAtStart(t *testing.T) {
	mine := attempt("1", "b", "c", "d")
	for what, change := range map[string]func(*Config){
		"another number of founders": func(c *Config) { c.Expect = 5 },
		"joining now":                func(c *Config) { c.Expect = 0 },
		"member of a cluster":        func(c *Config) { c.Formed = true },
	} {
		store := bound(t, proposing, mine)
		if f := newB(t, store, change); f.Bound() || store.record(t).State != free {
			t.Errorf("%s: still bound", what)
		}
	}
	if f := newB(t, bound(t, promised, attempt("1", "a", "b", "c")), func(c *Config) { c.Expect = 0 }); !f.Bound() {
		t.Error("a promise to another node was dropped")
	}
}

func TestTheFileKeepsAPromise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "forming.json")
	f := newB(t, NewFile(path), nil)
	abc := attempt("1", "a", "b", "c")
	if got, err := f.HandlePromise(t.Context(), "a", abc); got != Promised || err != nil {
		t.Fatal(got, err)
	}
	again := newB(t, NewFile(path), nil)
	if got, err := again.HandlePromise(t.Context(), "a", attempt("2", "a", "b", "d")); got != Refused || err != nil {
		t.Errorf("after a restart: %q, %v, want Refused", got, err)
	}
	if _, err := New(config("b", NewFile(filepath.Dir(path)))); err == nil {
		t.Error("an unreadable file is taken for none")
	}
	f = newB(t, NewFile(filepath.Join(filepath.Dir(path), "missing", "forming.json")), nil)
	if got, err := f.HandlePromise(t.Context(), "a", abc); err == nil {
		t.Errorf("a promise that can not be kept: %q", got)
	}
}
