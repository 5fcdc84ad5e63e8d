package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/cluster/identity"
	"tinyurl/cmd/server"
)

const (
	// maxDevNodes keeps the three ranges of ports apart by default and the machine alive.
	maxDevNodes = 16
	// devVoters is how many nodes form the cluster; further ones join it.
	devVoters = 5
	// devReadyWait bounds the wait for all nodes to be ready.
	devReadyWait = 2 * time.Minute
)

// devSettings are the flags of dev.
type devSettings struct {
	nodes                           int
	httpPort, clusterPort, gossPort int
	dir, rootKey, logLevel          string
}

func devCommand(p process) *cobra.Command {
	var s devSettings
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a local cluster to try things on",
		Long: "Starts real nodes on 127.0.0.1 as child processes, node i (from 0) on the ports given plus i, and prints where they\n" +
			"are, a key and a command to paste. Ctrl-C stops all of them; the data is kept.",
		Example: "  tinyurl dev --nodes 5",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.validate(); err != nil {
				return fmt.Errorf("%w: %w", server.ErrUsage, err)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			// A second Ctrl-C ends this process at once, and the nodes with it.
			context.AfterFunc(ctx, stop)
			return runDev(ctx, p, s)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&s.nodes, "nodes", 3, "number of nodes")
	flags.IntVar(&s.httpPort, "http-port", 8080, "HTTP port of node 0")
	flags.IntVar(&s.clusterPort, "cluster-port", 7000, "cluster port of node 0")
	flags.IntVar(&s.gossPort, "gossip-port", 7946, "gossip port of node 0")
	flags.StringVar(&s.dir, "data-dir", "./tinyurl-dev", "directory for the data of all nodes")
	flags.StringVar(&s.rootKey, "root-key", "", "API key with every scope (default: derived from a secret kept in the data directory)")
	flags.StringVar(&s.logLevel, "log-level", "warn", "log level of the nodes: debug, info, warn or error")
	return cmd
}

// validate refuses what would only fail in the middle of the start.
func (s devSettings) validate() error {
	if s.nodes < 1 || s.nodes > maxDevNodes {
		return fmt.Errorf("--nodes is %d; it may be 1 to %d", s.nodes, maxDevNodes)
	}
	if s.dir == "" {
		return errors.New("--data-dir is empty")
	}
	ranges := []struct {
		flag  string
		first int
	}{{"--http-port", s.httpPort}, {"--cluster-port", s.clusterPort}, {"--gossip-port", s.gossPort}}
	for i, r := range ranges {
		if r.first < 1 || r.first+s.nodes-1 > 65535 {
			return fmt.Errorf("%s is %d; with %d nodes it may be 1 to %d", r.flag, r.first, s.nodes, 65536-s.nodes)
		}
		for _, o := range ranges[:i] {
			if r.first < o.first+s.nodes && o.first < r.first+s.nodes {
				return fmt.Errorf("%s %d and %s %d are too close for %d nodes", o.flag, o.first, r.flag, r.first, s.nodes)
			}
		}
	}
	return nil
}

// checkPorts finds a taken port before any node starts: whoever has it might look like a node of ours that is ready.
func (s devSettings) checkPorts(ctx context.Context) error {
	for _, first := range []int{s.httpPort, s.clusterPort, s.gossPort} {
		for i := range s.nodes {
			taken, err := new(net.ListenConfig).Listen(ctx, "tcp", devAddress(first, i))
			if err != nil {
				return fmt.Errorf("the port of a node is taken: stop what has it, or choose others with --http-port, --cluster-port and --gossip-port: %w", err)
			}
			if err := taken.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// devAddress is the address of node i, whose node 0 has the port first.
func devAddress(first, i int) string { return fmt.Sprintf("127.0.0.1:%d", first+i) }

// runDev runs the cluster until ctx ends or no node is left.
func runDev(ctx context.Context, p process, s devSettings) (err error) {
	if err := s.checkPorts(ctx); err != nil {
		return err
	}
	secret, err := devSecret(s.dir)
	if err != nil {
		return err
	}
	key := s.rootKey
	if key == "" {
		key = secret.RootKey()
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for this program: %w", err)
	}
	cluster := newDevCluster(p.stderr)
	defer func() { err = errors.Join(err, cluster.stop()) }()
	for i := range s.nodes {
		if err := cluster.start(program, s.node(i), s.environ(p.environ, secret)); err != nil {
			return err
		}
	}
	if err := cluster.waitReady(ctx, devReadyWait); err != nil || ctx.Err() != nil {
		return err
	}
	printDev(p, cluster, key)
	return cluster.watch(ctx)
}

// devSecret reads the cluster's secret, which is made at the first start.
func devSecret(dir string) (identity.Secret, error) {
	path := filepath.Join(dir, "secret")
	b, err := os.ReadFile(path)
	if err == nil {
		secret, err := identity.ParseSecret(string(b))
		if err != nil {
			return identity.Secret{}, fmt.Errorf("%s is damaged: %w", path, err)
		}
		return secret, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return identity.Secret{}, err
	}
	secret, err := identity.NewSecret(rand.Reader)
	if err != nil {
		return identity.Secret{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return identity.Secret{}, err
	}
	return secret, os.WriteFile(path, []byte(secret.Reveal()+"\n"), 0o600)
}

// devNode is one node to start.
type devNode struct {
	name, url string
	args      []string
}

// node says how node i is run.
func (s devSettings) node(i int) devNode {
	name := fmt.Sprintf("n%d", i)
	n := devNode{name: name, url: "http://" + devAddress(s.httpPort, i), args: []string{
		"serve", "--name", name, "--data-dir", filepath.Join(s.dir, name), "--advertise", "127.0.0.1",
		"--http-addr", devAddress(s.httpPort, i), "--cluster-addr", devAddress(s.clusterPort, i), "--gossip-addr", devAddress(s.gossPort, i),
		"--cache-size", "64MiB", "--log-level", s.logLevel,
	}}
	expect := min(s.nodes, devVoters)
	if i >= devVoters {
		expect = 0
	}
	n.args = append(n.args, "--bootstrap-expect", fmt.Sprint(expect))
	for other := range s.nodes {
		if other != i {
			n.args = append(n.args, "--join", devAddress(s.gossPort, other))
		}
	}
	return n
}

// environ is what a node gets: this process's environment with our own variables replaced, since those are meant for one
// node and the command line decides here. Secrets go this way because everyone can read a command line.
func (s devSettings) environ(own []string, secret identity.Secret) []string {
	var environ []string
	for _, v := range own {
		if !strings.HasPrefix(v, "TINYURL_") && !strings.HasPrefix(v, "NOTIFY_SOCKET=") {
			environ = append(environ, v)
		}
	}
	environ = append(environ, "TINYURL_CLUSTER_SECRET="+secret.Reveal())
	if s.rootKey != "" {
		environ = append(environ, "TINYURL_ROOT_KEY="+s.rootKey)
	}
	return environ
}

// printDev says where the nodes are and what to try.
func printDev(p process, cluster *devCluster, key string) {
	for _, c := range cluster.children {
		fmt.Fprintf(p.stdout, "node %s %s\n", c.name, c.url)
	}
	fmt.Fprintf(p.stdout, "key %s\n", key)
	fmt.Fprintf(p.stdout, "curl -H %s -d '{\"longUrl\":\"https://example.org/\"}' %s/api/v1/links\n",
		shellQuote("Authorization: Bearer "+key), cluster.children[0].url)
}
