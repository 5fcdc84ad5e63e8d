package partition

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/history"
)

func TestLogsAreCompleteWhenTogetherTheyReachFromTheFirstEntryToTheLast(t *testing.T) {
	for name, c := range map[string]struct {
		logs []Kept
		want bool
	}{
		"one whole":             {[]Kept{{First: 1, Last: 10}, {First: 5, Last: 12}}, true},
		"no beginning":          {[]Kept{{First: 5, Last: 10}, {First: 6, Last: 12}}, false},
		"a hole":                {[]Kept{{First: 1, Last: 3}, {First: 6, Last: 12}}, false},
		"joined":                {[]Kept{{First: 4, Last: 9}, {First: 1, Last: 3}, {First: 9, Last: 12}}, true},
		"a joiner's alone":      {[]Kept{{First: 2, Last: 9}}, true},
		"empty":                 {[]Kept{{}}, false},
		"an empty one among it": {[]Kept{{}, {First: 1, Last: 3}}, true},
	} {
		if got := complete(c.logs); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheEffectsOfAnEntryAreWhatItChanges(t *testing.T) {
	data, err := command.EncodeEntry(command.Entry{Time: time.Now(), Batches: []command.Batch{{
		Origin: command.Origin{Node: "n1", Boot: 1}, Floor: 1,
		Operations: []command.Operation{
			{Sequence: 1, Command: command.Create{Draft: link.Draft{Fields: link.Fields{Target: "https://example.org/1"}, Once: &link.Once{Scope: "s", Key: "k"}}}},
			{Sequence: 2, Command: command.Create{Draft: link.Draft{Fields: link.Fields{Target: "https://example.org/2"}, Slug: "slug"}}},
			{Sequence: 3, Command: command.Delete{Code: "gone"}},
			{Sequence: 4, Command: command.Lead{ClusterVersion: 1}},
			{Sequence: 5, Command: command.Edit{Edit: link.Edit{Code: "slug", Set: link.TargetField, Fields: link.Fields{Target: "https://example.org/3"}}}},
			{Sequence: 6, Command: command.Consume{Code: "few"}},
			{Sequence: 7, Command: command.CreateKey{Key: access.Key{ID: "k1", Name: "one", Scopes: access.LinksRead}}},
			{Sequence: 8, Command: command.RevokeKey{ID: "k2"}},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := effectsOf(raft.Log{Type: raft.LogCommand, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	want := history.Entry{
		Creates: []history.Effect{{Target: "https://example.org/1", Key: "k"}, {Code: "slug", Target: "https://example.org/2"}},
		Deletes: []string{"gone"}, Edits: []history.Effect{{Code: "slug", Target: "https://example.org/3"}}, Visits: []string{"few"},
		Grants: []string{"k1"}, Revokes: []string{"k2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := effectsOf(raft.Log{Type: raft.LogConfiguration, Data: []byte("x")}); err != nil || !got.Nothing() {
		t.Errorf("a configuration: %+v, %v", got, err)
	}
	if _, err := effectsOf(raft.Log{Type: raft.LogCommand, Data: []byte("x")}); err == nil {
		t.Error("what is no entry was read")
	}
}

func TestOneEntryOnManyNodesCountsOnce(t *testing.T) {
	e := func(index, term uint64) history.Entry { return history.Entry{Index: index, Term: term} }
	got := union([]Kept{{Entries: []history.Entry{e(1, 1), e(2, 1)}}, {Entries: []history.Entry{e(1, 1), e(2, 2)}}})
	if diff := cmp.Diff([]history.Entry{e(1, 1), e(2, 1), e(2, 2)}, got); diff != "" {
		t.Error(diff)
	}
}
