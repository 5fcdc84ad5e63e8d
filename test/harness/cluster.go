package harness

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/cluster"
	"tinyurl/cluster/identity"
)

// keepVariable, when it is set, keeps the data and logs of failed tests.
const keepVariable = "TINYURL_E2E_KEEP"

// Options say what cluster is wanted. The zero value is three real processes.
type Options struct {
	// Nodes is how many nodes found the cluster; 3 if 0.
	Nodes int
	// Binary is the program; empty means what TINYURL_BINARY names, or one that is built for the test.
	Binary string
	// InProcess runs the nodes inside the test's process: fast, and under its race detector, but without signals.
	InProcess bool
	// Tuning is for in-process nodes.
	Tuning cluster.Tuning
	// Args are more settings of every node.
	Args []string
	// Unstarted leaves the starting to the test.
	Unstarted bool
	// Place is where the processes run; nil is beside the test, on 127.0.0.1.
	Place Place
}

// Cluster is a cluster for one test. All of it is gone when the test ends, however it ends.
type Cluster struct {
	tb       testing.TB
	options  Options
	dir      string
	secret   string
	key      string
	launcher launcher
	wires    *wires // of in-process nodes
	ports    *ports
	http     *http.Client
	lives    sync.WaitGroup

	mu    sync.Mutex
	nodes []*Node
}

// The longest that a start may take.
const (
	FormWithin  = 60 * time.Second
	StartWithin = 45 * time.Second
)

// Start founds a cluster and waits until every node is ready, unless Unstarted is set.
func Start(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	orInt(&o.Nodes, 3)
	c := prepare(tb, o)
	for i := range o.Nodes {
		c.add(fmt.Sprintf("n%d", i+1))
	}
	for _, n := range c.Nodes() {
		n.verb = c.founding()
	}
	if o.Unstarted {
		return c
	}
	for _, n := range c.Nodes() {
		n.Start()
	}
	for _, n := range c.Nodes() {
		n.WaitReady(FormWithin)
	}
	return c
}

// prepare makes the surroundings: directory, ports, secret, and what removes them.
func prepare(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	secret := strings.Repeat("e2e-secret-", 4)
	parsed, err := identity.ParseSecret(secret)
	if err != nil {
		tb.Fatal(err)
	}
	if o.InProcess && o.Place != nil {
		tb.Fatal("nodes inside this process cannot be elsewhere")
	}
	if !o.InProcess && o.Binary == "" {
		o.Binary = Binary(tb)
	}
	dir, err := os.MkdirTemp("", "tinyurl-e2e-")
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cluster{
		tb: tb, options: o, dir: dir, secret: secret, key: parsed.RootKey(),
		http: newVisitor(8, 15*time.Second), wires: newWires(),
	}
	if o.InProcess {
		c.launcher = apps{tuning: o.Tuning, wires: c.wires}
	} else {
		c.launcher = processes{binary: o.Binary, place: o.Place}
	}
	tb.Cleanup(c.cleanUp)
	if o.Place != nil {
		return c
	}
	if c.ports, err = reservePorts(); err != nil {
		tb.Fatal(err)
	}
	return c
}

// founding is the verb of the founders: each looks for all the others, and none forms a cluster alone.
func (c *Cluster) founding() []string {
	verb := []string{"serve", "--bootstrap-expect", fmt.Sprint(c.options.Nodes)}
	if c.options.Nodes == 1 {
		return verb
	}
	for _, n := range c.Nodes() {
		verb = append(verb, "--join", n.Addresses().Gossip)
	}
	return verb
}

