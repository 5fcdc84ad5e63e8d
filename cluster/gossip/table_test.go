package gossip

import (
	"testing"
	"time"

	"tinyurl/cluster/member"
)

// tableAt makes a table whose clock the test moves.
func tableAt(clock *time.Time) *table {
	return newTable(peer{Member: member.Member{ID: testID(0), Boot: 1}}, func() time.Time { return *clock })
}

func seen(n int, boot uint64) peer { return peer{Member: member.Member{ID: testID(n), Boot: boot}} }

func TestTheHighestBootIsTheNode(t *testing.T) {
	clock := time.Unix(1000, 0)
	tab := tableAt(&clock)
	want := func(boot uint64, s member.Status) {
		t.Helper()
		if m, ok := tab.member(testID(1)); !ok || m.Boot != boot || m.Status != s {
			t.Fatalf("node is boot %d, %v (%v), want boot %d, %v", m.Boot, m.Status, ok, boot, s)
		}
	}
	tab.alive(seen(1, 5))
	want(5, member.Alive)
	tab.alive(seen(1, 4)) // late news
	want(5, member.Alive)
	tab.gone(seen(1, 4))
	want(5, member.Alive)
	tab.alive(seen(1, 6))
	tab.gone(seen(1, 5))
	want(6, member.Alive)
	tab.gone(seen(1, 6))
	want(6, member.Failed)
	tab.alive(seen(1, 6))
	want(6, member.Alive)
	tab.gone(seen(1, 99)) // never seen
	want(6, member.Alive)
	tab.drop(testID(1), 99)
	want(6, member.Alive)
	tab.drop(testID(1), 6)
	if m, ok := tab.member(testID(1)); ok {
		t.Errorf("dropped, but still %v", m)
	}
}

func TestSinceIsTheTimeOfTheLastChangeOfStatus(t *testing.T) {
	clock := time.Unix(1000, 0)
	tab := tableAt(&clock)
	since := func() int64 { m, _ := tab.member(testID(1)); return m.Since.Unix() }
	tab.alive(seen(1, 1))
	clock = clock.Add(time.Second)
	tab.alive(seen(1, 1)) // an update
	if since() != 1000 {
		t.Errorf("since %d after an update, want 1000", since())
	}
	tab.gone(seen(1, 1))
	if since() != 1001 {
		t.Errorf("since %d after failing, want 1001", since())
	}
}

func TestFailedMembersAreForgottenInTheEnd(t *testing.T) {
	clock := time.Unix(1000, 0)
	tab := tableAt(&clock)
	tab.alive(seen(1, 1))
	tab.alive(seen(2, 1))
	tab.gone(seen(1, 1))
	tab.forget(time.Unix(1000, 0))
	if len(tab.members()) != 2 {
		t.Error("forgotten too early")
	}
	tab.forget(time.Unix(1001, 0))
	if ms := tab.members(); len(ms) != 1 || ms[0].ID != testID(2) {
		t.Errorf("members %v, want the living alone", ms)
	}
}

func TestTheTableIsBounded(t *testing.T) {
	clock := time.Unix(1000, 0)
	tab := tableAt(&clock)
	for n := 1; n <= maxMembers+100; n++ {
		clock = clock.Add(time.Second)
		tab.alive(seen(n, 1))
		if n != 7 {
			tab.gone(seen(n, 1))
		}
	}
	if n := len(tab.members()); n > maxMembers {
		t.Errorf("%d members, want at most %d", n, maxMembers)
	}
	if m, ok := tab.member(testID(7)); !ok || m.Status != member.Alive {
		t.Error("a living member was dropped for failed ones")
	}
	if _, ok := tab.member(testID(1)); ok {
		t.Error("the longest failed member is still there")
	}
}

func TestChangesAreAnEdgePerWatcher(t *testing.T) {
	clock := time.Unix(1000, 0)
	tab := tableAt(&clock)
	a, b := tab.watch(), tab.watch()
	for n := range 10 {
		tab.alive(seen(n+1, 1))
	}
	for _, c := range []<-chan struct{}{a, b} {
		if len(c) != 1 {
			t.Errorf("%d tokens, want 1", len(c))
		}
	}
}

func TestTwinsAreTheLivingBootsOfOneself(t *testing.T) {
	clock := time.Unix(1000, 0)
	tab := tableAt(&clock)
	tab.alive(seen(0, 1))
	tab.alive(seen(1, 1))
	tab.alive(seen(1, 2)) // somebody else's
	if got := tab.twins(); got != nil {
		t.Errorf("alone, but twins %v", got)
	}
	tab.alive(seen(0, 3))
	if got := tab.twins(); len(got) != 2 || got[0].Boot != 1 || got[1].Boot != 3 {
		t.Errorf("twins %v, want boots 1 and 3", got)
	}
	tab.gone(seen(0, 3))
	if got := tab.twins(); got != nil {
		t.Errorf("the other is gone, but twins %v", got)
	}
}

func TestALivingBootCountsMoreThanADeadHigherOne(t *testing.T) {
	tab := newTable(peer{Member: member.Member{ID: testID(1), Boot: 1}}, time.Now)
	original := peer{Member: member.Member{ID: testID(2), Boot: 5, ClusterAddr: "10.0.0.2:7000"}}
	replica := peer{Member: member.Member{ID: testID(2), Boot: 6, ClusterAddr: "10.0.0.9:7000"}}
	tab.alive(original)
	tab.alive(replica)
	if m, _ := tab.member(testID(2)); m.Boot != 6 {
		t.Fatalf("of two living boots %d counts", m.Boot)
	}
	tab.gone(replica)
	if m, _ := tab.member(testID(2)); m.Boot != 5 || m.Status != member.Alive || m.ClusterAddr != original.ClusterAddr {
		t.Fatalf("after the copy has gone: %+v", m)
	}
	tab.gone(original)
	if m, _ := tab.member(testID(2)); m.Status != member.Failed {
		t.Fatalf("after both have gone: %+v", m)
	}
}
