package cluster

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// A data directory that was rolled back counts its starts from where it was, and a clock that is behind does not help it on: the
// cluster refuses what it sends under a number that is over. It must not stay so for ever.
func TestANodeWhoseBootNumberIsOverTakesALaterOne(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		time.Sleep(10 * time.Second)
		n := v.follower()
		v.create(n, 1)
		v.stop(n)
		v.start(n)
		v.writable(n)
		v.create(n, 1) // the state knows this start
		known := n.record.Boot
		v.stop(n)
		rollBack(v, n, known-rolledBack)
		v.start(n)
		v.writable(n)
		if n.Boot() >= known {
			t.Fatalf("boot %d after boot %d: the test tests nothing", n.Boot(), known)
		}
		results, err := links.Create(v.t.Context(), n, link.Draft{Fields: link.Fields{Target: "https://example.com/first"}})
		if err != nil || !errors.Is(results[0].Err, link.ErrNoLeader) {
			t.Fatalf("under a number that is over: %+v, %v", results, err)
		}
		v.create(n, 3)
		later := n.Boot()
		if later <= known || later != n.group.Load().boots.proposes().Boot {
			t.Errorf("boot %d after boot %d", later, known)
		}
		v.stop(n)
		v.start(n) // with the clock as it was: it counts on from the number it took
		if n.Boot() <= later {
			t.Errorf("the next start is %d again, after %d", n.Boot(), later)
		}
		v.writable(n)
		v.create(n, 1)
	})
}

func TestALeaderWhoseBootNumberIsOverTakesALaterOne(t *testing.T) {
	inVirtualTime(t, 1, func(v *virtualCluster) {
		v.founded()
		n := v.nodes[0]
		v.create(n, 1)
		known := n.record.Boot
		v.stop(n)
		rollBack(v, n, known-rolledBack)
		v.start(n)
		v.writable(n) // a leader is ready after an entry of its own
		v.create(n, 1)
	})
}

// rolledBack is how far behind a directory is, in boot numbers: further than a number is ever raised by chance.
const rolledBack = 1 << 33

// rollBack gives a stopped node the boot number of an earlier life, and a clock an hour behind.
func rollBack(v *virtualCluster, n *virtualNode, boot uint64) {
	v.t.Helper()
	dir := dataDir{n.disk, n.config.DataDir}
	record, err := dir.node(n.config.Name, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	record.Boot = boot - 1
	if err := dir.write("node.json", record); err != nil {
		v.t.Fatal(err)
	}
	n.config.Environment.Now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
}

func TestBootNumbersOnlyRise(t *testing.T) {
	known := map[string]uint64{}
	kept := uint64(5)
	var fails error
	b := newBoots(5, "n-000000", func(origin string) (uint64, error) { return known[origin], nil },
		func(above uint64) (uint64, error) {
			if fails != nil {
				return 0, fails
			}
			kept = max(kept, above) + 1
			return kept, nil
		}, slog.New(slog.DiscardHandler))
	want := func(what string, boot uint64) {
		t.Helper()
		if b.outrun(); b.proposes().Boot != boot || b.leads().Boot != boot {
			t.Errorf("%s: %d and %d, want %d", what, b.proposes().Boot, b.leads().Boot, boot)
		}
	}
	want("a late operation of this start", 5)
	known["n-000000"] = 5
	want("the state knows this start", 5)
	known["leader/n-000000"] = 9
	fails = errors.New("no space left on device")
	want("what cannot be kept is not used", 5)
	fails = nil
	want("a later start led", 10)
	want("asked again", 10)
	if b.proposes().Node == b.leads().Node {
		t.Error("a leader's own commands share their sequences with the proposer's")
	}
}

// Where the clock is behind in every life, the number of a start cannot be a count: a directory that was rolled back by one life would
// count to the same number, and its writes would be taken for those of the life it forgot.
func TestALifeThatWasForgottenIsNotTakenForThisOne(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		time.Sleep(10 * time.Second)
		n := v.follower()
		v.create(n, 1)
		v.stop(n)
		v.start(n)
		v.writable(n)
		made := map[link.Code]bool{}
		for range 5 {
			made[v.make(n, "https://example.com/old").Code] = true
		}
		known := n.record.Boot
		v.stop(n)
		rollBack(v, n, known) // the start would count to the very number of the life before
		v.start(n)
		v.writable(n)
		fresh := v.make(n, "https://example.com/new")
		got, err := links.Get(v.t.Context(), n, fresh.Code, false)
		if made[fresh.Code] || err != nil || got.Target != "https://example.com/new" {
			t.Errorf("a new link %s leads to %q, %v", fresh.Code, got.Target, err)
		}
	})
}

// make makes one link, which must be acknowledged.
func (v *virtualCluster) make(n *virtualNode, target link.Target) link.Link {
	v.t.Helper()
	results, err := links.Create(v.t.Context(), n, link.Draft{Fields: link.Fields{Target: target}})
	if err != nil || results[0].Err != nil {
		v.t.Fatalf("%+v, %v", results, err)
	}
	return results[0].Link
}

// A refusal that has not been applied here says nothing about how high the numbers are: the state may know an older life only, and the
// number after that one may be in use already.
func TestANumberIsTakenOnlyOnceTheRefusalIsApplied(t *testing.T) {
	var asked atomic.Int32
	b := newBoots(101, "n-000000", func(string) (uint64, error) { asked.Add(1); return 102, nil },
		func(above uint64) (uint64, error) { return above + 1, nil }, slog.New(slog.DiscardHandler))
	late := func(ctx context.Context, _ uint64) error { <-ctx.Done(); return ctx.Err() }
	refused := func(_ context.Context, _ member.ID, batch parcel) (uint64, []command.Result, error) {
		results := make([]command.Result, batch.operations)
		for i := range results {
			results[i].Err = command.ErrStale
		}
		return 7, results, nil
	}
	leader := func() (member.ID, <-chan struct{}) { return "l-000000", nil }
	create := func(applied func(context.Context, uint64) error) {
		t.Helper()
		p := newProposer(b, 5*time.Second, refused, leader, applied, slog.New(slog.DiscardHandler))
		defer p.close()
		draft := command.Create{Draft: link.Draft{Fields: link.Fields{Target: "https://example.com/"}}}
		if results, err := p.propose(t.Context(), "", []command.Command{draft}); err != nil || results[0].Err == nil {
			t.Fatalf("%+v, %v", results, err)
		}
	}
	create(late)
	if asked.Load() != 0 || b.proposes().Boot != 101 {
		t.Errorf("took number %d from a state that lags behind", b.proposes().Boot)
	}
	create(func(context.Context, uint64) error { return nil })
	if b.proposes().Boot != 103 {
		t.Errorf("number %d after a refusal that was applied, want 103", b.proposes().Boot)
	}
}
