package scenario

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"tinyurl/cluster"
	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
	"tinyurl/test/history"
	"tinyurl/test/judge"
	"tinyurl/test/sim/disk"
	"tinyurl/test/sim/links"
	"tinyurl/test/sim/wire"
)

const (
	clusterPort = 7000
	gossipPort  = 7001
)

// stage is where a scenario plays: machines on a network, and who writes down what clients are told.
type stage struct {
	t        *testing.T
	net      *wire.Network
	secret   identity.Secret
	recorder *history.Recorder
	start    time.Time
	tune     func(*cluster.Config)
	machines []*machine
	seeds    []string // where the machines were when the cluster was founded
	behind   []string // what did not catch up after the healing

	mu   sync.Mutex
	made []string // owned by mu: the codes of acknowledged creates
}

// machine is a host with a disk, and the node that runs on it, if one does.
type machine struct {
	stage *stage
	name  string
	host  *wire.Host
	disk  *disk.Disk
	files func(store.FS) store.FS // what the node's files pass through; nil for nothing
	node  *cluster.Node           // nil while none runs
}

// play runs a scenario in a bubble, on machines whose nodes have founded a cluster, and lets the judge read what came of it. tune
// may be nil.
func play(t *testing.T, machines int, tune func(*cluster.Config), scenario func(*stage)) {
	t.Helper()
	secret, err := identity.ParseSecret("a secret of the scenarios that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	cryptotest.SetGlobalRandom(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, net: wire.New(1), secret: secret, start: time.Now(), tune: tune}
		s.recorder = history.NewRecorder(func() time.Duration { return time.Since(s.start) })
		var names []string
		for i := range machines {
			name := fmt.Sprintf("n%d", i+1)
			s.machines = append(s.machines, &machine{stage: s, name: name, host: s.net.Host(name), disk: disk.New()})
			s.seeds = append(s.seeds, s.machines[i].host.Addr(gossipPort))
			names = append(names, name)
		}
		s.recorder.Change(func(r *history.Run) { r.Ring, r.Name, r.Nodes = "sim", t.Name(), names })
		defer s.end()
		for _, m := range s.machines {
			m.open()
		}
		s.writable(s.machines...)
		scenario(s)
		s.judge()
	})
}

// end closes every node and the network.
func (s *stage) end() {
	for _, m := range s.machines {
		if m.node != nil {
			m.close()
			m.host.Kill()
		}
	}
	s.net.Close()
	time.Sleep(3 * time.Minute) // what waits for a deadline
}

// judge fails the test for every promise that was broken.
func (s *stage) judge() {
	took := time.Since(s.start)
	accuse(s.t, s.recorder.History(), took)
	for _, name := range s.behind {
		s.t.Errorf("violation quiet after %v: %s had not caught up two minutes after the healing", took.Round(time.Millisecond), name)
	}
}

// accuse lets the judge read a history.
func accuse(t *testing.T, h history.History, took time.Duration) {
	for _, v := range judge.JudgeWith(h, judge.Options{Most: 3}).Violations {
		t.Errorf("violation %s after %v: %s", v.Checker, took.Round(time.Millisecond), v.Text)
	}
}

// open starts a node on the machine.
func (m *machine) open() {
	m.stage.t.Helper()
	if err := m.tryOpen(); err != nil {
		m.stage.t.Fatal(err)
	}
}

