package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// Script is an endless log of entries that exercises every kind of row. What an entry does depends on the seed, on its index
// and on the state, as in a real state machine: two stores that were fed the same entries are equal.
type Script struct {
	// Seed picks the script.
	Seed uint64
	// Step is how far indexes lie apart on average; 0 means 1, without gaps.
	Step uint64
}

// Index gives the log index of the script's n-th entry, from 1.
func (s Script) Index(n int) uint64 {
	if s.Step <= 1 {
		return uint64(n)
	}
	return uint64(n-1)*s.Step + 1 + rand.New(rand.NewPCG(s.Seed, uint64(n))).Uint64N(s.Step)
}

// Feed applies the entries from the n-th to the last-th, cut into batches of the given sizes, over and over.
func (s Script) Feed(t testing.TB, st *store.Store, n, last int, batches ...int) {
	t.Helper()
	for i := 0; n <= last; i++ {
		b, err := st.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		for range batches[i%len(batches)] {
			if n > last {
				break
			}
			if err := s.Apply(b, n); err != nil {
				t.Fatalf("entry %d: %v", n, err)
			}
			n++
		}
		if err := errors.Join(b.Commit(), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// Applied says how many entries of the script a store at a position has applied.
func (s Script) Applied(p store.Position) int {
	n := 0
	for s.Index(n+1) <= p.Index {
		n++
	}
	return n
}

// Apply applies the n-th entry.
func (s Script) Apply(b *store.Batch, n int) error {
	rng := rand.New(rand.NewPCG(s.Seed, uint64(n)<<32))
	at := Epoch.Add(time.Duration(n) * time.Second)
	err := errors.Join(b.Advance(store.Position{Index: s.Index(n), Term: 1 + uint64(n/100)}), b.SetStamp(at))
	if n == 1 {
		err = errors.Join(err, b.SetCodeKey([16]byte{byte(s.Seed), 1}), b.SetClusterVersion(1))
	}
	for range rng.IntN(6) {
		err = errors.Join(err, step(b, rng, n, at))
	}
	_, sweepErr := b.SweepOnce(at, 10)
	return errors.Join(err, sweepErr)
}

// step is one operation of an entry.
func step(b *store.Batch, rng *rand.Rand, n int, at time.Time) error {
	switch rng.IntN(10) {
	case 9:
		return visited(b, rng, n, at)
	case 8:
		return govern(b, rng, at)
	case 0:
		code := randomCode(b, rng)
		l := aLink(code, fmt.Sprintf("https://example.com/slug/%d", n))
		l.ValidUntil = at.Add(time.Hour)
		l.Owner = fmt.Sprintf("owner-%d", n%3)
		return refused(b.Put(l))
	case 1:
		return refused(b.Delete(randomCode(b, rng), at))
	case 2:
		l, err := b.Link(randomCode(b, rng))
		if err != nil {
			return refused(err)
		}
		l.Version++
		l.UpdatedAt, l.Target = at, link.Target(fmt.Sprintf("https://example.com/edited/%d", n))
		l.Tags = link.Tags([]string{"", "odd", "even", "even\nodd"}[n%4])
		return b.Put(l)
	case 3:
		key := fmt.Sprintf("key-%d", rng.IntN(50))
		if _, found, err := b.Once("scope", key); found || err != nil {
			return err
		}
		err := b.PutOnce("scope", key, store.OnceHead{Body: [32]byte{byte(n)}, Expires: at.Add(30 * time.Second)})
		for row := range rng.IntN(3) {
			err = errors.Join(err, b.PutOnceRow("scope", key, uint32(row), store.Result{Code: "x"}))
		}
		return err
	case 4:
		node := fmt.Sprintf("node-%d", rng.IntN(3))
		boot := uint64(n / 50)
		seq := uint64(n)
		return errors.Join(b.PutOrigin(node, store.Origin{Boot: boot, Floor: seq - min(seq, 5)}),
			b.PutResult(node, seq, store.Result{Err: link.ErrSlugTaken}))
	default:
		return refused(b.AddGenerated(freeLink(b, n, at)))
	}
}

// freeLink is a link under the next code that nobody has taken.
func freeLink(b *store.Batch, n int, at time.Time) link.Link {
	codec, _ := b.Codec()
	id := b.Counter() + 1
	for {
		if _, err := b.Link(codec.Encode(id)); errors.Is(err, link.ErrNotFound) {
			break
		}
		id++
	}
	return link.Link{Code: codec.Encode(id), Fields: link.Fields{Target: link.Target(fmt.Sprintf("https://example.com/%d", n))}, CreatedAt: at, UpdatedAt: at, Version: 1}
}

// randomCode is a slug out of a few, or a code around the counter.
func randomCode(b *store.Batch, rng *rand.Rand) link.Code {
	if rng.IntN(2) == 0 {
		return link.Code(fmt.Sprintf("slug-%d", rng.IntN(40)))
	}
	codec, _ := b.Codec()
	return codec.Encode(link.ID(rng.Uint64N(uint64(b.Counter()) + 5)))
}

// refused drops what a state machine would answer to its caller.
func refused(err error) error {
	if slices.ContainsFunc([]error{link.ErrNotFound, link.ErrGone, link.ErrSlugTaken}, func(e error) bool { return errors.Is(err, e) }) {
		return nil
	}
	return err
}
