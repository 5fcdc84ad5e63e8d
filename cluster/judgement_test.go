package cluster

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"tinyurl/cluster/member"
)

func TestAReplicaStopsOnlyWhenAMajorityDiffersAtTheSameIndex(t *testing.T) {
	at := func(index uint64, digest string) Stats { return Stats{DigestIndex: index, Digest: digest} }
	for name, c := range map[string]struct {
		mine   Stats
		others []Stats
		voters int
		stops  bool
	}{
		"all equal":                             {at(4096, "x"), []Stats{at(4096, "x"), at(4096, "x")}, 3, false},
		"the odd one of three":                  {at(4096, "x"), []Stats{at(4096, "y"), at(4096, "y")}, 3, true},
		"one of the others differs":             {at(4096, "x"), []Stats{at(4096, "x"), at(4096, "y")}, 3, false},
		"only one other answers":                {at(4096, "x"), []Stats{at(4096, "y")}, 3, false},
		"the others are at another index":       {at(4096, "x"), []Stats{at(8192, "y"), at(8192, "y")}, 3, false},
		"two voters cannot tell who is right":   {at(4096, "x"), []Stats{at(4096, "y")}, 2, false},
		"all three differ":                      {at(4096, "x"), []Stats{at(4096, "y"), at(4096, "z")}, 3, false},
		"a replica against three voters":        {at(4096, "x"), []Stats{at(4096, "y"), at(4096, "y"), at(4096, "y")}, 3, true},
		"the odd one of five, two of them away": {at(4096, "x"), []Stats{at(4096, "y"), at(4096, "y")}, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			others := map[member.ID]Stats{}
			for i, s := range c.others {
				others[member.ID(rune('a'+i))] = s
			}
			if err := judge(c.mine, others, c.voters); (err != nil) != c.stops {
				t.Fatalf("judge = %v, want stop %v", err, c.stops)
			}
		})
	}
}

func TestSkewIsMeasuredAgainstTheMedianOfThreeClocksOrMore(t *testing.T) {
	for name, c := range map[string]struct {
		offsets []time.Duration // the others' clocks, ahead of ours
		want    time.Duration
		known   bool
	}{
		"alone":                        {nil, 0, false},
		"of two nobody knows":          {[]time.Duration{time.Hour}, 0, false},
		"we are right":                 {[]time.Duration{time.Hour, time.Millisecond}, -time.Millisecond, true},
		"we are an hour behind":        {[]time.Duration{time.Hour, time.Hour + time.Second}, -time.Hour, true},
		"two halves that differ":       {[]time.Duration{0, time.Hour, time.Hour}, 0, false},
		"four that agree":              {[]time.Duration{0, 0, 0}, 0, true},
		"we are a minute ahead":        {[]time.Duration{-time.Minute, -time.Minute - time.Second}, time.Minute, true},
		"five clocks, two of them mad": {[]time.Duration{time.Hour, time.Hour, 0, time.Millisecond}, -time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			others := map[member.ID]Stats{}
			for i, o := range c.offsets {
				others[member.ID(rune('a'+i))] = Stats{Offset: o}
			}
			got, known := skew(others)
			if known != c.known || got != c.want {
				t.Fatalf("skew = %v, %v; want %v, %v", got, known, c.want, c.known)
			}
		})
	}
}

