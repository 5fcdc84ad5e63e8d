package forming

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"tinyurl/cluster/member"
)

// world is a simulated network of nodes that found clusters, in the virtual
// time of a synctest bubble. Messages are lost, late and doubled; nodes crash
// at any moment, in the middle of a save too, and come back; what each sees of
// the others is its own.
type world struct {
	expect int

	mu      sync.Mutex
	random  *rand.Rand             // guarded by mu
	nodes   []*simNode             // immutable; the nodes' fields are guarded by mu
	loss    float64                // guarded by mu: chance of each request and answer
	torn    float64                // guarded by mu: chance of a crash just before, and just after, a save
	slow    time.Duration          // guarded by mu: most a message usually takes
	founded map[string][]member.ID // guarded by mu: founding sets on any disk, by attempt
	broken  []string               // guarded by mu: invariants found broken
}

// simNode is one node with its disk. Its life is one run of its process.
type simNode struct {
	w  *world
	id member.ID

	disk    []byte           // the promise
	cluster member.ClusterID // on disk: the cluster it founded or joined
	shown   member.ClusterID // what gossip says of it
	sees    map[member.ID]bool
	changes chan struct{}

	life   int // counts crashes
	former *Former
	cancel context.CancelFunc // nil when down
	done   chan struct{}      // closed when the life's Run has ended
}

func newWorld(seed uint64, nodes, expect int) *world {
	w := &world{
		expect: expect, random: rand.New(rand.NewPCG(seed, 1)), slow: time.Second,
		founded: make(map[string][]member.ID),
	}
	for i := range nodes {
		w.nodes = append(w.nodes, &simNode{
			w: w, id: member.ID(fmt.Sprintf("n%d", i)), sees: make(map[member.ID]bool), changes: make(chan struct{}, 1),
		})
	}
	return w
}

func (w *world) chance(p float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.Float64() < p
}

// lag is how long something takes: mostly little, sometimes very long.
func (w *world) lag() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.random.IntN(20) == 0 {
		return time.Duration(w.random.Int64N(int64(20*w.slow) + 1))
	}
	return time.Duration(w.random.Int64N(int64(w.slow/20) + 1))
}

// Read makes the world the nodes' source of randomness.
func (w *world) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range b {
		b[i] = byte(w.random.Uint32())
	}
	return len(b), nil
}

func (w *world) node(id member.ID) *simNode {
	return w.nodes[slices.IndexFunc(w.nodes, func(n *simNode) bool { return n.id == id })]
}

// inspect checks what a node has just put on its disk.
func (w *world) inspect(id member.ID, data []byte) {
	r, err := decodeRecord(data)
	if err != nil {
		w.broken = append(w.broken, fmt.Sprintf("%s saved %q: %v", id, data, err))
	}
	if r.State != formed {
		return
	}
	w.founded[r.Proposal.Attempt] = r.Proposal.Set
	for attempt, set := range w.founded {
		if attempt == r.Proposal.Attempt {
			continue
		}
		if slices.ContainsFunc(set, func(id member.ID) bool { return slices.Contains(r.Proposal.Set, id) }) {
			w.broken = append(w.broken, fmt.Sprintf("attempts %s of %v and %s of %v have both founded",
				attempt, set, r.Proposal.Attempt, r.Proposal.Set))
		}
	}
}

// simStore is one life's way to its node's disk.
type simStore struct {
	n    *simNode
	life int
}

var errCrashed = errors.New("crashed")

func (s simStore) Name() string { return "disk of " + string(s.n.id) }

func (s simStore) Load() ([]byte, error) {
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	return s.n.disk, nil
}

// Save sometimes takes the process down, before or after the disk has it. It
// does not sleep: a bubble's time stands still while others wait for a mutex.
func (s simStore) Save(data []byte) error {
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	if s.n.life != s.life {
		return errCrashed
	}
	fate := s.n.w.random.Float64()
	if fate < s.n.w.torn {
		s.n.die()
		return errCrashed
	}
	if before, _ := decodeRecord(s.n.disk); before.State == formed {
		s.n.w.broken = append(s.n.w.broken, fmt.Sprintf("%s took back a founding", s.n.id))
	}
	s.n.disk = data
	s.n.w.inspect(s.n.id, data)
	if fate < 2*s.n.w.torn {
		s.n.die()
		return errCrashed
	}
	return nil
}

// simPeers carries one life's messages.
type simPeers struct {
	n    *simNode
	life int
}

