package gossip

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/member"
)

func TestAnotherSecretIsRefusedWithReasonsOnBothSides(t *testing.T) {
	seed := start(t, 1, 1, nil)
	registry := prometheus.NewRegistry()
	stranger := start(t, 2, 1, func(c *Config) {
		c.Registerer = registry
		c.Seeds = []string{seed.Addr()}
		c.Key = testKey(2)
	})
	const reason = "another cluster secret"
	eventually(t, "the seed says why", func() bool {
		return strings.Contains(seed.logs.String(), "the other side holds "+reason)
	})
	eventually(t, "the stranger says why", func() bool {
		log := stranger.logs.String()
		return strings.Contains(log, "could not join through a node") && strings.Contains(log, reason)
	})
	for _, g := range []*node{seed, stranger} {
		if n := len(g.Members()); n != 1 {
			t.Errorf("%s knows %d nodes, want itself alone", g.conf.Self.ID, n)
		}
	}
	// It keeps trying, and does not fill the log with it.
	eventually(t, "many more attempts", func() bool { return failures(t, registry) > 10 })
	if n := strings.Count(stranger.logs.String(), "could not join through a node"); n > 3 {
		t.Errorf("%d lines about one failure", n)
	}
}

// failures reads the counter of failed joins.
func failures(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "tinyurl_gossip_join_failures_total" {
			return f.Metric[0].GetCounter().GetValue()
		}
	}
	t.Fatal("no counter of failed joins")
	return 0
}

func TestPlainTextIsRefused(t *testing.T) {
	a := start(t, 1, 1, nil)
	conn, err := net.Dial("tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log names the likely cause", func() bool {
		return strings.Contains(a.logs.String(), "no tinyurl node")
	})
}

func inCluster(n byte, seeds ...string) func(*Config) {
	return func(c *Config) {
		c.Self.ClusterID = member.ClusterID{n}
		c.Seeds = seeds
	}
}

func TestMembersOfAnotherClusterAreRefused(t *testing.T) {
	ours := start(t, 1, 1, inCluster(1))
	theirs := start(t, 2, 1, inCluster(2, ours.Addr()))
	unformed := start(t, 3, 1, seeded(ours.Addr(), theirs.Addr()))

	eventually(t, "the unformed node sees both", func() bool {
		return status(unformed, testID(1)) == "alive" && status(unformed, testID(2)) == "alive"
	})
	eventually(t, "both see the unformed one", func() bool {
		return status(ours, testID(3)) == "alive" && status(theirs, testID(3)) == "alive"
	})
	for _, g := range []*node{ours, theirs} {
		eventually(t, "the refusal is logged", func() bool {
			return strings.Contains(g.logs.String(), "refused a node of another cluster")
		})
	}
	if s := status(ours, testID(2)); s != "unknown" {
		t.Errorf("node 2 is %s to node 1", s)
	}

	// Once it belongs to one cluster, it forgets the other's members.
	if err := unformed.SetMeta(func(m *member.Member) { m.ClusterID = member.ClusterID{1} }); err != nil {
		t.Fatal(err)
	}
	if s := status(unformed, testID(2)); s != "unknown" {
		t.Errorf("node 2 is %s to node 3 after it joined the cluster of node 1", s)
	}
	if s := status(unformed, testID(1)); s != "alive" {
		t.Errorf("node 1 is %s to node 3", s)
	}
}

func TestANodeThatFormsElsewhereIsForgotten(t *testing.T) {
	ours := start(t, 1, 1, inCluster(1))
	other := start(t, 2, 1, seeded(ours.Addr()))
	converged(t, ours, other)
	if err := other.SetMeta(func(m *member.Member) { m.ClusterID = member.ClusterID{2} }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "node 2 is unknown to node 1", func() bool { return status(ours, testID(2)) == "unknown" })
}

func TestARestartFindsTheClusterThoughItsSeedIsGone(t *testing.T) {
	file := fileKeeper(filepath.Join(t.TempDir(), "known.json"))
	seed := start(t, 1, 1, nil)
	other := start(t, 2, 1, seeded(seed.Addr()))
	keeper := start(t, 3, 1, func(c *Config) {
		c.Seeds = []string{seed.Addr()}
		c.Known = file
	})
	converged(t, seed, other, keeper)
	eventually(t, "both peers are on file", func() bool {
		k, err := loadKnown(file)
		return err == nil && len(k.peers) == 2
	})
	keeper.Close()
	seed.Close()
	eventually(t, "the cluster sees both gone", func() bool {
		return status(other, testID(1)) == "failed" && status(other, testID(3)) == "failed"
	})
	again := start(t, 3, 2, func(c *Config) {
		c.Seeds = []string{seed.Addr()}
		c.Known = file
	})
	converged(t, other, again)
}

func TestAPartitionLongerThanMemoryIsHealed(t *testing.T) {
	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, seeded(a.Addr()))
	converged(t, a, b)
	b.Close()
	eventually(t, "node 2 is failed", func() bool { return status(a, testID(2)) == "failed" })
	// Node 2 comes back where it was but knows nobody: node 1, which has no
	// seeds of its own, looks for the lost.
	back := start(t, 2, 2, func(c *Config) { c.BindAddr = b.Addr() })
	converged(t, a, back)
}

func TestACopyWithAHigherBootStopsItself(t *testing.T) {
	seed := start(t, 1, 1, nil)
	original := start(t, 2, 1, seeded(seed.Addr()))
	converged(t, seed, original)
	epoch := time.Now()
	duplicate := start(t, 2, 2, func(c *Config) {
		c.Seeds = []string{seed.Addr()}
		c.Now = func() time.Time { return time.Now().Add(time.Minute) }
	})
	select {
	case err := <-duplicate.Conflict():
		if !errors.Is(err, ErrCopied) || !strings.Contains(err.Error(), original.Addr()) {
			t.Errorf("conflict: %v, want ErrCopied with the other's address", err)
		}
		if waited := time.Since(epoch); waited < quick().TwinPatience {
			t.Errorf("judged after %v, before the copy had answered for %v", waited, quick().TwinPatience)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the copy never noticed")
	}
	if twins := duplicate.Twins(); len(twins) != 2 || twins[0].Boot != 1 || twins[1].Boot != 2 {
		t.Errorf("twins %v, want boots 1 and 2", twins)
	}
	eventually(t, "the original says so", func() bool {
		return strings.Contains(original.logs.String(), "copy of this data directory")
	})
	select {
	case err := <-original.Conflict():
		t.Errorf("the original was told to stop: %v", err)
	default:
	}
}

func TestACopyWithTheSameBootStopsItself(t *testing.T) {
	seed := start(t, 1, 1, nil)
	original := start(t, 2, 5, seeded(seed.Addr()))
	converged(t, seed, original)
	duplicate := start(t, 2, 5, func(c *Config) {
		c.Seeds = []string{seed.Addr(), original.Addr()}
		c.Now = func() time.Time { return time.Now().Add(time.Minute) }
	})
	select {
	case err := <-duplicate.Conflict():
		if !errors.Is(err, ErrCopied) {
			t.Errorf("conflict: %v, want ErrCopied", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the copy never noticed")
	}
	select {
	case err := <-original.Conflict():
		t.Errorf("the original was told to stop: %v", err)
	default:
	}
	eventually(t, "the seed says so", func() bool {
		return strings.Contains(seed.logs.String(), "two nodes with one identity")
	})
}
