package fsm

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// resend makes the batch of operations sent before, under their old sequences.
func (w *writer) resend(from uint64, commands ...command.Command) command.Batch {
	b := command.Batch{Origin: command.Origin{Node: w.node, Boot: w.boot}, Floor: w.floor}
	for i, c := range commands {
		b.Operations = append(b.Operations, command.Operation{Sequence: from + uint64(i), Command: c})
	}
	return b
}

func TestAnOperationSentAgainGivesTheFirstResult(t *testing.T) {
	g := lead(t)
	create := command.Create{Draft: link.Draft{Fields: link.Fields{Target: "http://a"}, ExpiresIn: time.Hour}}
	remove := command.Delete{Code: "later"}
	named := command.Create{Draft: slug("named")}
	first := g.do(create, remove, named)
	if first[0].Err != nil || !errors.Is(first[1].Err, link.ErrNotFound) || first[2].Err != nil {
		t.Fatalf("first results %v", first)
	}
	from := g.sequence - 2
	links := g.Store().Links()
	g.now = at(2 * time.Hour) // the link's end has passed
	for range 2 {
		again := g.run(g.resend(from, create, remove, named))
		for i := range first {
			if again[i].Link != first[i].Link || !errors.Is(again[i].Err, first[i].Err) {
				t.Errorf("operation %d again: %+v, first %+v", i, again[i], first[i])
			}
		}
	}
	if got := g.Store().Links(); got != links {
		t.Errorf("%d links, want %d", got, links)
	}
	// What was refused stays refused, though it would be taken now; what was made stays made, though it is deleted.
	g.make(slug("later"))
	g.do(command.Delete{Code: first[0].Link.Code}, command.Delete{Code: "named"})
	again := g.run(g.resend(from, create, remove, named))
	for i := range first {
		if again[i].Link != first[i].Link || !errors.Is(again[i].Err, first[i].Err) {
			t.Errorf("operation %d after changes: %+v, first %+v", i, again[i], first[i])
		}
	}
	if _, err := g.Store().Lookup("later"); err != nil {
		t.Errorf("a repeated delete took effect: %v", err)
	}
}

func TestAnOperationTwiceInOneEntryIsDoneOnce(t *testing.T) {
	g := lead(t)
	create := command.Create{Draft: draft("http://a")}
	b := g.batch(create)
	b.Operations = append(b.Operations, b.Operations[0])
	results := g.outcome(g.Apply(g.next(b, b)))
	if results[0][0].Link.Code == "" || results[0][0] != results[0][1] || results[0][0] != results[1][1] || g.Store().Links() != 1 {
		t.Errorf("results %+v with %d links", results, g.Store().Links())
	}
}

func TestOperationsBelowTheFloorAreRefused(t *testing.T) {
	g := lead(t)
	create := command.Create{Draft: draft("http://a")}
	first := g.do(create, create, create)
	last := g.sequence
	// The origin has finished with all but the last: in one batch the floor holds for its own operations too.
	g.floor = last
	results := g.run(g.resend(last-2, create, create, create))
	if !errors.Is(results[0].Err, command.ErrStale) || !errors.Is(results[1].Err, command.ErrStale) || results[2] != first[2] {
		t.Errorf("results %+v", results)
	}
	// Entries may overtake each other: a lower floor that comes late does not bring anything back.
	g.floor = 0
	if r := g.run(g.resend(last-1, create)); !errors.Is(r[0].Err, command.ErrStale) || r[0].Link != (link.Link{}) {
		t.Errorf("below a floor that was raised before: %+v", r)
	}
	if g.Store().Links() != 3 {
		t.Errorf("%d links, want 3", g.Store().Links())
	}
}