func (p simPeers) Promise(ctx context.Context, to member.ID, q Proposal) (Answer, error) {
	return p.call(ctx, to, func(f *Former) (Answer, error) { return f.HandlePromise(context.Background(), p.n.id, q) })
}

func (p simPeers) Release(ctx context.Context, to member.ID, q Proposal) error {
	_, err := p.call(ctx, to, func(f *Former) (Answer, error) { return "", f.HandleRelease(context.Background(), p.n.id, q) })
	return err
}

func (p simPeers) Form(ctx context.Context, to member.ID, q Proposal) error {
	_, err := p.call(ctx, to, func(f *Former) (Answer, error) { return "", f.HandleForm(context.Background(), p.n.id, q) })
	return err
}

// call delivers a request never, once or twice, now or when its sender has
// long given up or crashed.
func (p simPeers) call(ctx context.Context, to member.ID, handle func(*Former) (Answer, error)) (Answer, error) {
	type result struct {
		answer Answer
		err    error
	}
	w := p.n.w
	w.mu.Lock()
	loss := w.loss
	w.mu.Unlock()
	results := make(chan result, 2)
	deliver := func() {
		time.Sleep(w.lag())
		w.mu.Lock()
		f := w.node(to).former
		w.mu.Unlock()
		if f == nil {
			return // nobody is there: the caller's time runs out
		}
		answer, err := handle(f)
		time.Sleep(w.lag())
		if !w.chance(loss) {
			results <- result{answer, err}
		}
	}
	for w.chance(loss / 2) { // doubled
		go deliver()
		break
	}
	if !w.chance(loss) {
		go deliver()
	}
	select {
	case r := <-results:
		return r.answer, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// view is what gossip tells the node.
func (n *simNode) view() []member.Member {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	var list []member.Member
	for _, m := range n.w.nodes {
		if n.sees[m.id] {
			list = append(list, member.Member{ID: m.id, Expect: n.w.expect, ClusterID: m.shown})
		}
	}
	return list
}

// start begins a life of the node: it founds, or joins, or is a member.
func (n *simNode) start() error {
	n.w.mu.Lock()
	life, down, isMember := n.life, n.cancel == nil, !n.cluster.IsZero()
	n.w.mu.Unlock()
	if !down {
		return nil
	}
	f, err := New(Config{
		Self: n.id, Expect: n.w.expect, Formed: isMember, Store: simStore{n, life}, Peers: simPeers{n, life},
		View: n.view, Changes: n.changes, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Rand: n.w,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", n.id, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	n.w.mu.Lock()
	n.former, n.cancel, n.done = f, cancel, done
	n.w.mu.Unlock()
	go func() {
		defer close(done)
		n.live(ctx, life, f)
	}()
	return nil
}

func (n *simNode) live(ctx context.Context, life int, f *Former) {
	n.w.mu.Lock()
	cluster := n.cluster
	n.w.mu.Unlock()
	if cluster.IsZero() {
		set, err := f.Run(ctx)
		switch {
		case err == nil:
			cluster = member.Founding(set, 0)
			if !slices.Contains(set, n.id) {
				n.note("%s is told it founded %v", n.id, set)
			}
		case errors.Is(err, ErrFormedElsewhere):
			if f.Bound() {
				n.note("%s is to join while it holds a promise", n.id)
			}
			for _, m := range n.view() {
				if !m.ClusterID.IsZero() {
					cluster = m.ClusterID
				}
			}
		default:
			return // crashed
		}
	}
	time.Sleep(n.w.lag())
	n.remember(life, &n.cluster, cluster)
	time.Sleep(n.w.lag())
	n.remember(life, &n.shown, cluster)
}

// remember writes where, unless the node has crashed.
func (n *simNode) remember(life int, where *member.ClusterID, c member.ClusterID) {
	n.w.mu.Lock()
	if n.life == life {
		*where = c
	}
	n.w.mu.Unlock()
	for _, m := range n.w.nodes {
		m.poke()
	}
}

func (n *simNode) note(format string, args ...any) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.broken = append(n.w.broken, fmt.Sprintf(format, args...))
}

func (n *simNode) poke() {
	select {
	case n.changes <- struct{}{}:
	default:
	}
}

// crash ends the node's life at once; calls of that life may still return but
// reach no disk.
func (n *simNode) crash() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.die()
}

// die is crash with mu held.
func (n *simNode) die() {
	if n.cancel == nil {
		return
	}
	n.life++
	n.cancel()
	n.former, n.cancel = nil, nil
}

// settled tells whether the node belongs to a cluster and gossip says so.
func (n *simNode) settled() bool {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return !n.shown.IsZero() && n.shown == n.cluster
}