// add makes a node that is not started.
func (c *Cluster) add(name string) *Node {
	n := &Node{
		cluster: c, name: name, Secret: c.secret,
		Dir: filepath.Join(c.dir, name), LogFile: filepath.Join(c.dir, name+".log"),
	}
	c.assign(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = append(c.nodes, n)
	return n
}

// addresses are what a node of that name may listen on: where its machine is now, or ports that nobody had before.
func (c *Cluster) addresses(name string) Addresses {
	c.tb.Helper()
	if c.options.Place != nil {
		return addressesOn(c.options.Place.IP(name))
	}
	var at Addresses
	for _, address := range []*string{&at.HTTP, &at.Cluster, &at.Gossip} {
		var err error
		if *address, err = c.ports.take(); err != nil {
			c.tb.Fatal(err)
		}
	}
	return at
}

// assign gives a node addresses and a client for them.
func (c *Cluster) assign(n *Node) {
	c.tb.Helper()
	at := c.addresses(n.name)
	api, err := client.New("http://"+at.HTTP, c.key, c.http)
	if err != nil {
		c.tb.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at, n.api = at, api
	n.stretch++
	c.wires.know(at.Cluster, n.name)
}

// Join makes a node that joins through another, as `tinyurl join` does, and starts it.
func (c *Cluster) Join(name string, through *Node) *Node {
	c.tb.Helper()
	n := c.Joiner(name, through)
	n.Start()
	return n
}

// Joiner is Join without the start.
func (c *Cluster) Joiner(name string, through *Node) *Node {
	c.tb.Helper()
	n := c.add(name)
	n.verb = []string{"join", through.Addresses().Gossip}
	return n
}

// Remove takes a node out of Nodes; it is ended in the end all the same.
func (c *Cluster) Remove(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = slices.DeleteFunc(c.nodes, func(o *Node) bool { return o == n })
	c.tb.Cleanup(func() { c.end(n) })
}

// Nodes are all nodes, in the order in which they came.
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Node(nil), c.nodes...)
}

// Node is one of them, from 0.
func (c *Cluster) Node(i int) *Node { return c.Nodes()[i] }

// Others are all nodes but those.
func (c *Cluster) Others(not ...*Node) []*Node {
	return slices.DeleteFunc(c.Nodes(), func(n *Node) bool { return slices.Contains(not, n) })
}

// Endpoints are all nodes as a load sees them.
func (c *Cluster) Endpoints() []Endpoint { return AsEndpoints(c.Nodes()...) }

// AsEndpoints are nodes as a load sees them.
func AsEndpoints(nodes ...*Node) []Endpoint {
	all := make([]Endpoint, len(nodes))
	for i, n := range nodes {
		all[i] = n
	}
	return all
}

// Key is the root key, Secret the one secret.
func (c *Cluster) Key() string { return c.key }

// Secret is the secret of the cluster.
func (c *Cluster) Secret() string { return c.secret }

// Dir is a directory that is removed with the cluster.
func (c *Cluster) Dir() string { return c.dir }

// cleanUp ends every node and removes everything. A test that failed shows the ends of the logs, and a program that crashed
// fails the test even if nobody noticed.
func (c *Cluster) cleanUp() {
	for _, n := range c.Nodes() {
		c.end(n)
	}
	c.lives.Wait()
	c.http.CloseIdleConnections()
	if c.ports != nil {
		c.ports.release()
	}
	logs, _ := filepath.Glob(filepath.Join(c.dir, "*.log"))
	for _, path := range logs {
		if line, found := crashed(readLog(path, 0)); found {
			c.tb.Errorf("%s crashed: %s", filepath.Base(path), line)
		}
	}
	if c.tb.Failed() {
		for _, path := range logs {
			c.tb.Logf("the end of %s:\n%s", path, tail(readLog(path, 0), tailLines))
		}
		if os.Getenv(keepVariable) != "" {
			c.tb.Logf("data and logs are kept in %s", c.dir)
			return
		}
	}
	if err := os.RemoveAll(c.dir); err != nil {
		c.tb.Errorf("clean up: %v", err)
	}
}

// end ends a node without ceremony.
func (c *Cluster) end(n *Node) {
	n.mu.Lock()
	life := n.life
	n.mu.Unlock()
	if life == nil || over(life) {
		return
	}
	n.change(stopping)
	if err := life.signal(os.Kill); err != nil {
		err = life.stop()
		if err != nil {
			c.tb.Errorf("end %s: %v", n.name, err)
		}
	}
	if _, ended := await(life, endWithin); !ended {
		c.tb.Errorf("%s does not end", n.name)
	}
}
