package judge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"tinyurl/test/history"
)

// cluster is a cluster that keeps every promise: one sequential state, and nodes that see some prefix of it. It makes histories by
// doing each operation at some moment between its call and its return.
type cluster struct {
	random   *rand.Rand
	recorder *history.Recorder
	now      time.Duration
	links    map[string]*liveLink
	log      []func(nodeView) // what a node that is behind has still to apply
	nodes    []nodeView
	applied  []int
	counter  uint64
	byKey    map[string]string // code
	open     []*undone
	targets  int
	held     map[string]bool // API keys that were made, and whether they hold
	granted  []string        // those whose making was answered
	told     []string        // codes that were answered
	bug      string          // a promise that this cluster breaks, see bugs
}

// generated is the code of a counter's value.
func generated(id uint64) string { return fmt.Sprintf("g%06d", id) }

type liveLink struct {
	target  string
	version uint64
	deleted bool
	limit   uint64
	visits  uint64
}

type nodeView map[string]liveLink

// undone is an operation under way: it is done once, at any time, and answered at any time after.
type undone struct {
	op      history.Operation
	pending *history.Pending
	do      func(*history.Operation)
	done    bool
	result  history.Operation
	lost    bool // the answer will not come
}

const clusterNodes = 3

func newCluster(seed uint64) *cluster {
	c := &cluster{random: rand.New(rand.NewPCG(seed, 1)), links: make(map[string]*liveLink), byKey: make(map[string]string), held: make(map[string]bool)}
	c.recorder = history.NewRecorder(func() time.Duration { c.now += time.Millisecond; return c.now })
	for range clusterNodes {
		c.nodes = append(c.nodes, make(nodeView))
		c.applied = append(c.applied, 0)
	}
	return c
}

func (c *cluster) node(name string) int { return int(name[0] - 'a') }

// catchUp lets a node apply up to a place of the log.
func (c *cluster) catchUp(node, to int) {
	for ; c.applied[node] < to; c.applied[node]++ {
		c.log[c.applied[node]](c.nodes[node])
	}
}

// write commits an operation and a link's new state; the asked node applies it before it answers.
func (c *cluster) write(o *history.Operation, l liveLink) {
	node, code := c.node(o.Node), o.Code
	e := history.Entry{Node: o.Node, Index: uint64(len(c.log)) + 1, Term: 1}
	switch o.Kind {
	case history.Create:
		effect := history.Effect{Target: o.Target, Key: o.Key}
		if o.Slug {
			effect.Code = o.Code
		}
		e.Creates = append(e.Creates, effect)
	case history.Delete:
		e.Deletes = append(e.Deletes, code)
	case history.Visit:
		e.Visits = append(e.Visits, code)
	default:
		e.Edits = append(e.Edits, history.Effect{Code: code, Target: o.Target})
	}
	if c.bug == "acknowledges before it commits" && c.random.IntN(10) == 0 {
		return
	}
	c.recorder.Entry(e)
	c.links[code] = &l
	c.log = append(c.log, func(v nodeView) { v[code] = l })
	c.catchUp(node, len(c.log))
}

func (c *cluster) create(o *history.Operation) {
	if code, again := c.byKey[o.Key]; again && o.Key != "" && c.bug != "forgets keys" {
		o.Outcome, o.Code = history.OK, code
		return
	}
	if o.Slug {
		if c.links[o.Code] != nil && (c.bug != "gives slugs twice" || c.random.IntN(4) > 0) {
			o.Outcome = history.Taken
			return
		}
	} else {
		c.counter += 1 + c.random.Uint64N(2)
		if c.bug == "forgets the counter" && c.random.IntN(10) == 0 {
			c.counter -= min(c.counter-1, 3)
		}
		o.Code, o.ID = generated(c.counter), c.counter
	}
	o.Outcome = history.OK
	if o.Key != "" {
		c.byKey[o.Key] = o.Code
	}
	c.write(o, liveLink{target: o.Target, version: 1, limit: o.Limit})
}

