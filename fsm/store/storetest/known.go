package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var knownTests = map[string]func(*testing.T, Fixture){
	"what is known of rows is never more than there is":   testKnown,
	"a slug ahead comes with the state that is installed": testSlugInstalled,
	"what is known of a node is not taken for another's":  testCrowded,
	"a request just made says nothing about another":      testOtherRequest,
}

// knower is a machine that works where a store answers without looking: with ids just above the counter, some of them chosen
// as slugs, and with sequences of nodes around those that were remembered and far above.
type knower struct{ machine }

// testKnown runs histories in which batches are dropped, stores reopened, and older states installed in place of newer ones:
// whatever a store keeps in its memory about rows has to go with the state it was true of.
func testKnown(t *testing.T, f Fixture) {
	runs, copies := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		dir := fmt.Sprintf("%s-known-%d", f.Dir, runs)
		s, err := store.Open(dir, options(t, f.FS))
		rcheck(rt, err)
		var b *store.Batch
		defer func() {
			if b != nil {
				_ = b.Close()
			}
			_ = s.Close()
		}()
		m := newModel()
		stream, saved := []byte(nil), (*model)(nil)
		for range rapid.IntRange(2, 10).Draw(rt, "batches") {
			b, err = s.NewBatch()
			rcheck(rt, err)
			x := &knower{machine{t: rt, b: b, m: m.clone(), at: Epoch, codec: link.NewCodec([16]byte{7})}}
			for range rapid.IntRange(1, 3).Draw(rt, "entries") {
				x.entry()
			}
			if rapid.IntRange(0, 3).Draw(rt, "drop") == 0 {
				rcheck(rt, b.Close())
				continue
			}
			rcheck(rt, b.Commit(), b.Close())
			m = x.m
			compare(rt, s, m)
			switch between := rapid.IntRange(0, 5).Draw(rt, "between"); {
			case between == 0:
				rcheck(rt, s.Close())
				s, err = store.Open(dir, options(t, f.FS))
				rcheck(rt, err)
			case between <= 2:
				copies++
				stream, _ = streamOf(t, f.FS, s, fmt.Sprintf("%s-copy-%d", f.Dir, copies))
				saved = m.clone()
			case between == 3 && stream != nil:
				rcheck(rt, s.Replace(bytes.NewReader(stream), nil))
				m = saved.clone()
				compare(rt, s, m)
			}
		}
		b, err = s.NewBatch()
		rcheck(rt, err)
		(&knower{machine{t: rt, b: b, m: m}}).wantResults()
	})
}

// entry does a few operations of one entry.
func (x *knower) entry() {
	rcheck(x.t, x.b.Advance(store.Position{Index: x.b.Position().Index + 1, Term: 1}), x.b.SetCodeKey([16]byte{7}))
	do := []func(){
		x.generate, x.generate, x.generate, x.choose, x.choose, x.remove, x.skip, x.look, x.putOrigin, x.crowd, x.operate, x.operate,
		x.operate, x.readOnce, x.putOnce, x.bulk, x.sweep, x.edit, x.find, x.due, x.due, x.govern, x.govern,
	}
	for range rapid.IntRange(0, 10).Draw(x.t, "operations") {
		do[rapid.IntRange(0, len(do)-1).Draw(x.t, "operation")]()
	}
}

// ahead draws a code whose id the counter is about to reach, or has just passed.
func (x *knower) ahead() (link.ID, link.Code) {
	id := x.m.counter + link.ID(rapid.IntRange(0, 5).Draw(x.t, "ahead"))
	return id, x.codec.Encode(id)
}

// choose takes a code as a slug.
func (x *knower) choose() {
	id, c := x.ahead()
	want := x.m.expect(c)
	if errors.Is(want, link.ErrNotFound) {
		want = nil
		if id <= x.m.counter {
			want = link.ErrSlugTaken
		}
	}
	l := x.link(c)
	if err := x.b.Put(l); !errors.Is(err, want) {
		x.t.Fatalf("put id %d: %v, want %v", id, err, want)
	}
	if want == nil {
		x.m.links[c] = l
	}
}