func TestANewerBootEndsTheOlderOne(t *testing.T) {
	g := lead(t)
	create := command.Create{Draft: draft("http://a")}
	old := g.writer
	before := g.run(old.batch(create))[0]
	g.boot, g.sequence = 2, 0
	young := writer{node: g.node, boot: 2}
	// The same sequence under the new boot is another operation.
	young.sequence = old.sequence - 1
	after := g.run(young.batch(create))[0]
	if after.Err != nil || after.Link.Code == before.Link.Code {
		t.Errorf("the new boot's operation: %+v, the old one's %+v", after, before)
	}
	if r := g.run(old.resend(old.sequence, create))[0]; !errors.Is(r.Err, command.ErrStale) {
		t.Errorf("the old boot's operation again: %+v", r)
	}
	if r := g.run(old.resend(old.sequence+5, create))[0]; !errors.Is(r.Err, command.ErrStale) {
		t.Errorf("an operation of the old boot never seen: %+v", r)
	}
	if r := g.run(young.resend(young.sequence, create))[0]; r != after {
		t.Errorf("the new boot's operation again: %+v", r)
	}
	if g.Store().Links() != 2 {
		t.Errorf("%d links, want 2", g.Store().Links())
	}
	// Another node's sequences are its own.
	other := writer{node: "n2", boot: 1, sequence: young.sequence - 1}
	if r := g.run(other.batch(create))[0]; r.Err != nil || r.Link.Code == after.Link.Code {
		t.Errorf("another node's operation: %+v", r)
	}
}

// A proposer that breaks the rules is answered, not followed into a fault that would stop every replica.
func TestAnIdentityUsedForAnotherCommandIsRefused(t *testing.T) {
	g := lead(t)
	g.do(command.Create{Draft: slug("x")}, command.Delete{Code: "x"})
	made := g.make(slug("y"))
	results := g.run(g.resend(g.sequence-2, command.Delete{Code: "y"}, command.Create{Draft: draft("http://a")}))
	for i, r := range results {
		if !errors.Is(r.Err, command.ErrStale) {
			t.Errorf("operation %d: %+v, want ErrStale", i, r)
		}
	}
	if l, err := g.Store().Lookup("y"); err != nil || l != made || g.Failed() != nil {
		t.Errorf("look-up %+v, %v; failure %v", l, err, g.Failed())
	}
}

func TestTheLastMomentOfTimeStopsNothing(t *testing.T) {
	g := lead(t)
	g.now = command.MaxTime
	first := g.do(keyed("s", "k", 0, 1))[0]
	if !errors.Is(first.Err, link.ErrInvalidField) { // it would end after all time
		t.Errorf("%+v", first)
	}
	c := keyed("s", "k", 0, 1)
	c.Draft.ExpiresIn = 0
	if r := g.do(c)[0]; r.Err != nil || g.Failed() != nil {
		t.Errorf("%+v, failure %v", r, g.Failed())
	}
}

// keyed is a draft under an idempotency key.
func keyed(scope, key string, row uint32, body byte) command.Create {
	return command.Create{Draft: link.Draft{
		Fields: link.Fields{Target: link.Target(fmt.Sprintf("http://example.com/%d/%d", row, body))}, ExpiresIn: 48 * time.Hour,
		Once: &link.Once{Scope: scope, Key: key, Row: row, Body: [32]byte{body}},
	}}
}

func TestOneRequestMakesOneLink(t *testing.T) {
	g := lead(t)
	first := g.do(keyed("s", "k", 0, 1))[0]
	// From another node, in another entry, later, under other sequences.
	other := writer{node: "n2", boot: 1}
	g.now = at(23 * time.Hour)
	if again := g.run(other.batch(keyed("s", "k", 0, 1)))[0]; again != first || first.Err != nil {
		t.Errorf("again: %+v, first %+v", again, first)
	}
	if r := g.do(keyed("s", "k", 0, 2))[0]; !errors.Is(r.Err, link.ErrKeyReused) {
		t.Errorf("another body: %+v, want ErrKeyReused", r)
	}
	if r := g.do(keyed("s", "k", 1, 2))[0]; !errors.Is(r.Err, link.ErrKeyReused) {
		t.Errorf("another row of another body: %+v, want ErrKeyReused", r)
	}
	for _, c := range []command.Create{keyed("t", "k", 0, 1), keyed("s", "l", 0, 1), keyed("", "sk", 0, 1), keyed("sk", "k", 0, 1)} {
		if r := g.do(c)[0]; r.Err != nil || r.Link.Code == first.Link.Code {
			t.Errorf("a stranger %+v: %+v", c.Draft.Once, r)
		}
	}
	g.do(command.Delete{Code: first.Link.Code})
	if again := g.do(keyed("s", "k", 0, 1))[0]; again != first {
		t.Errorf("after the link was deleted: %+v, first %+v", again, first)
	}
	if g.Store().Links() != 4 {
		t.Errorf("%d links, want 4", g.Store().Links())
	}
}