func TestADeadMemberIsReplacedOnlyByALivingSuccessorOfItsName(t *testing.T) {
	voter := func(id raft.ServerID) raft.Server { return raft.Server{ID: id, Suffrage: raft.Voter} }
	other := func(id raft.ServerID) raft.Server { return raft.Server{ID: id, Suffrage: raft.Nonvoter} }
	dead := raft.ServerID("b-111111")
	for name, c := range map[string]struct {
		servers []raft.Server
		silent  []member.ID
		want    bool
	}{
		"no successor":                           {[]raft.Server{voter("a-111111"), voter(dead), voter("c-111111")}, nil, false},
		"a successor that votes":                 {[]raft.Server{voter("a-111111"), voter(dead), voter("c-111111"), voter("b-222222")}, nil, true},
		"a successor that does not vote yet":     {[]raft.Server{voter("a-111111"), voter(dead), voter("c-111111"), other("b-222222")}, nil, false},
		"a successor that is silent too":         {[]raft.Server{voter("a-111111"), voter(dead), voter("c-111111"), voter("b-222222")}, []member.ID{"b-222222"}, false},
		"too few voters would be left":           {[]raft.Server{voter("a-111111"), voter(dead), voter("b-222222")}, nil, false},
		"a longer name is another name":          {[]raft.Server{voter("a-111111"), voter(dead), voter("c-111111"), voter("bb-222222")}, nil, false},
		"a dead newcomer whose successor votes":  {[]raft.Server{voter("a-111111"), other(dead), voter("b-222222")}, nil, true},
		"a dead replica with a living successor": {[]raft.Server{voter("a-111111"), other(dead), other("b-222222")}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := &replacer{silentSince: map[member.ID]time.Time{member.ID(dead): time.Unix(0, 0)}}
			for _, id := range c.silent {
				p.silentSince[id] = time.Unix(0, 0)
			}
			var s raft.Server
			for _, s = range c.servers {
				if s.ID == dead {
					break
				}
			}
			if got := p.replaceable(s, c.servers); got != c.want {
				t.Fatalf("replaceable = %v, want %v", got, c.want)
			}
		})
	}
}

func TestSilenceMustLastBeforeAMemberCountsAsDead(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &replacer{after: 10 * time.Minute, now: func() time.Time { return now }, silentSince: map[member.ID]time.Time{"b-111111": now}}
	if p.dead("b-111111") || p.dead("a-111111") {
		t.Fatal("dead at once")
	}
	now = now.Add(10 * time.Minute)
	if !p.dead("b-111111") {
		t.Fatal("still not dead after ten minutes")
	}
}

func TestPromotion(t *testing.T) {
	now := time.Unix(10000, 0)
	healthy := autopilot.ServerHealth{Healthy: true, StableSince: now.Add(-time.Hour)}
	sick := autopilot.ServerHealth{Healthy: false, StableSince: now.Add(-time.Hour)}
	type server struct {
		state   autopilot.RaftState
		health  autopilot.ServerHealth
		zone    string
		replica bool
	}
	votes := func(zone string) server { return server{autopilot.RaftVoter, healthy, zone, false} }
	waits := func(zone string) server { return server{autopilot.RaftNonVoter, healthy, zone, false} }
	for name, c := range map[string]struct {
		servers map[raft.ServerID]server
		want    raft.ServerID
	}{
		"a stable newcomer votes": {map[raft.ServerID]server{"a-000000": votes(""), "b-000000": waits("")}, "b-000000"},
		"one at a time, by id":    {map[raft.ServerID]server{"a-000000": votes(""), "c-000000": waits(""), "b-000000": waits("")}, "b-000000"},
		"a sick newcomer waits":   {map[raft.ServerID]server{"a-000000": votes(""), "b-000000": {autopilot.RaftNonVoter, sick, "", false}}, ""},
		"a replica never votes":   {map[raft.ServerID]server{"a-000000": votes(""), "b-000000": {autopilot.RaftNonVoter, healthy, "", true}}, ""},
		"the emptiest zone first": {map[raft.ServerID]server{"a-000000": votes("x"), "b-000000": waits("x"), "c-000000": waits("y")}, "c-000000"},
		"five seats are taken": {map[raft.ServerID]server{
			"a-000000": votes(""), "b-000000": votes(""), "c-000000": votes(""), "d-000000": votes(""), "e-000000": votes(""), "f-000000": waits(""),
		}, ""},
		"the heir of a dead voter gets a sixth seat for a moment": {map[raft.ServerID]server{
			"a-000000": votes(""), "b-000000": votes(""), "c-000000": votes(""), "d-000000": votes(""),
			"e-000000": {autopilot.RaftVoter, sick, "", false}, "e-111111": waits(""), "d-111111": waits(""),
		}, "e-111111"},
	} {
		t.Run(name, func(t *testing.T) {
			state := &autopilot.State{Servers: map[raft.ServerID]*autopilot.ServerState{}}
			for id, s := range c.servers {
				state.Servers[id] = &autopilot.ServerState{Server: autopilot.Server{ID: id}, State: s.state, Health: s.health}
			}
			p := &promoter{now: func() time.Time { return now }, describe: func(id member.ID) (member.Member, bool) {
				s, ok := c.servers[raft.ServerID(id)]
				return member.Member{Zone: s.zone, Replica: s.replica}, ok
			}, voters: func() []member.ID { return votersOf(state) }}
			changes := p.CalculatePromotionsAndDemotions(&autopilot.Config{ServerStabilizationTime: time.Minute}, state)
			var got raft.ServerID
			if len(changes.Promotions) > 0 {
				got = changes.Promotions[0]
			}
			if got != c.want || len(changes.Promotions) > 1 || len(changes.Demotions) > 0 {
				t.Fatalf("changes = %+v, want promotion of %q", changes, c.want)
			}
		})
	}
}