// remove deletes a link whose id is about to come.
func (x *knower) remove() {
	id, c := x.ahead()
	want := x.m.expect(c)
	if err := x.b.Delete(c, x.at); !errors.Is(err, want) {
		x.t.Fatalf("delete id %d: %v, want %v", id, err, want)
	}
	if want == nil {
		x.m.links[c] = tombstone(x.m.links[c], x.at)
	}
}

// skip passes over ids, as over codes that are words.
func (x *knower) skip() {
	id, _ := x.ahead()
	rcheck(x.t, x.b.SetCounter(id))
	x.m.counter = id
}

// look reads a link, so that the store has looked for its row.
func (x *knower) look() {
	id, c := x.ahead()
	got, err := x.b.Link(c)
	if diff := cmp.Diff(x.m.links[c], got); !errors.Is(err, x.m.expect(c)) || diff != "" {
		x.t.Fatalf("read id %d: %v, %s", id, err, diff)
	}
}

// crowd has many other nodes propose.
func (x *knower) crowd() {
	for i := range rapid.IntRange(10, 20).Draw(x.t, "others") {
		node := fmt.Sprintf("other-%d", i)
		want, known := x.m.origins[node]
		if o, found, err := x.b.Origin(node); err != nil || found != known || o != want {
			x.t.Fatalf("origin %s: %v, %v, %v, want %v", node, o, found, err, want)
		}
		want.Floor++
		rcheck(x.t, x.b.PutOrigin(node, want))
		x.m.origins[node] = want
	}
}

// operate does what the state machine does with operations of a node: new ones, repeated ones, ones that were overtaken.
func (x *knower) operate() {
	node := x.node()
	if o, found, err := x.b.Origin(node); err != nil || o != x.m.origins[node] {
		x.t.Fatalf("origin %s: %v, %v, %v, want %v", node, o, found, err, x.m.origins[node])
	}
	offset := rapid.SampledFrom([]uint64{0, 1, 2, 3, 5, 8, 1022, 1023, 1024, 1025, 3000, 1<<64 - 20}).Draw(x.t, "offset")
	seq := x.m.origins[node].Floor + offset
	for range rapid.IntRange(1, 4).Draw(x.t, "results") {
		x.wantResult(node, seq)
		if _, known := x.m.results[node][seq]; !known && rapid.IntRange(0, 5).Draw(x.t, "unremembered") > 0 {
			r := store.Result{Code: "c"}
			rcheck(x.t, x.b.PutResult(node, seq, r))
			if x.m.results[node] == nil {
				x.m.results[node] = map[uint64]store.Result{}
			}
			x.m.results[node][seq] = r
		}
		seq += rapid.Uint64Range(0, 2).Draw(x.t, "step")
	}
}

// wantResults looks for all results there have to be.
func (x *knower) wantResults() {
	for node, results := range x.m.results {
		for seq := range results {
			x.wantResult(node, seq)
		}
	}
}

func (x *knower) wantResult(node string, seq uint64) {
	want, known := x.m.results[node][seq]
	if r, found, err := x.b.Result(node, seq); err != nil || found != known || r != want {
		x.t.Fatalf("result %d of %s: %v, %v, %v, want %v, %v", seq, node, r, found, err, want, known)
	}
}

// bulk reads and writes rows of a request that is there, in any order.
func (x *knower) bulk() {
	key := x.key()
	if _, known := x.m.heads[key]; !known {
		return
	}
	for range 3 {
		row := rapid.Uint32Range(0, 4).Draw(x.t, "row")
		want, known := x.m.rows[key][row]
		if r, found, err := x.b.OnceRow("s", key, row); err != nil || found != known || r != want {
			x.t.Fatalf("row %d of request %s: %v, %v, %v, want %v", row, key, r, found, err, want)
		}
		if !known {
			rcheck(x.t, x.b.PutOnceRow("s", key, row, store.Result{Code: "r"}))
			x.m.rows[key][row] = store.Result{Code: "r"}
		}
	}
}
