package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tinyurl/api/v1"
)

// errNoLeader is what Leader waits over.
var errNoLeader = errors.New("no running node leads with a quorum behind it")

// Leader waits until a running node says that it leads and has its quorum, and gives the one of the highest term.
func (c *Cluster) Leader(within time.Duration) *Node {
	c.tb.Helper()
	var leader *Node
	Eventually(c.tb, within, "a leader", func(ctx context.Context) error {
		found, _, err := c.leader(ctx)
		leader = found
		return err
	})
	return leader
}

// Term is the highest term that a running node knows. The difference of two tells how many elections were begun in between.
func (c *Cluster) Term() uint64 {
	c.tb.Helper()
	var term uint64
	for _, n := range c.Nodes() {
		if !n.Running() {
			continue
		}
		if status, err := n.Status(c.tb.Context()); err == nil && len(status.Groups) > 0 {
			term = max(term, status.Groups[0].Term)
		}
	}
	return term
}

func (c *Cluster) leader(ctx context.Context) (*Node, v1.Cluster, error) {
	var leader *Node
	var best v1.Cluster
	for _, n := range c.Nodes() {
		if !n.Running() {
			continue
		}
		status, err := n.Status(ctx)
		if err != nil || len(status.Groups) == 0 {
			continue
		}
		g := status.Groups[0]
		if g.State == "leader" && g.Quorum && (leader == nil || g.Term > best.Groups[0].Term) {
			leader, best = n, status
		}
	}
	if leader == nil {
		return nil, best, errNoLeader
	}
	return leader, best, nil
}

// Converged waits until all running nodes have applied the same position and agree on leader, links, counter and digest,
// and gives the state they agree on. Nothing may be written meanwhile.
func (c *Cluster) Converged(within time.Duration) v1.Group {
	c.tb.Helper()
	var agreed v1.Group
	Eventually(c.tb, within, "equal states on all running nodes", func(ctx context.Context) error {
		var seen []string
		first := ""
		same := true
		for _, n := range c.Nodes() {
			if !n.Running() {
				continue
			}
			status, err := n.Status(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", n.Name(), err)
			}
			if len(status.Groups) == 0 || status.Groups[0].Leader == nil {
				return fmt.Errorf("%s knows no leader", n.Name())
			}
			g := status.Groups[0]
			state := fmt.Sprintf("leader %s, applied %d, %d links, counter %d, digest %s at %d",
				g.Leader.Name, g.AppliedIndex, g.Links, g.Counter, g.Digest.Value, g.Digest.Index)
			if first == "" {
				first, agreed = state, g
			}
			same = same && state == first
			seen = append(seen, n.Name()+": "+state)
		}
		if !same || first == "" {
			return errors.New(strings.Join(seen, "; "))
		}
		return nil
	})
	return agreed
}

// WaitLog waits until the node's latest life has logged a line that holds all of the words.
func (n *Node) WaitLog(within time.Duration, words ...string) string {
	n.cluster.tb.Helper()
	var found string
	Eventually(n.cluster.tb, within, fmt.Sprintf("a line of %s with %q", n.name, words), func(context.Context) error {
		if line, ok := LogLine(n.Log(), words...); ok {
			found = line
			return nil
		}
		return errors.New("the last lines are:\n" + tail(n.Log(), 10))
	})
	return found
}

// LogLine gives the first line of a log that holds all of the words, whatever their case.
func LogLine(log string, words ...string) (string, bool) {
	for line := range strings.Lines(log) {
		lower, all := strings.ToLower(line), true
		for _, w := range words {
			all = all && strings.Contains(lower, strings.ToLower(w))
		}
		if all {
			return strings.TrimSpace(line), true
		}
	}
	return "", false
}

// AwaitAccepted waits until the load has had that many more creates accepted.
func (c *Cluster) AwaitAccepted(l *Load, more int64, within time.Duration) {
	c.tb.Helper()
	until := l.Accepted() + more
	Eventually(c.tb, within, fmt.Sprintf("%d more creates", more), func(context.Context) error {
		if now := l.Accepted(); now < until {
			return fmt.Errorf("%d are missing", until-now)
		}
		return nil
	})
}