// votersOf is the configuration that a state is of.
func votersOf(s *autopilot.State) []member.ID {
	var ids []member.ID
	for id, server := range s.Servers {
		if server.HasVotingRights() {
			ids = append(ids, member.ID(id))
		}
	}
	return ids
}

// A state from before a promotion counts one voter too few: the fifth seat would be given away twice.
func TestNobodyIsPromotedByAStateThatIsOlderThanTheConfiguration(t *testing.T) {
	now := time.Now()
	well := autopilot.ServerHealth{Healthy: true, StableSince: now.Add(-time.Hour)}
	state := &autopilot.State{Servers: map[raft.ServerID]*autopilot.ServerState{}}
	for _, id := range []raft.ServerID{"a-1", "b-1", "c-1", "d-1"} {
		state.Servers[id] = &autopilot.ServerState{Server: autopilot.Server{ID: id}, State: autopilot.RaftVoter, Health: well}
	}
	for _, id := range []raft.ServerID{"e-1", "f-1"} {
		state.Servers[id] = &autopilot.ServerState{Server: autopilot.Server{ID: id}, State: autopilot.RaftNonVoter, Health: well}
	}
	latest := votersOf(state)
	p := &promoter{
		now: func() time.Time { return now }, voters: func() []member.ID { return latest },
		describe: func(member.ID) (member.Member, bool) { return member.Member{}, true },
	}
	first := p.CalculatePromotionsAndDemotions(&autopilot.Config{}, state).Promotions
	if len(first) != 1 || first[0] != "e-1" {
		t.Fatalf("promoted %v, want e-1", first)
	}
	latest = append(latest, "e-1")
	if again := p.CalculatePromotionsAndDemotions(&autopilot.Config{}, state).Promotions; len(again) != 0 {
		t.Errorf("%v is promoted beside e-1, who took the last seat", again)
	}
}

func TestQuorumNeedsALeaderThatAnswersAndAMajority(t *testing.T) {
	up := func(id member.ID, role string) MemberStatus {
		return MemberStatus{Member: member.Member{ID: id}, Voter: true, Reachable: true, Role: role}
	}
	down := func(id member.ID) MemberStatus { return MemberStatus{Member: member.Member{ID: id}, Voter: true} }
	for name, c := range map[string]struct {
		members []MemberStatus
		leader  member.ID
		want    bool
	}{
		"all up":                   {[]MemberStatus{up("a", roleLeader), up("b", roleFollower), up("c", roleFollower)}, "a", true},
		"one down":                 {[]MemberStatus{up("a", roleLeader), up("b", roleFollower), down("c")}, "a", true},
		"two down":                 {[]MemberStatus{up("a", roleLeader), down("b"), down("c")}, "a", false},
		"no leader":                {[]MemberStatus{up("a", roleFollower), up("b", roleFollower), up("c", roleCandidate)}, "", false},
		"a leader that is silent":  {[]MemberStatus{up("a", roleFollower), up("b", roleFollower), down("c")}, "c", false},
		"one that only led before": {[]MemberStatus{up("a", roleFollower), up("b", roleFollower), up("c", roleFollower)}, "c", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := quorum(c.members, c.leader); got != c.want {
				t.Fatalf("quorum = %v", got)
			}
		})
	}
}
