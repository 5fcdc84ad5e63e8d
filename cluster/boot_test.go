package cluster

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"tinyurl/fsm/link"
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
		rollBack(v, n, known-1000)
		v.start(n)
		v.writable(n)
		if n.record.Boot >= known {
			t.Fatalf("boot %d after boot %d: the test tests nothing", n.record.Boot, known)
		}
		results, err := n.Create(v.t.Context(), []link.Draft{{Target: "https://example.com/first"}})
		if err != nil || !errors.Is(results[0].Err, link.ErrNoLeader) {
			t.Fatalf("under a number that is over: %+v, %v", results, err)
		}
		v.create(n, 3)
		v.stop(n)
		v.start(n) // with the clock as it was: it counts on from the number it took
		if n.record.Boot <= known {
			t.Errorf("the next start is %d again, after %d", n.record.Boot, known)
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
		rollBack(v, n, known-1000)
		v.start(n)
		v.writable(n) // a leader is ready after an entry of its own
		v.create(n, 1)
	})
}

// rollBack gives a stopped node the boot number of an earlier life, and a clock an hour behind.
func rollBack(v *virtualCluster, n *virtualNode, boot uint64) {
	v.t.Helper()
	dir := dataDir{n.disk, n.config.DataDir}
	record, err := dir.node(n.config.Name, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	record.Boot = boot - 1 // the start adds one
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
