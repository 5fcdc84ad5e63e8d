//go:build linux

package rows

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tinyurl/api/client"
	"tinyurl/test/bench/load"
	"tinyurl/test/bench/proc"
)

const (
	rootKey       = "the-root-key-of-a-benchmark-that-nobody-needs-to-keep"
	clusterSecret = "the-secret-of-a-benchmark-that-nobody-needs-to-keep"
	// readyWithin bounds the start of a node.
	readyWithin = 2 * time.Minute
)

// wrapper puts another program around the one that is run.
type wrapper func(path string, args []string) (string, []string)

// node is one process of the product.
type node struct {
	bench   *Bench
	name    string
	dir     string
	args    []string
	wrap    wrapper
	process *proc.Process
	// shares says that others know the node's secret. One that is given a secret listens for a while whether there is a cluster of it
	// already; one that makes its own need not.
	shares bool
	// processors are those the process runs on; none means all.
	processors []int
	// http and redirect are its listeners, host:port; redirect is empty without one of its own.
	http, gossip, redirect string
}

// node makes one that is not started: alone unless more settings say otherwise.
func (b *Bench) node(name string, more ...string) (*node, error) {
	n := &node{bench: b, name: name, dir: filepath.Join(b.Dir, name)}
	var cluster string
	var err error
	for _, address := range []*string{&n.http, &cluster, &n.gossip} {
		if *address, err = b.ports.Take(); err != nil {
			return nil, err
		}
	}
	n.args = slices.Concat([]string{
		"serve", "--name", name, "--data-dir", n.dir, "--advertise", "127.0.0.1", "--http-addr", n.http, "--cluster-addr", cluster,
		"--gossip-addr", n.gossip, "--log-level", "warn",
	}, b.With, more)
	return n, nil
}

// start starts the process and does not wait.
func (n *node) start() (err error) {
	path, args := n.bench.Tinyurl, n.args
	if n.wrap != nil {
		path, args = n.wrap(path, args)
	}
	environ := n.bench.environ("TINYURL_ROOT_KEY=" + rootKey)
	if n.shares {
		environ = append(environ, "TINYURL_CLUSTER_SECRET="+clusterSecret)
	}
	n.process, err = n.bench.start(proc.Command{Name: n.name, Path: path, Args: args, Env: environ, Processors: n.processors})
	return err
}

// ready waits until the node is.
func (n *node) ready(ctx context.Context) error {
	return waitHTTP(ctx, n.process, "http://"+n.http+"/readyz", readyWithin)
}

// again ends the node, which runs, in order and starts it with more settings.
func (n *node) again(ctx context.Context, more ...string) error {
	if err := n.process.Stop(stopWithin); err != nil {
		return err
	}
	n.args = append(n.args, more...)
	if err := n.start(); err != nil {
		return err
	}
	return n.ready(ctx)
}

// lone starts a node that is a cluster of itself, and stays so.
func (b *Bench) lone(ctx context.Context, name string, more ...string) (*node, error) {
	n, err := b.node(name, more...)
	if err == nil {
		err = n.start()
	}
	if err == nil {
		err = n.ready(ctx)
	}
	return n, err
}

// member starts a node of a cluster that others join, on the processors of servers where these have their own.
func (b *Bench) member(ctx context.Context, name string, more ...string) (*node, error) {
	n, err := b.node(name, more...)
	if err == nil {
		n.shares, n.processors = true, b.apart.servers
		err = n.start()
	}
	if err == nil {
		err = n.ready(ctx)
	}
	return n, err
}

// trio starts three nodes that are a cluster, and waits until they take writes.
func (b *Bench) trio(ctx context.Context, name string, wrap wrapper, more ...string) ([]*node, error) {
	var nodes []*node
	for i := range 3 {
		n, err := b.node(fmt.Sprintf("%s-%d", name, i+1), append(slices.Clone(more), "--bootstrap-expect", "3")...)
		if err != nil {
			return nil, err
		}
		n.wrap, n.shares = wrap, true
		nodes = append(nodes, n)
	}
	for i, n := range nodes {
		for j, other := range nodes {
			if i != j {
				n.args = append(n.args, "--join", other.gossip)
			}
		}
		if err := n.start(); err != nil {
			return nil, err
		}
	}
	for _, n := range nodes {
		if err := waitHTTP(ctx, n.process, "http://"+n.http+"/readyz?write", readyWithin); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// leader gives the nodes with the one that leads first.
func leader(ctx context.Context, nodes []*node) ([]*node, error) {
	api, err := client.New("http://"+nodes[0].http, rootKey, nil)
	if err != nil {
		return nil, err
	}
	status, err := api.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	if len(status.Groups) == 0 || status.Groups[0].Leader == nil {
		return nil, fmt.Errorf("%s knows no leader", nodes[0].name)
	}
	ordered := slices.Clone(nodes)
	slices.SortStableFunc(ordered, func(a, b *node) int {
		leads := func(n *node) int {
			if n.name == status.Groups[0].Leader.Name {
				return 0
			}
			return 1
		}
		return leads(a) - leads(b)
	})
	return ordered, nil
}

// processesOf and addressesOf take nodes apart for a target.
func processesOf(nodes []*node) []*proc.Process {
	var all []*proc.Process
	for _, n := range nodes {
		all = append(all, n.process)
	}
	return all
}

func addressesOf(nodes []*node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.http)
	}
	return all
}

// creating is a target: links, one a request, made through all of the nodes.
func (b *Bench) creating(nodes []*node, connections int) target {
	return target{name: fmt.Sprintf("tinyurl, %d clients", connections), servers: processesOf(nodes), load: load.Config{
		Targets: addressesOf(nodes), Connections: connections, Status: 201, Location: true,
		Source: posting(nodes[0].http, "/api/v1/links", b.bodies),
	}}
}

// metric sums the samples of a metric of a node whose name, with labels, begins so.
func (n *node) metric(ctx context.Context, name string) (float64, error) {
	page, err := fetch(ctx, "http://"+n.http+"/metrics")
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, name) {
			continue
		}
		fields := strings.Fields(line)
		var value float64
		if _, err := fmt.Sscan(fields[len(fields)-1], &value); err != nil {
			return 0, fmt.Errorf("metric %q: %w", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("%s has no metric %s", n.name, name)
	}
	return sum, nil
}
