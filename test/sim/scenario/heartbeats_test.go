package scenario

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/transport"
	"tinyurl/fsm"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/test/history"
	"tinyurl/test/sim/wire"
)

// replica is the product's state machine under hashicorp's raft, on the product's transport, without the rest of a node: raft's
// main loop can be held up in the one moment that matters (by its own NotifyCh), and timers play no part.
type replica struct {
	id     member.ID
	raft   *raft.Raft
	fsm    *fsm.FSM
	link   *filter
	notify chan bool
	close  func() error
}

// filter lets through, to each other replica, everything, heartbeats alone, or nothing.
type filter struct {
	*transport.Raft

	mu   sync.Mutex
	lets map[raft.ServerID]passing // owned by mu
}

type passing int

const (
	everything passing = iota
	heartbeatsAlone
	nothing
)

var errCut = errors.New("cut")

func (f *filter) set(p passing, to ...*replica) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range to {
		f.lets[raft.ServerID(r.id)] = p
	}
}

func (f *filter) stops(id raft.ServerID, heartbeat bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lets[id] == nothing || f.lets[id] == heartbeatsAlone && !heartbeat
}

func (f *filter) AppendEntries(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	heartbeat := len(args.Entries) == 0 && args.PrevLogEntry == 0 && args.PrevLogTerm == 0 && args.LeaderCommitIndex == 0
	if f.stops(id, heartbeat) {
		return errCut
	}
	return f.Raft.AppendEntries(id, to, args, resp)
}

func (f *filter) RequestVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if f.stops(id, false) {
		return errCut
	}
	return f.Raft.RequestVote(id, to, args, resp)
}

// trio is three replicas that have a leader and one entry.
type trio struct {
	t        *testing.T
	net      *wire.Network
	secret   identity.Secret
	where    directory
	recorder *history.Recorder
	entries  uint64
}

func (s *trio) open(name string, servers []raft.Server) *replica {
	s.t.Helper()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	r := &replica{id: member.ID(name + "-000001"), notify: make(chan bool)}
	authority, err := identity.NewAuthority(identity.Config{ID: r.id, Secrets: []identity.Secret{s.secret}, Rand: rand.Reader})
	must(err)
	host := s.net.Host(name)
	s.where[r.id] = host.Addr(clusterPort)
	bound, err := host.Listen(clusterPort)
	must(err)
	listener, err := transport.Listen(transport.ListenerConfig{Listener: bound, Authority: authority})
	must(err)
	stream, err := listener.Stream(0, member.ClusterID{1}, &transport.Dialer{Authority: authority, Resolver: s.where, DialContext: host.Dialer()})
	must(err)
	r.link = &filter{Raft: transport.NewRaft(transport.RaftConfig{Stream: stream}), lets: map[raft.ServerID]passing{}}
	r.fsm, err = fsm.Open(fsm.Config{
		Dir: "/data", FS: vfs.NewMem(), Fatal: func(err error) { s.recorder.Fault("fatal", name+": "+err.Error()) }, CacheBytes: 1 << 20,
	})
	must(err)
	c := raft.DefaultConfig()
	c.LocalID, c.NotifyCh, c.NoSnapshotRestoreOnStart = raft.ServerID(r.id), r.notify, true
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = time.Minute, time.Minute, time.Minute // nobody stands unasked
	c.Logger = hclog.NewNullLogger()
	log := raft.NewInmemStore()
	must(raft.BootstrapCluster(c, log, log, r.fsm.Snapshots(), r.link, raft.Configuration{Servers: servers}))
	r.raft, err = raft.NewRaft(c, r.fsm, log, log, r.fsm.Snapshots(), r.link)
	must(err)
	r.close = func() error {
		shutdown := r.raft.Shutdown()
		go func() { // whoever waits to notify is let go
			for range r.notify {
			}
		}()
		closed := r.link.Close()
		down := shutdown.Error()
		close(r.notify)
		return errors.Join(closed, down, r.fsm.Close(), listener.Close())
	}
	return r
}

// stand makes to stand for election, as an expired timer would.
func (s *trio) stand(to, asker *replica) {
	s.t.Helper()
	request := &raft.TimeoutNowRequest{RPCHeader: header(asker)}
	if err := asker.link.TimeoutNow(raft.ServerID(to.id), raft.ServerAddress(to.id), request, &raft.TimeoutNowResponse{}); err != nil {
		s.t.Fatal(err)
	}
}

func header(r *replica) raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(r.id), Addr: []byte(r.id)}
}

func (s *trio) eventually(what string, holds func() bool) {
	s.t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("in vain: %s", what)
}

func (s *trio) leads(r *replica, term uint64) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%s leads term %d", r.id, term), func() bool { return r.raft.State() == raft.Leader && r.raft.CurrentTerm() == term })
}