func (c *cluster) read(o *history.Operation) {
	node := c.node(o.Node)
	if l, known := c.nodes[node][o.Code]; o.Kind == history.Get && c.bug == "reads what it has" || !known && c.bug == "takes a local miss for proof" {
		c.catchUp(node, c.applied[node])
	} else if o.Kind == history.Get || !known {
		c.catchUp(node, len(c.log))
	} else if !l.deleted {
		c.catchUp(node, c.applied[node]+c.random.IntN(len(c.log)-c.applied[node]+1))
	}
	l, known := c.nodes[node][o.Code]
	switch {
	case !known:
		o.Outcome = history.NotFound
	case l.deleted:
		o.Outcome = history.Gone
	case o.Kind == history.Follow && l.usedUp():
		if c.catchUp(node, len(c.log)); c.nodes[node][o.Code].usedUp() || c.nodes[node][o.Code].deleted {
			o.Outcome = history.Gone
		}
	default:
		o.Outcome, o.Target = history.OK, l.target
		if o.Kind == history.Get && c.random.IntN(2) == 0 {
			o.Version = l.version
		}
		if o.Kind == history.Get && c.random.IntN(2) == 0 {
			o.Visits, o.Counted = l.visits, true
		}
	}
}

func (c *cluster) change(o *history.Operation) {
	l := c.links[o.Code]
	switch {
	case l == nil:
		o.Outcome = history.NotFound
	case l.deleted:
		o.Outcome = history.Gone
	case o.Kind == history.Delete:
		o.Outcome = history.OK
		c.write(o, liveLink{deleted: true, limit: l.limit})
	case l.version != o.Expected:
		o.Outcome = history.Conflict
	default:
		o.Outcome, o.Version = history.OK, l.version+1
		c.write(o, liveLink{target: o.Target, version: l.version + 1, limit: l.limit, visits: l.visits})
	}
}

// ask begins an operation of a random kind.
func (c *cluster) ask() {
	o := history.Operation{Client: c.random.IntN(9), Node: string(rune('a' + c.random.IntN(clusterNodes)))}
	u := &undone{lost: c.random.IntN(6) == 0, do: c.read}
	switch n := c.random.IntN(14); {
	case n >= 11:
		o.Kind, o.Code, u.do = history.Visit, c.toldCode(), c.visit
	case n == 10:
		c.targets++
		o.Kind, o.Holder, u.do = history.Grant, fmt.Sprintf("k%d", c.targets), c.grant
		if len(c.granted) > 0 && c.random.IntN(2) == 0 {
			o.Kind, o.Holder = history.Revoke, c.granted[c.random.IntN(len(c.granted))]
		}
	case n < 3:
		o.Kind, u.do = history.Create, c.create
		c.wish(&o)
	case n < 5:
		o.Kind, o.Code = history.Get, c.anyCode()
	case n < 8:
		o.Kind, o.Code = history.Follow, c.anyCode()
	case n < 9:
		o.Kind, o.Code, u.do = history.Delete, c.anyCode(), c.change
	default:
		o.Kind, o.Code, u.do = history.Edit, c.anyCode(), c.change
		o.Target, o.Expected = c.anyTarget(), 1+c.random.Uint64N(3)
	}
	if len(c.granted) > 0 && c.random.IntN(2) == 0 && asksWithKey(&history.Operation{Kind: o.Kind, Holder: "k"}) && o.Key == "" {
		o.Holder = c.granted[c.random.IntN(len(c.granted))]
		u.do = c.authorized(u.do)
	}
	u.op = o
	u.pending = c.recorder.Begin(o)
	c.open = append(c.open, u)
}

func (c *cluster) wish(o *history.Operation) {
	if last := c.open; len(last) > 0 && c.random.IntN(4) == 0 {
		// A retry of something under way, elsewhere.
		if u := last[c.random.IntN(len(last))]; u.op.Kind == history.Create && u.op.Key != "" {
			o.Target, o.Key, o.Slug, o.Code, o.Limit = u.op.Target, u.op.Key, u.op.Slug, u.op.Code, u.op.Limit
			return
		}
	}
	o.Target = c.anyTarget()
	if c.random.IntN(2) == 0 {
		o.Slug, o.Code = true, fmt.Sprintf("s%d", c.random.IntN(4))
	}
	if c.random.IntN(2) == 0 {
		o.Key = "key-" + o.Target
	}
	if c.random.IntN(3) == 0 {
		o.Limit = 1 + c.random.Uint64N(3)
	}
}

// anyTarget is a new target: a target that is asked for twice proves less.
func (c *cluster) anyTarget() string {
	c.targets++
	return fmt.Sprintf("https://example.org/%d", c.targets)
}

func (c *cluster) anyCode() string {
	if c.counter > 0 && c.random.IntN(2) == 0 {
		return generated(1 + c.random.Uint64N(c.counter))
	}
	return fmt.Sprintf("s%d", c.random.IntN(4))
}

