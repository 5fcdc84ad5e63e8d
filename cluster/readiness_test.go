package cluster

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/cluster/member"
	"tinyurl/fsm/command"
	"tinyurl/test/bubble"
)

func TestANodeIsReadyOnceItHasCaughtUpAndStaysSo(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newReadiness()
		time.Sleep(time.Hour)
		if err := r.check(); !errors.Is(err, errNotCaughtUp) {
			t.Errorf("a new node that heard nobody for an hour: %v", err)
		}
		r.caughtUp()
		if err := r.check(); err != nil {
			t.Error(err)
		}
		r.drain(true)
		if err := r.check(); err == nil || !r.going() {
			t.Error("a node that is about to go is ready")
		}
		r.drain(false) // it may not leave, and stays
		if err := r.check(); err != nil {
			t.Error(err)
		}
		broken := errors.New("broken")
		r.damage(broken)
		if err := r.check(); !errors.Is(err, broken) {
			t.Errorf("a damaged node: %v", err)
		}
	})
}

// After a power cut of the whole site nobody leads for a while, and every node knows its links.
func TestANodeThatHadCaughtUpBeforeServesAloneAfterAWhile(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newReadiness()
		r.caughtUpBefore(true)
		if r.check() == nil {
			t.Error("ready at once, though a leader may have news")
		}
		time.Sleep(readyAlone)
		if err := r.check(); err != nil {
			t.Errorf("after %v: %v", readyAlone, err)
		}
	})
}

func TestALifetimeWaitsForItsTasksAndTakesNoneAfter(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		l := newLifetime()
		ended := false
		if !l.Go(func() { <-l.ctx.Done(); time.Sleep(time.Second); ended = true }) || l.over() {
			t.Fatal("a new lifetime is over")
		}
		if l.end(); !ended || !l.over() {
			t.Error("a task was left behind")
		}
		if l.Go(func() { t.Error("a task ran after the end") }) {
			t.Error("a task was taken after the end")
		}
		l.end() // a second end does nothing
	})
}

// electorate is who leads, in a test.
type electorate struct {
	mu      sync.Mutex
	leader  member.ID
	changed chan struct{}
}

func (e *electorate) current() (member.ID, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leader, e.changed
}

func (e *electorate) elect(id member.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leader = id
	close(e.changed)
	e.changed = make(chan struct{})
}

func TestAQuestionToALeaderEndsWithItsLeadership(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		e := &electorate{leader: "a", changed: make(chan struct{})}
		ctx, cancel := whileLeading(t.Context(), "a", e.current)
		defer cancel()
		e.elect("a") // again: an observation that changes nothing
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatal("ended though the leader is the same")
		}
		e.elect("b")
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("a question to the old leader goes on")
		}
		late, cancelLate := whileLeading(t.Context(), "a", e.current)
		defer cancelLate()
		if synctest.Wait(); late.Err() == nil {
			t.Error("a question to a node that does not lead was begun")
		}
		given, cancelGiven := whileLeading(t.Context(), "b", e.current)
		cancelGiven()
		if !errors.Is(given.Err(), context.Canceled) {
			t.Error("what was given up goes on")
		}
		synctest.Wait()
	})
}

func TestHealthIsThatOfEveryMember(t *testing.T) {
	row := func(name string, voter, healthy bool) MemberStatus {
		return MemberStatus{Member: member.Member{ID: member.ID(name + "-000000"), Name: name}, Voter: voter, Healthy: healthy, Reachable: healthy}
	}
	quorate := []GroupStatus{{Quorum: true}}
	for name, c := range map[string]struct {
		status    Status
		healthy   bool
		tolerance int
		warning   string
	}{
		"no cluster":           {Status{}, false, 0, ""},
		"three voters":         {Status{Groups: quorate, Members: []MemberStatus{row("a", true, true), row("b", true, true), row("c", true, true)}}, true, 1, ""},
		"one of them silent":   {Status{Groups: quorate, Members: []MemberStatus{row("a", true, true), row("b", true, true), row("c", true, false)}}, false, 0, "voter c does not answer"},
		"two of them silent":   {Status{Groups: []GroupStatus{{}}, Members: []MemberStatus{row("a", true, true), row("b", true, false), row("c", true, false)}}, false, 0, "voter b"},
		"a silent replica":     {Status{Groups: quorate, Members: []MemberStatus{row("a", true, true), row("r", false, false)}}, false, 0, ""},
		"five voters":          {Status{Groups: quorate, Members: []MemberStatus{row("a", true, true), row("b", true, true), row("c", true, true), row("d", true, true), row("e", true, true)}}, true, 2, ""},
		"two of one name":      {Status{Groups: quorate, Members: []MemberStatus{row("a", true, true), row("a", false, true)}}, true, 0, "several members are called a"},
		"a clock that is off":  {Status{Groups: []GroupStatus{{Quorum: true, ClockSkew: time.Minute}}, Members: []MemberStatus{row("a", true, true)}}, true, 0, "1m0s off"},
		"no leader, all there": {Status{Groups: []GroupStatus{{}}, Members: []MemberStatus{row("a", true, true)}}, false, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.status
			s.judgeHealth()
			if s.Healthy != c.healthy || s.FailureTolerance != c.tolerance {
				t.Errorf("healthy %v, tolerance %d", s.Healthy, s.FailureTolerance)
			}
			if all := strings.Join(s.Warnings, "; "); !strings.Contains(all, c.warning) || c.warning == "" && all != "" {
				t.Errorf("warnings: %q", all)
			}
		})
	}
}

func TestASightingOfAnotherClusterFades(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var none *sighting
		if none.recent() {
			t.Error("nothing was seen a moment ago")
		}
		s := &sighting{of: member.Member{ID: "x-000000", GossipAddr: "10.0.0.9:7946"}, at: time.Now()}
		if !s.recent() || !strings.Contains(s.warning(), "10.0.0.9:7946") {
			t.Errorf("recent %v: %s", s.recent(), s.warning())
		}
		time.Sleep(sightingKept)
		if s.recent() {
			t.Error("it stands for ever")
		}
	})
}

func TestAConfigurationIsCheckedBeforeAnythingIsTouched(t *testing.T) {
	good := func() Config {
		return Config{DataDir: "d", Network: Network{Listener: &net.TCPListener{}, Advertise: "a:1"}}
	}
	if err := good().validate(); err != nil {
		t.Fatal(err)
	}
	if kept := good().withDefaults().VisitsKept; kept != DefaultVisitsKept {
		t.Errorf("visits are kept for %d days by default", kept)
	}
	for name, change := range map[string]func(*Config){
		"a data directory":    func(c *Config) { c.DataDir = "" },
		"a cluster listener":  func(c *Config) { c.Network.Listener = nil },
		"its address":         func(c *Config) { c.Network.Advertise = "" },
		"bootstrap-expect":    func(c *Config) { c.BootstrapExpect = maxVoters + 1 },
		"bootstrap-expect is": func(c *Config) { c.BootstrapExpect = -1 },
		"given seeds":         func(c *Config) { c.BootstrapExpect, c.Join = 1, []string{"a"} },
		"visits are kept":     func(c *Config) { c.VisitsKept = command.MaxVisitDays + 1 },
		"a replica cannot":    func(c *Config) { c.BootstrapExpect, c.Replica = 3, true },
	} {
		c := good()
		change(&c)
		if err := c.validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
