package cluster

import (
	"testing"
	"time"

	"tinyurl/fsm/link"
)

// A node that takes a write in for its leader answers when it has applied it. It must not have to wait for raft's next message.
func TestAFollowerHearsOfACommitAtOnce(t *testing.T) {
	c := newTestCluster(t, 3, func(c *Config) { c.Tuning.Commit = 5 * time.Second })
	for _, follower := range c.others(c.leader()) {
		const writes = 5
		known := 0
		for range writes {
			results, err := follower.Create(t.Context(), []link.Draft{{Target: "https://example.org/"}})
			if err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
			if _, err := follower.Get(t.Context(), results[0].Link.Code, true); err == nil {
				known++
			}
		}
		if known <= writes/2 { // a machine that is busy may take longer than an answer waits
			t.Errorf("of %d writes, the node that took them in knows %d", writes, known)
		}
	}
}
