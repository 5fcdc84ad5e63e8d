package cluster

import (
	"testing"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/sim/links"
)

// A node that takes a write in for its leader answers when it has applied it. It must not have to wait for raft's next message.
func TestAFollowerHearsOfACommitAtOnce(t *testing.T) {
	c := newTestCluster(t, 3, func(c *Config) { c.Tuning.Commit = 2 * time.Second })
	for _, follower := range c.others(c.leader()) {
		const writes = 5
		known := 0
		for range writes {
			results, err := links.Create(t.Context(), follower, link.Draft{Fields: link.Fields{Target: "https://example.org/"}})
			if err != nil || results[0].Err != nil {
				t.Fatal(err, results)
			}
			if _, err := links.Get(t.Context(), follower, results[0].Link.Code, true); err == nil {
				known++
			}
		}
		if known <= writes/2 { // a machine that is busy may take longer than an answer waits
			t.Errorf("of %d writes, the node that took them in knows %d", writes, known)
		}
	}
}

// A follower that acknowledged an entry and died before it was committed must not be told of that commit when it comes back: it would
// take itself to have all that there is, while it lacks whatever came since.
func TestAFollowerThatIsBehindIsNotToldThatItIsNot(t *testing.T) {
	inVirtualTime(t, 5, func(v *virtualCluster) {
		v.founded()
		leader := v.leader()
		follower := acknowledgesAndDies(v, leader)
		behind := 2000
		if raceDetector {
			behind = 500
		}
		for range behind {
			v.create(leader, 1)
			time.Sleep(20 * time.Millisecond)
		}
		v.start(follower)
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
			v.create(leader, 1)
			g := follower.group.Load()
			if g == nil {
				continue
			}
			mine, its := g.fsm.AppliedIndex(), leader.group.Load().fsm.AppliedIndex()
			if age := follower.Staleness(); its > mine+100 && age >= 0 {
				t.Errorf("%v after its start it says to be %v behind; it has applied %d, the leader %d", time.Since(began), age, mine, its)
				return
			}
		}
	})
}

// acknowledgesAndDies kills a follower between its acknowledgement of an entry and the commit.
func acknowledgesAndDies(v *virtualCluster, leader *virtualNode) *virtualNode {
	v.create(leader, 5)
	time.Sleep(time.Second)
	var follower *virtualNode
	var release []func()
	for _, n := range v.nodes {
		switch {
		case n == leader:
		case follower == nil:
			follower = n
		default:
			release = append(release, n.log.hang())
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := links.Create(v.t.Context(), leader, link.Draft{Fields: link.Fields{Target: "https://example.org/"}}); err != nil {
			v.t.Error(err)
		}
	}()
	time.Sleep(20 * time.Millisecond) // of virtual time: it has acknowledged
	v.isolate(follower, true)
	for _, let := range release {
		let()
	}
	<-done
	v.kill(follower)
	v.isolate(follower, false)
	return follower
}
