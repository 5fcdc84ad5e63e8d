package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// createUntilDone tries one create on one node until it is answered for good.
func createUntilDone(ctx context.Context, n *harness.Node, target, key string) (v1.Link, error) {
	for {
		made, err := n.Client().Create(ctx, v1.CreateLink{LongURL: target}, key)
		var refusal *client.Error
		if err == nil || errors.As(err, &refusal) && refusal.Status != 503 || ctx.Err() != nil {
			return made, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return made, err
		}
	}
}

// everywhere sends one create to all nodes at once, twice each, and gives the one code that all answers must name.
func everywhere(t *testing.T, c *harness.Cluster, target, key string, within time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	nodes := append(c.Nodes(), c.Nodes()...)
	codes, errs := make([]string, len(nodes)), make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() {
			made, err := createUntilDone(ctx, n, target, key)
			codes[i], errs[i] = made.ShortCode, err
		})
	}
	all.Wait()
	for i, code := range codes {
		if errs[i] != nil {
			t.Errorf("key %s on %s: %v", key, nodes[i].Name(), errs[i])
		} else if code != codes[0] {
			t.Errorf("key %s made %s on %s and %s on %s", key, codes[0], nodes[0].Name(), code, nodes[i].Name())
		}
	}
	return codes[0]
}

// One Idempotency-Key is one link: sent to all nodes at once, sent while the leader is killed, sent again after.
func TestOneKeyMakesOneLinkWhateverHappens(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	const keys = 20
	codes := make(map[string]string) // by key
	for i := range keys {
		key := fmt.Sprintf("quiet-%d", i)
		codes[key] = everywhere(t, c, "https://example.org/"+key, key, 30*time.Second)
	}
	if state := c.Converged(30 * time.Second); state.Links != keys {
		t.Errorf("%d keys made %d links", keys, state.Links)
	}
	for round := range 2 {
		var all sync.WaitGroup
		var mu sync.Mutex
		leader := c.Leader(leaderWithin)
		begun := make(chan struct{}, keys)
		for i := range keys {
			key := fmt.Sprintf("stormy-%d-%d", round, i)
			all.Go(func() {
				begun <- struct{}{}
				code := everywhere(t, c, "https://example.org/"+key, key, 90*time.Second)
				mu.Lock()
				defer mu.Unlock()
				codes[key] = code
			})
		}
		for range keys / 2 {
			<-begun
		}
		leader.Kill()
		c.Leader(leaderWithin)
		leader.Start()
		all.Wait()
		leader.WaitReady(harness.StartWithin)
	}
	if state := c.Converged(convergeTime); state.Links != uint64(len(codes)) {
		t.Errorf("%d keys made %d links", len(codes), state.Links)
	}
	var all sync.WaitGroup
	for key, code := range codes {
		all.Go(func() {
			if again := everywhere(t, c, "https://example.org/"+key, key, 30*time.Second); again != code {
				t.Errorf("key %s made %s, and %s later", key, code, again)
			}
		})
	}
	all.Wait()
	other := c.Node(0).Client()
	if _, err := other.Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/other"}, "quiet-0"); !isCode(err, v1.KeyReused) {
		t.Errorf("a used key with another body: %v", err)
	}
	t.Logf("FIGURES %s: %d keys, each sent 12 times, 2 leaders killed meanwhile: %d links", t.Name(), len(codes), len(codes))
}