func (m *machine) tryOpen() error {
	s := m.stage
	listener, err := m.host.Listen(clusterPort)
	if err != nil {
		return err
	}
	fs := m.disk.FS()
	if m.files != nil {
		fs = m.files(fs)
	}
	c := cluster.Config{
		Name: m.name, DataDir: "/data", Secret: s.secret, Join: s.seeds, BootstrapExpect: len(s.machines), CacheBytes: 1 << 20,
		Network: cluster.Network{
			Listener: listener, Advertise: m.host.Addr(clusterPort), Dial: m.host.Dialer(),
			GossipTransport: m.host.Gossip(gossipPort), GossipAdvertise: m.host.Addr(gossipPort),
		},
		Environment: cluster.Environment{
			FS: fs, OpenLog: m.disk.OpenLog, Logger: logger(m.name),
			Fatal: func(err error) { s.recorder.Fault("fatal", m.name+": "+err.Error()) },
		},
	}
	if s.tune != nil {
		s.tune(&c)
	}
	m.node, err = cluster.Open(c)
	if err != nil {
		m.node = nil
		m.host.Kill()
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	return nil
}

// logger is silent unless the scenario is looked into: SCENARIO_LOG=1.
func logger(name string) *slog.Logger {
	if os.Getenv("SCENARIO_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("machine", name)
}

// close closes the node without handing anything over.
func (m *machine) close() {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.node.Close(gone) // of a node whose disk lost power it is an error
	m.node = nil
}

// crash is a power failure, after which the disk is left as d.
func (m *machine) crash(d *disk.Disk) {
	m.host.Crash()
	m.disk = d
	m.close()
}

// status is what the node itself says of its group.
func (m *machine) status() cluster.GroupStatus {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if m.node == nil {
		return cluster.GroupStatus{}
	}
	st := m.node.Status(gone)
	if len(st.Groups) == 0 {
		return cluster.GroupStatus{}
	}
	return st.Groups[0]
}

// clusterID names the cluster that the node belongs to.
func (m *machine) clusterID() member.ClusterID {
	gone, cancel := context.WithCancel(context.Background())
	cancel() // the others are not asked
	return m.node.Status(gone).ClusterID
}

// eventually waits up to two minutes until something holds.
func (s *stage) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); {
		if time.Now().After(deadline) {
			s.judge()
			s.t.Fatalf("in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// writable waits until nodes take writes.
func (s *stage) writable(machines ...*machine) {
	s.t.Helper()
	for _, m := range machines {
		s.eventually(m.name+" takes writes", func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return m.node.Writable(ctx) == nil
		})
	}
}

// leader is the machine that leads, and the others.
func (s *stage) leader() (leader *machine, others []*machine) {
	s.t.Helper()
	s.eventually("one leads", func() bool {
		leader, others = nil, nil
		for _, m := range s.machines {
			if leader == nil && m.status().State == "leader" {
				leader = m
				continue
			}
			others = append(others, m)
		}
		return leader != nil
	})
	return leader, others
}

// part cuts one direction between two machines, or lets it through again.
func (s *stage) part(from, to *machine, cut bool) {
	q := wire.Normal
	q.Cut = cut
	s.net.Set(from.name, to.name, q)
}

// separate cuts the machines of two sides off from each other, both ways.
func (s *stage) separate(one, other []*machine) {
	for _, a := range one {
		for _, b := range other {
			s.part(a, b, true)
			s.part(b, a, true)
		}
	}
}

// create asks a node for a link and writes down what it was told.
func (s *stage) create(m *machine, slug, target string) history.Outcome {
	p := s.recorder.Begin(history.Operation{
		Client: len(target), Node: m.name, Kind: history.Create, Code: slug, Slug: slug != "", Target: target,
	})
	results, err := links.Create(context.Background(), m.node, link.Draft{Slug: link.Code(slug), Fields: link.Fields{Target: link.Target(target)}})
	if err == nil {
		err = results[0].Err
	}
	outcome := outcomeOf(err)
	p.End(func(o *history.Operation) {
		if o.Outcome = outcome; outcome == history.OK {
			o.Code, o.Version = string(results[0].Link.Code), results[0].Link.Version
			s.mu.Lock()
			s.made = append(s.made, o.Code)
			s.mu.Unlock()
		}
	})
	return outcome
}

// read asks a node for a link.
func (s *stage) read(m *machine, kind history.Kind, code string) history.Outcome {
	p := s.recorder.Begin(history.Operation{Client: 1, Node: m.name, Kind: kind, Code: code})
	var l link.Link
	var err error
	if kind == history.Follow {
		var route link.Route
		route, err = m.node.Resolve(context.Background(), link.Code(code))
		l.Target = route.Target
	} else {
		l, err = links.Get(context.Background(), m.node, link.Code(code), false)
	}
	outcome := outcomeOf(err)
	p.End(func(o *history.Operation) {
		if o.Outcome = outcome; outcome == history.OK {
			o.Target, o.Version = string(l.Target), l.Version
		}
	})
	return outcome
}

// readAll asks a node for everything that was acknowledged.
func (s *stage) readAll(m *machine, kind history.Kind) {
	s.mu.Lock()
	codes := append([]string(nil), s.made...)
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, code := range codes {
		all.Go(func() { s.read(m, kind, code) })
	}
	all.Wait()
}

// outcomeOf says what a client learns from an error.
func outcomeOf(err error) history.Outcome {
	switch {
	case err == nil:
		return history.OK
	case errors.Is(err, link.ErrNoLeader):
		return history.Unknown
	case errors.Is(err, link.ErrNotFound):
		return history.NotFound
	case errors.Is(err, link.ErrGone):
		return history.Gone
	case errors.Is(err, link.ErrSlugTaken):
		return history.Taken
	}
	return history.Unknown
}

// healAll undoes every fault of the network, starts what is down, makes a link on each node, which the judge wants to be possible
// soon, and reads everything everywhere.
func (s *stage) healAll() {
	s.t.Helper()
	s.net.Heal()
	for _, m := range s.machines {
		if m.node == nil {
			m.open()
		}
	}
	healed := s.recorder.Fault("heal", "everything")
	s.recorder.Change(func(r *history.Run) { r.HealedStamp, r.Healed = healed.Stamp, healed.At })
	if !s.madeOnAll() {
		return // the judge has seen enough
	}
	s.recorder.Change(func(r *history.Run) { r.WritableAfter = time.Since(s.start) - healed.At })
	for _, m := range s.machines {
		if !s.current(m) {
			s.behind = append(s.behind, m.name)
		}
	}
	for _, m := range s.machines {
		s.readAll(m, history.Follow)
		s.readAll(m, history.Get)
	}
}

// current waits until a node has all that is committed; false when it has not within two minutes.
func (s *stage) current(m *machine) bool {
	for range 120 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := m.node.Writable(ctx)
		cancel()
		if err == nil {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// madeOnAll makes a link on every node; false when one of them takes none within two minutes.
func (s *stage) madeOnAll() bool {
	for _, m := range s.machines {
		for try := 0; ; try++ {
			if s.create(m, "", fmt.Sprintf("https://example.org/healed/%s/%d", m.name, try)) == history.OK {
				break
			}
			if try == 24 { // each waits for five seconds
				return false
			}
		}
	}
	return true
}
