package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

var modelTests = map[string]func(*testing.T, Fixture){
	"a store answers as maps would": testModel,
}

// model is what a store is in the reader's head: maps, and no file anywhere.
type model struct {
	links   map[link.Code]link.Link // Target is empty in a tombstone
	heads   map[string]store.OnceHead
	rows    map[string]map[uint32]store.Result
	origins map[string]store.Origin
	results map[string]map[uint64]store.Result
	counter link.ID
	governed
}

func newModel() *model {
	return &model{
		links: map[link.Code]link.Link{}, heads: map[string]store.OnceHead{}, rows: map[string]map[uint32]store.Result{},
		origins: map[string]store.Origin{}, results: map[string]map[uint64]store.Result{},
		governed: governed{map[string]access.Key{}, map[string]access.Denied{}},
	}
}

// clone copies a model, for a batch that may be dropped.
func (m *model) clone() *model {
	c := &model{links: maps.Clone(m.links), heads: maps.Clone(m.heads), origins: maps.Clone(m.origins), counter: m.counter, governed: m.governed.clone()}
	c.rows, c.results = map[string]map[uint32]store.Result{}, map[string]map[uint64]store.Result{}
	for k, v := range m.rows {
		c.rows[k] = maps.Clone(v)
	}
	for k, v := range m.results {
		c.results[k] = maps.Clone(v)
	}
	return c
}

// living counts the links that are not deleted.
func (m *model) living() (n uint64) {
	for _, l := range m.links {
		if l.Target != "" {
			n++
		}
	}
	return n
}

// expect is what a look-up has to answer.
func (m *model) expect(c link.Code) error {
	l, ok := m.links[c]
	switch {
	case !ok:
		return link.ErrNotFound
	case l.Target == "":
		return link.ErrGone
	}
	return nil
}

// machine runs one random history against a store and the model.
type machine struct {
	t     *rapid.T
	codec *link.Codec
	b     *store.Batch
	m     *model
	at    time.Time
}

func testModel(t *testing.T, f Fixture) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		dir := fmt.Sprintf("%s-%d", f.Dir, runs)
		s, err := store.Open(dir, options(t, f.FS))
		rcheck(rt, err)
		var b *store.Batch
		defer func() { // the store waits for its batch, also when the test has failed
			if b != nil {
				_ = b.Close()
			}
			_ = s.Close()
		}()
		m := newModel()
		for range rapid.IntRange(1, 8).Draw(rt, "batches") {
			b, err = s.NewBatch()
			rcheck(rt, err)
			x := &machine{t: rt, b: b, m: m.clone(), at: Epoch, codec: link.NewCodec([16]byte{7})}
			for range rapid.IntRange(1, 4).Draw(rt, "entries") {
				x.entry()
			}
			if rapid.IntRange(0, 4).Draw(rt, "drop") == 0 {
				rcheck(rt, b.Close())
				continue
			}
			rcheck(rt, b.Commit(), b.Close())
			m = x.m
			compare(rt, s, m)
			if rapid.IntRange(0, 4).Draw(rt, "reopen") == 0 {
				rcheck(rt, s.Close())
				s, err = store.Open(dir, options(t, f.FS))
				rcheck(rt, err)
				compare(rt, s, m)
			}
		}
	})
}