func TestABulkHalfDoneIsFinishedNotRepeated(t *testing.T) {
	g := lead(t)
	half := g.do(keyed("s", "k", 0, 1), keyed("s", "k", 1, 1))
	g.now = at(time.Hour)
	whole := g.do(keyed("s", "k", 0, 1), keyed("s", "k", 1, 1), keyed("s", "k", 2, 1))
	if whole[0] != half[0] || whole[1] != half[1] || whole[2].Err != nil || !whole[2].Link.CreatedAt.Equal(g.now) {
		t.Errorf("whole %+v after half %+v", whole, half)
	}
	if g.Store().Links() != 3 {
		t.Errorf("%d links, want 3", g.Store().Links())
	}
}

func TestOnlySuccessesAreRememberedUnderAKey(t *testing.T) {
	g := lead(t)
	c := keyed("s", "k", 0, 1)
	c.Draft.Slug = "api"
	if r := g.do(c)[0]; !errors.Is(r.Err, link.ErrSlugReserved) {
		t.Fatal(r)
	}
	c.Draft.Slug, c.Draft.Once.Body = "apis", [32]byte{2}
	made := g.do(c)[0]
	if made.Err != nil {
		t.Errorf("the key after a refusal: %v", made.Err)
	}
	// The slug is taken now, but by this very request.
	if again := g.do(c)[0]; again != made {
		t.Errorf("again %+v, first %+v", again, made)
	}
}

func TestRequestsAreForgottenAfterADay(t *testing.T) {
	g := lead(t)
	first := g.do(keyed("s", "k", 0, 1), keyed("s", "k", 1, 1))
	g.now = at(link.OnceKept - time.Millisecond)
	if r := g.do(keyed("s", "k", 0, 1))[0]; r != first[0] {
		t.Errorf("just before: %+v, want %+v", r, first[0])
	}
	g.now = at(link.OnceKept)
	// Another body may have the key now; none of the old rows answers for the new request.
	second := g.do(keyed("s", "k", 0, 2), keyed("s", "k", 1, 2))
	for i, r := range second {
		if r.Err != nil || r.Link.Code == first[0].Link.Code || r.Link.Code == first[1].Link.Code {
			t.Errorf("row %d a day later: %+v", i, r)
		}
	}
	// And the new one is remembered for a day of its own.
	g.now = at(link.OnceKept + time.Hour)
	if r := g.do(keyed("s", "k", 1, 2))[0]; r != second[1] {
		t.Errorf("the new request again: %+v, want %+v", r, second[1])
	}
}

func TestExpiredRequestsAreSweptALittleAtATime(t *testing.T) {
	g := lead(t)
	const requests = 40
	for i := range requests {
		g.now = at(time.Duration(i) * time.Second)
		g.do(keyed("s", fmt.Sprint(i), 0, 1))
	}
	left := func() (n int) {
		b, err := g.Store().NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for i := range requests {
			if _, found, err := b.Once("s", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			} else if found {
				n++
			}
		}
		return n
	}
	if n := left(); n != requests {
		t.Fatalf("%d requests are remembered, want %d", n, requests)
	}
	g.now = at(link.OnceKept + time.Hour) // all have expired
	for before := requests; before > 0; {
		g.make(draft("http://a"))
		after := left()
		if after >= before || before-after > sweptPerCreate {
			t.Fatalf("a create left %d of %d expired requests", after, before)
		}
		before = after
	}
	if err := g.Store().Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
