package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

// Limits of what bench may be asked for.
const (
	minBenchDuration    = 100 * time.Millisecond
	maxBenchDuration    = 24 * time.Hour
	maxBenchConcurrency = 4096
	maxBenchFill        = 1_000_000_000
)

const (
	// fillPhase is the name of the phase whose requests hold many links.
	fillPhase = "fill"
	// fillersPerNode keeps the rows under way at a node below the 4,096 operations it takes at once.
	fillersPerNode = 3
	// benchTarget is what every link leads to, but for a number at its end.
	benchTarget = "https://example.com/bench/"
)

// benchSettings are the flags of bench.
type benchSettings struct {
	duration          time.Duration
	concurrency, fill int
	oneNode           bool
}

func benchCommand(p process) *cobra.Command {
	var node remote
	var s benchSettings
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how many links a second a running cluster makes and follows",
		Long: "Makes links, one a request, then follows them in random order, each for the duration given, and prints how many a second\n" +
			"that were and how long they took. With --fill it makes so many links before, in bulk. Creates need a key. The links\n" +
			"made are not removed: run it on a cluster that may keep them. Ctrl-C ends it with what was measured by then.",
		Example: "  tinyurl bench --duration 30s --concurrency 256 --fill 1000000",
		Args:    usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	flags := cmd.Flags()
	flags.DurationVar(&s.duration, "duration", 10*time.Second, "time to make links, and to follow them")
	flags.IntVar(&s.concurrency, "concurrency", 64, "number of connections, each with one request at a time")
	flags.IntVar(&s.fill, "fill", 0, "number of links to make first, 1,000 a request")
	flags.BoolVar(&s.oneNode, "one-node", false, "ask the node at --server alone, not all members of its cluster")
	output := outputFlag(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.validate(); err != nil {
			return fmt.Errorf("%w: %w", server.ErrUsage, err)
		}
		api, err := node.connect(cmd, p)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		// A second Ctrl-C ends the process at once.
		context.AfterFunc(ctx, stop)
		random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // it chooses links, and keeps no secret
		b := &bench{settings: s, key: node.key, progress: newProgress(p.stderr), random: random}
		if err := b.prepare(ctx, api, &node); err != nil {
			return err
		}
		failed := b.run(ctx)
		if output.json() {
			return errors.Join(writeJSON(cmd.OutOrStdout(), b.report), failed)
		}
		return errors.Join(b.report.write(cmd.OutOrStdout()), failed)
	}
	return cmd
}

// validate refuses what no machine should be asked for.
func (s benchSettings) validate() error {
	switch {
	case s.duration < minBenchDuration || s.duration > maxBenchDuration:
		return fmt.Errorf("--duration is %v; it may be %v to %v", s.duration, minBenchDuration, maxBenchDuration)
	case s.concurrency < 1 || s.concurrency > maxBenchConcurrency:
		return fmt.Errorf("--concurrency is %d; it may be 1 to %d", s.concurrency, maxBenchConcurrency)
	case s.fill < 0 || s.fill > maxBenchFill:
		return fmt.Errorf("--fill is %d; it may be 0 to %d", s.fill, maxBenchFill)
	}
	return nil
}

// bench is one run of the command. It belongs to one goroutine.
type bench struct {
	settings benchSettings
	key      string
	progress *progress
	random   *rand.Rand

	nodes   []*benchNode
	session uint64     // sets the targets of this run apart from those of others
	codes   *reservoir // links made by this run
	report  benchReport
}

// prepare finds the nodes, and makes one link: what is wrong with the key or the cluster is told now, once.
func (b *bench) prepare(ctx context.Context, api *client.Client, node *remote) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	urls := []string{node.server}
	if !b.settings.oneNode {
		status, err := api.Cluster(ctx)
		if err != nil {
			return node.explain(err)
		}
		urls = memberURLs(status, node.server)
	}
	if err := b.reach(ctx, urls); err != nil {
		return err
	}
	b.session = b.random.Uint64()
	b.codes = newReservoir(maxBenchCodes, branch(b.random))
	made, err := api.Create(ctx, v1.CreateLink{LongURL: fmt.Sprintf("%s%016x", benchTarget, b.session)}, "")
	if err != nil {
		return node.explain(err)
	}
	b.codes.add([]byte(made.ShortCode))
	b.report.Concurrency = b.settings.concurrency
	return nil
}

// memberURLs are where the living members listen; the server itself if none says so.
func memberURLs(status v1.Cluster, server string) []string {
	var urls []string
	for _, m := range status.Members {
		if m.HTTPURL != "" && m.Status == "alive" {
			urls = append(urls, m.HTTPURL)
		}
	}
	if len(urls) == 0 {
		return []string{server}
	}
	return urls
}

// reach keeps the nodes that can be reached from here.
func (b *bench) reach(ctx context.Context, urls []string) error {
	var unreachable error
	for _, u := range urls {
		n, err := newBenchNode(u)
		if err == nil {
			err = n.probe(ctx)
		}
		if err != nil {
			unreachable = errors.Join(unreachable, err)
			b.progress.say(fmt.Sprintf("left out: %v", err))
			continue
		}
		b.nodes = append(b.nodes, n)
		b.report.Nodes = append(b.report.Nodes, n.url)
	}
	if len(b.nodes) == 0 {
		return fmt.Errorf("no member can be reached from here, perhaps the node at --server can (--one-node): %w", unreachable)
	}
	return nil
}

// run goes through the phases until one fails or ctx ends.
func (b *bench) run(ctx context.Context) error {
	defer func() { b.report.Interrupted = ctx.Err() != nil }()
	duration := b.settings.duration
	phases := []*phase{
		{name: "creates", workers: b.settings.concurrency, atMost: duration, task: b.creator},
		{name: "redirects", workers: b.settings.concurrency, atMost: duration, task: b.follower},
	}
	if b.settings.fill > 0 {
		shared := &filling{wanted: int64(b.settings.fill)}
		fill := &phase{
			name: fillPhase, workers: min(b.settings.concurrency, fillersPerNode*len(b.nodes)), total: b.settings.fill,
			patience: fillPatience, task: func(_ int, random *rand.Rand) task { return b.filler(shared, random) },
		}
		phases = append([]*phase{fill}, phases...)
	}
	for _, ph := range phases {
		if ctx.Err() != nil {
			break
		}
		result, err := ph.run(ctx, b.nodes, b.random, b.progress)
		b.report.Phases = append(b.report.Phases, result)
		if err != nil {
			return fmt.Errorf("%s: %w", ph.name, err)
		}
	}
	return nil
}
