package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"tinyurl/test/harness"
)

// How long nodes fail at random, and in which order.
const (
	secondsVariable = "TINYURL_E2E_SECONDS"
	seedVariable    = "TINYURL_E2E_SEED"
)

// Nodes are killed, paused and stopped in a random order and for random times, the leader or not, one at a time and now and
// then two. The seed that is logged makes the same faults again, though not at the same moments.
func TestNodesFailAtRandomUnderLoad(t *testing.T) {
	t.Parallel()
	seconds := number(t, secondsVariable, 12)
	seed := number(t, seedVariable, int(time.Now().UnixNano()%1e6))
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(uint64(seed), 1))
	c := harness.Start(t, harness.Options{})
	tr := beginPatiently(t, c, 2*time.Second)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	faults := make(map[string]int)
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		victims := chance.Perm(3)[:1]
		if chance.IntN(4) == 0 {
			victims = chance.Perm(3)[:2]
		}
		how := []string{"kill", "kill", "pause", "stop"}[chance.IntN(4)]
		faults[how] += len(victims)
		for _, v := range victims {
			fail(c.Node(v), how)
		}
		// Shorter than links take to settle: those that only the victims know may be unproven meanwhile.
		away := time.Duration(chance.IntN(3000)) * time.Millisecond
		began := time.Now()
		if len(victims) == 1 && chance.IntN(2) == 0 {
			c.AwaitAccepted(tr.load, enoughAfter, 2*resumeWithin)
		}
		rest(t, away-time.Since(began))
		for _, v := range victims {
			if how == "pause" {
				c.Node(v).Resume()
			} else {
				c.Node(v).Start()
			}
		}
		for _, v := range victims {
			c.Node(v).WaitCurrent(harness.StartWithin)
		}
		c.AwaitAccepted(tr.load, int64(chance.IntN(enoughAfter)), 2*resumeWithin)
	}
	t.Logf("FIGURES %s: seed %d, %d s, faults %v", t.Name(), seed, seconds, faults)
	tr.finish(t, c)
}

// fail makes a node fail in one of the ways.
func fail(n *harness.Node, how string) {
	switch how {
	case "kill":
		n.Kill()
	case "pause":
		n.Pause()
	default:
		n.Stop()
	}
}

// rest is the length of a fault, which nothing but time tells.
func rest(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// number reads a number from the environment.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, which is no number", variable, text)
	}
	return n
}