// entry makes a link of a slug.
func (s *trio) entry(slug string) []byte {
	s.t.Helper()
	s.entries++
	operations := []command.Operation{{Sequence: 2 * s.entries, Command: command.Create{Draft: link.Draft{
		Slug: link.Code(slug), Fields: link.Fields{Target: link.Target("https://example.org/" + slug)},
	}}}}
	if s.entries == 1 {
		operations = append([]command.Operation{{Sequence: 1, Command: command.Lead{CodeKey: [16]byte{1}, ClusterVersion: 1}}}, operations...)
	}
	data, err := command.EncodeEntry(command.Entry{Time: time.Now(), Batches: []command.Batch{{
		Origin: command.Origin{Node: "scenario", Boot: 1}, Floor: operations[0].Sequence, Operations: operations,
	}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

// write puts a create through a leader's log and acknowledges it. It returns the entry's index.
func (s *trio) write(r *replica, slug string) uint64 {
	s.t.Helper()
	p := s.recorder.Begin(history.Operation{
		Client: int(s.entries), Node: string(r.id), Kind: history.Create, Code: slug, Slug: true, Target: "https://example.org/" + slug,
	})
	future := r.raft.Apply(s.entry(slug), time.Second)
	if err := future.Error(); err != nil {
		s.t.Fatalf("write %s on %s: %v", slug, r.id, err)
	}
	p.End(func(o *history.Operation) { o.Outcome, o.Version = history.OK, 1 })
	return future.Index()
}

// read looks a slug up where a read index has been waited for.
func (s *trio) read(r *replica, slug string, index uint64) {
	p := s.recorder.Begin(history.Operation{Node: string(r.id), Kind: history.Get, Code: slug})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := r.fsm.WaitApplied(ctx, index)
	var l link.Link
	if err == nil {
		l, err = r.fsm.Store().Lookup(link.Code(slug))
	}
	p.End(func(o *history.Operation) {
		if o.Outcome = outcomeOf(err); err == nil {
			o.Target, o.Version = string(l.Target), l.Version
		}
	})
}

// told lets a replica's main loop go on where it waits to tell that it leads, or no longer does.
func (r *replica) told() bool { return <-r.notify }

// A leader is elected and stands still before it has begun to lead; another is elected meanwhile, of whom heartbeats alone get
// through to it, and acknowledges a write. Handled beside the main loop, a heartbeat gives the first one the other's term, and it
// goes on to write in a term that is not its own (raft#695; evidence/heartbeat695 shows it on raft alone).
func TestHeartbeatsAloneReachAStalledLeader(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	secret, err := identity.ParseSecret("a secret of the scenarios that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &trio{t: t, net: wire.New(1), secret: secret, where: directory{}}
		s.recorder = history.NewRecorder(func() time.Duration { return time.Since(start) })
		var servers []raft.Server
		for _, name := range []string{"a", "b", "c"} {
			id := name + "-000001"
			servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
		}
		a, b, c := s.open("a", servers), s.open("b", servers), s.open("c", servers)
		s.recorder.Change(func(r *history.Run) {
			r.Ring, r.Name, r.Nodes = "sim", t.Name(), []string{string(a.id), string(b.id), string(c.id)}
		})
		end := make(chan struct{})
		for _, r := range []*replica{b, c} {
			go func() {
				for {
					select {
					case <-r.notify:
					case <-end:
						return
					}
				}
			}()
		}
		s.stallAndElect(a, b, c)
		close(end)
		synctest.Wait()
		for _, r := range []*replica{a, b, c} {
			if err := r.close(); err != nil {
				t.Error(err)
			}
		}
		s.net.Close()
		time.Sleep(3 * time.Minute) // what waits for a deadline
		accuse(t, s.recorder.History(), time.Since(start)-3*time.Minute)
	})
}

func (s *trio) stallAndElect(a, b, c *replica) {
	t := s.t
	s.stand(a, b)
	if !a.told() {
		t.Fatal("a does not lead")
	}
	s.leads(a, 2)
	first := s.write(a, "first")
	s.eventually("all follow", func() bool { return b.raft.LastIndex() == first && c.raft.LastIndex() == first })

	// A is alone and takes a write that is never acknowledged; a stale candidate deposes it.
	a.link.set(nothing, b, c)
	a.raft.Apply(s.entry("never"), time.Second)
	s.eventually("a holds it", func() bool { return a.raft.LastIndex() == first+1 })
	deposing := &raft.RequestVoteRequest{RPCHeader: header(b), Term: 3, LeadershipTransfer: true}
	if err := c.link.RequestVote(raft.ServerID(a.id), raft.ServerAddress(a.id), deposing, &raft.RequestVoteResponse{}); err != nil {
		t.Fatal(err)
	}
	if a.told() {
		t.Fatal("a still leads")
	}
	// A is elected again, and stands still before it leads.
	a.link.set(everything, b, c)
	s.stand(a, b)
	s.leads(a, 4)
	a.link.set(nothing, b, c)
	// B is elected by C. Of all it sends to A heartbeats alone arrive.
	b.link.set(heartbeatsAlone, a)
	c.link.set(nothing, a)
	s.stand(b, c)
	s.leads(b, 5)
	acknowledged := s.write(b, "acknowledged")
	s.eventually("c has applied it", func() bool { return c.fsm.AppliedIndex() == acknowledged })
	time.Sleep(20 * time.Second) // some heartbeats
	// B dies, A goes on, and C is elected by A.
	b.link.set(nothing, a, c)
	c.link.set(nothing, b)
	if !a.told() || a.told() {
		t.Fatal("a was not held up")
	}
	a.link.set(everything, c)
	c.link.set(everything, a)
	s.stand(c, a)
	s.leads(c, 6)
	last := s.write(c, "last")
	s.read(a, "acknowledged", last)
	s.read(c, "acknowledged", last)
	for _, r := range []*replica{a, c} {
		position, digest := r.fsm.Store().CurrentDigest()
		s.recorder.Final(history.Final{Node: string(r.id), Applied: position.Index, Digest: digest.String(), Links: r.fsm.Store().Links()})
	}
}
