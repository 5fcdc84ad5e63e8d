package forming

import (
	"encoding/json"
	"errors"
	"testing"

	"tinyurl/cluster/member"
)

// FuzzDecodeRecord reads any file as a promise: it is refused, or it is one that is written the same again.
func FuzzDecodeRecord(f *testing.F) {
	for _, s := range []state{promised, proposing, formed} {
		data, err := record{State: s, Proposal: attempt("1", "a", "b")}.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"format":1,"record":{"state":"promised"},"sum":0}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			if !errors.Is(err, errRecord) && !errors.Is(err, errProposal) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		again, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeRecord(again)
		if err != nil || back.State != r.State || back.Proposal.Attempt != r.Proposal.Attempt {
			t.Fatalf("%+v came back as %+v, %v", r, back, err)
		}
	})
}

// FuzzMessages sends any three messages of founding, each from one of the founders or from a stranger. Whatever they say, a promise is
// given only by its proposer's word and taken back only by it, and what is on disk can be read at the next start.
func FuzzMessages(f *testing.F) {
	good, err := json.Marshal(attempt("1", "a", "b", "c"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 2, 1}, []byte{0, 0, 0}, good, good, good)
	f.Add([]byte{0, 1, 0}, []byte{0, 2, 3}, good, good, []byte(`{"set":["a","b","d"],"attempt":"2"}`))
	f.Add([]byte{2, 1, 0}, []byte{1, 1, 1}, []byte(`{}`), []byte(`null`), []byte(`{"set":[""],"attempt":""}`))
	senders := []member.ID{"a", "b", "c", "stranger"}
	f.Fuzz(func(t *testing.T, kinds, from []byte, one, two, three []byte) {
		store := &memory{}
		former := newB(t, store, nil)
		before := record{}
		for i, body := range [][]byte{one, two, three} {
			var p Proposal
			if json.Unmarshal(body, &p) != nil || i >= len(kinds) || i >= len(from) {
				continue
			}
			sender := senders[int(from[i])%len(senders)]
			switch kinds[i] % 3 {
			case 0:
				_, _ = former.HandlePromise(t.Context(), sender, p)
			case 1:
				_ = former.HandleRelease(t.Context(), sender, p)
			default:
				_ = former.HandleForm(t.Context(), sender, p)
			}
			after := store.record(t) // fails on what cannot be read
			checkMove(t, before, after, sender)
			before = after
		}
		if _, err := New(config("b", store)); err != nil {
			t.Errorf("the next start: %v", err)
		}
	})
}

// checkMove judges what a message of sender did to a record.
func checkMove(t *testing.T, before, after record, sender member.ID) {
	t.Helper()
	same := before.State == after.State && before.Proposal.Attempt == after.Proposal.Attempt
	switch {
	case same:
	case before.State == formed:
		t.Errorf("a founder became %+v", after)
	case after.State == free && before.Proposal.Proposer() != sender:
		t.Errorf("%s made a promise to %s void", sender, before.Proposal.Proposer())
	case after.State != free && after.Proposal.Proposer() != sender:
		t.Errorf("%s bound this node to %s: %+v", sender, after.Proposal.Proposer(), after)
	case after.State == formed && (before.State != promised || before.Proposal.Attempt != after.Proposal.Attempt):
		t.Errorf("formed without a promise: %+v after %+v", after, before)
	case after.State == promised && before.State != free:
		t.Errorf("a second promise %+v beside %+v", after, before)
	}
}