// toldCode is a code that somebody was told, or asked for.
func (c *cluster) toldCode() string {
	if len(c.told) > 0 && c.random.IntN(2) == 0 {
		return c.told[max(len(c.told)-1-c.random.IntN(4), 0)]
	}
	return fmt.Sprintf("s%d", c.random.IntN(4))
}

// goOn does or answers one of the operations under way.
func (c *cluster) goOn() {
	i := c.random.IntN(len(c.open))
	u := c.open[i]
	if !u.done {
		u.result = u.op
		u.do(&u.result)
		u.done = true
		return
	}
	c.answer(u)
	c.open = slices.Delete(c.open, i, i+1)
}

func (c *cluster) answer(u *undone) {
	switch {
	case u.lost && c.random.IntN(2) == 0: // never ends
	case u.lost:
		u.pending.End(nil)
	default:
		u.pending.End(func(o *history.Operation) { *o = u.result })
		switch {
		case u.op.Kind == history.Grant:
			c.granted = append(c.granted, u.op.Holder)
		case u.op.Kind == history.Create && u.result.Outcome == history.OK:
			c.told = append(c.told, u.result.Code)
		}
	}
}

// giveUp answers some operations, before they are done, with "unknown"; they may be done later.
func (c *cluster) giveUp() {
	u := c.open[c.random.IntN(len(c.open))]
	if u.done || u.lost {
		return
	}
	u.pending.End(nil)
	u.lost = true
	u.pending = c.recorder.Begin(history.Operation{Kind: history.Get, Node: u.op.Node, Code: "nothing"})
	if c.random.IntN(2) == 0 {
		c.open = slices.DeleteFunc(c.open, func(other *undone) bool { return other == u })
	}
}

// crash makes a node forget what it had not synced, and whom it owed an answer.
func (c *cluster) crash() {
	node := c.random.IntN(clusterNodes)
	name := string(rune('a' + node))
	for _, u := range c.open {
		u.lost = u.lost || u.op.Node == name
	}
	applied := c.applied[node]
	c.nodes[node], c.applied[node] = make(nodeView), 0
	if c.bug != "goes back without a crash" {
		c.recorder.Fault("crash", "node "+name)
	}
	to := c.random.IntN(len(c.log) + 1)
	if c.random.IntN(3) > 0 {
		to = max(applied-1-c.random.IntN(4), 0)
	}
	c.catchUp(node, to)
}

func (c *cluster) run(length int) history.History {
	complete := c.random.IntN(2) == 0
	c.recorder.Change(func(r *history.Run) { r.LogsComplete = complete })
	for range length {
		switch n := c.random.IntN(20); {
		case len(c.open) == 0, n < 7 && len(c.open) < 8:
			c.ask()
		case n == 19:
			c.giveUp()
		case n == 18 && (c.random.IntN(5) == 0 || c.bug == "goes back without a crash"):
			c.crash()
		default:
			c.goOn()
		}
	}
	for len(c.open) > 0 {
		c.goOn()
	}
	for i, v := range c.nodes {
		if c.bug == "loses the end of its log" && i == 0 && len(c.log) > 0 {
			c.nodes[i], c.applied[i] = make(nodeView), 0
			c.catchUp(i, len(c.log)-1)
			c.log = c.log[:len(c.log)-1]
			v = c.nodes[i]
		}
		c.catchUp(i, len(c.log))
		f := history.Final{Node: string(rune('a' + i)), Applied: uint64(len(c.log)), Digest: "d", Targets: make(map[string]string), Visits: make(map[string]uint64), Keys: maps.Clone(c.held)}
		for code, l := range v {
			if l.deleted {
				f.Deleted = append(f.Deleted, code)
			} else {
				f.Targets[code] = l.target
				if l.limit != 0 {
					f.Visits[code] = l.visits
				}
			}
		}
		f.Links = uint64(len(f.Targets))
		c.recorder.Final(f)
	}
	return c.recorder.History()
}

// bugs are promises that a cluster can be made to break, and a checker that must find it.
var bugs = map[string]string{
	"acknowledges before it commits": "acknowledged",
	"forgets keys":                   "retries",
	"gives slugs twice":              "unique",
	"forgets the counter":            "unique",
	"reads what it has":              "linearizability",
	"takes a local miss for proof":   "redirects",
	"goes back without a crash":      "views",
	"loses the end of its log":       "finals",
	"lets visitors in without end":   "visits",
	"closes too early":               "visits",
	"forgets to count":               "visits",
	"forgets to revoke":              "keys",
	"refuses at random":              "keys",
}