func rcheck(t *rapid.T, errs ...error) {
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// compare holds a committed store against the model.
func compare(t *rapid.T, s *store.Store, m *model) {
	rcheck(t, s.Verify(context.Background()))
	if s.Links() != m.living() || s.Counter() != m.counter {
		t.Fatalf("%d links and counter %d, want %d and %d", s.Links(), s.Counter(), m.living(), m.counter)
	}
	for c, want := range m.links {
		got, err := s.Lookup(c)
		if diff := cmp.Diff(want, got); !errors.Is(err, m.expect(c)) || diff != "" {
			t.Fatalf("%q: %v, %s", c, err, diff)
		}
	}
	compareLists(t, s, m)
	compareSums(t, s, m)
	compareGoverned(t, s, m)
}

// entry does a few operations of one entry.
func (x *machine) entry() {
	rcheck(x.t, x.b.Advance(store.Position{Index: x.b.Position().Index + 1, Term: 1}), x.b.SetCodeKey([16]byte{7}))
	do := []func(){
		x.read, x.put, x.put, x.generate, x.delete, x.edit, x.find, x.due, x.readOnce, x.putOnce, x.sweep, x.readNode, x.putOrigin, x.putResult,
		x.govern,
	}
	for range rapid.IntRange(0, 8).Draw(x.t, "operations") {
		do[rapid.IntRange(0, len(do)-1).Draw(x.t, "operation")]()
	}
}

// code draws a slug out of three or one of the first codes: few, so that operations meet.
func (x *machine) code() link.Code {
	n := rapid.IntRange(0, 6).Draw(x.t, "code")
	if n > 2 {
		return x.codec.Encode(link.ID(n - 3))
	}
	return link.Code(fmt.Sprintf("slug-%d", n))
}

func (x *machine) read() {
	c := x.code()
	got, err := x.b.Link(c)
	if diff := cmp.Diff(x.m.links[c], got); !errors.Is(err, x.m.expect(c)) || diff != "" {
		x.t.Fatalf("read %q: %v, %s", c, err, diff)
	}
}

func (x *machine) put() {
	l := x.link(x.code())
	id, isCode := x.codec.Decode(l.Code)
	want := x.m.expect(l.Code)
	if errors.Is(want, link.ErrNotFound) {
		want = nil
		if isCode && id <= x.m.counter {
			want = link.ErrSlugTaken
		}
	}
	if err := x.b.Put(l); !errors.Is(err, want) {
		x.t.Fatalf("put %q: %v, want %v", l.Code, err, want)
	}
	if want == nil {
		x.m.links[l.Code] = l
	}
}

func (x *machine) generate() {
	id := x.m.counter + 1
	l := x.link(x.codec.Encode(id))
	_, taken := x.m.links[l.Code]
	err := x.b.AddGenerated(l)
	if taken {
		if !errors.Is(err, link.ErrSlugTaken) {
			x.t.Fatalf("generate over a slug: %v", err)
		}
		rcheck(x.t, x.b.SetCounter(id))
	} else {
		rcheck(x.t, err)
		x.m.links[l.Code] = l
	}
	x.m.counter = id
}

func (x *machine) delete() {
	c := x.code()
	want := x.m.expect(c)
	if err := x.b.Delete(c, x.at); !errors.Is(err, want) {
		x.t.Fatalf("delete %q: %v, want %v", c, err, want)
	}
	if want == nil {
		x.m.links[c] = tombstone(x.m.links[c], x.at)
	}
}

// tombstone is what is left of a link that is deleted.
func tombstone(l link.Link, at time.Time) link.Link {
	return link.Link{Code: l.Code, Owner: l.Owner, CreatedAt: l.CreatedAt, UpdatedAt: at, Version: l.Version + 1}
}

func (x *machine) key() string { return fmt.Sprint(rapid.IntRange(0, 2).Draw(x.t, "key")) }

func (x *machine) readOnce() {
	key, row := x.key(), rapid.Uint32Range(0, 2).Draw(x.t, "row")
	h, found, err := x.b.Once("s", key)
	want, ok := x.m.heads[key]
	if err != nil || found != ok || h != want {
		x.t.Fatalf("request %s: %v, %v, %v, want %v", key, h, found, err, want)
	}
	r, found, err := x.b.OnceRow("s", key, row)
	wantRow, ok := x.m.rows[key][row]
	if err != nil || found != ok || r != wantRow {
		x.t.Fatalf("row %d of request %s: %v, %v, %v, want %v", row, key, r, found, err, wantRow)
	}
}

func (x *machine) putOnce() {
	key := x.key()
	h := head(byte(rapid.IntRange(0, 1).Draw(x.t, "body")), x.at.Add(time.Duration(rapid.IntRange(-2, 2).Draw(x.t, "expires"))*time.Second))
	rcheck(x.t, x.b.PutOnce("s", key, h))
	if x.m.heads[key] != h {
		x.m.heads[key], x.m.rows[key] = h, map[uint32]store.Result{}
	}
	if row := rapid.Uint32Range(0, 4).Draw(x.t, "row"); row < 3 {
		r := store.Result{Code: link.Code(fmt.Sprint(rapid.IntRange(0, 1).Draw(x.t, "result")))}
		rcheck(x.t, x.b.PutOnceRow("s", key, row, r))
		x.m.rows[key][row] = r
	}
}

func (x *machine) sweep() {
	x.at = x.at.Add(time.Duration(rapid.IntRange(0, 1500).Draw(x.t, "wait")) * time.Millisecond)
	n, err := x.b.SweepOnce(x.at, 1000)
	rcheck(x.t, err)
	want := 0
	for key, h := range x.m.heads {
		if !h.Expires.After(x.at) {
			want += 2 + len(x.m.rows[key])
			delete(x.m.heads, key)
			delete(x.m.rows, key)
		}
	}
	if n != want {
		x.t.Fatalf("a sweep removed %d rows, want %d", n, want)
	}
}

func (x *machine) node() string { return fmt.Sprintf("n%d", rapid.IntRange(0, 1).Draw(x.t, "node")) }

func (x *machine) readNode() {
	node, seq := x.node(), rapid.Uint64Range(0, 6).Draw(x.t, "sequence")
	o, found, err := x.b.Origin(node)
	want, ok := x.m.origins[node]
	if err != nil || found != ok || o != want {
		x.t.Fatalf("origin %s: %v, %v, %v, want %v", node, o, found, err, want)
	}
	r, found, err := x.b.Result(node, seq)
	wantResult, ok := x.m.results[node][seq]
	if err != nil || found != ok || r != wantResult {
		x.t.Fatalf("result %d of %s: %v, %v, %v, want %v", seq, node, r, found, err, wantResult)
	}
}

func (x *machine) putOrigin() {
	node := x.node()
	old, known := x.m.origins[node]
	o := store.Origin{Boot: old.Boot + rapid.Uint64Range(0, 5).Draw(x.t, "boot")/5, Floor: rapid.Uint64Range(0, 6).Draw(x.t, "floor")}
	rcheck(x.t, x.b.PutOrigin(node, o))
	if known && o.Boot == old.Boot {
		o.Floor = max(o.Floor, old.Floor)
	}
	x.m.origins[node] = o
	for seq := range x.m.results[node] {
		if seq < o.Floor || known && o.Boot > old.Boot {
			delete(x.m.results[node], seq)
		}
	}
}

func (x *machine) putResult() {
	node := x.node()
	seq := x.m.origins[node].Floor + rapid.Uint64Range(0, 3).Draw(x.t, "sequence")
	r := store.Result{Err: []error{nil, link.ErrGone}[rapid.IntRange(0, 1).Draw(x.t, "result")]}
	rcheck(x.t, x.b.PutResult(node, seq, r))
	if x.m.results[node] == nil {
		x.m.results[node] = map[uint64]store.Result{}
	}
	x.m.results[node][seq] = r
}
