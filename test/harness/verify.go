package harness

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// VerifyOptions say what is verified where. Ledger and Endpoints are required.
type VerifyOptions struct {
	Ledger    *Ledger
	Endpoints Endpoints
	// Clients is how many visitors there are per node; 4 if 0.
	Clients int
	// Patience is how long a node may go on to answer 503, or not at all, before a link counts as unavailable; 10 s if 0. A
	// wrong answer counts at once.
	Patience time.Duration
}

// VerifyReport is what Verify found.
type VerifyReport struct {
	// Links is the number of acknowledged links, Nodes that of nodes, Right that of redirects as promised.
	Links, Nodes int
	Right        int64
	Took         time.Duration
	// Findings are links that some node answered wrongly or not at all, and codes given out twice.
	Findings Findings
}

// String is the report in one line.
func (r *VerifyReport) String() string {
	return fmt.Sprintf("%d links on %d nodes: %d of %d redirects right in %v, %d findings",
		r.Links, r.Nodes, r.Right, r.Links*r.Nodes, r.Took.Round(time.Millisecond), r.Findings.Count())
}

// Err is nil when every link is on every node.
func (r *VerifyReport) Err() error { return r.Findings.Err() }

// verifyTimeout is how long one answer may take.
const verifyTimeout = 5 * time.Second

// Verify follows every acknowledged link on every node.
func Verify(ctx context.Context, o VerifyOptions) *VerifyReport {
	orInt(&o.Clients, 4)
	orDuration(&o.Patience, 10*time.Second)
	links, nodes := o.Ledger.Links(), o.Endpoints()
	report := &VerifyReport{Links: len(links), Nodes: len(nodes)}
	if err := o.Ledger.Findings.Err(); err != nil {
		report.Findings.Add("%v", err)
	}
	if len(nodes) == 0 {
		report.Findings.Add("there is no node to ask")
	}
	began := time.Now()
	var rightOnes atomic.Int64
	var all sync.WaitGroup
	visitor := newVisitor(o.Clients, verifyTimeout)
	for _, node := range nodes {
		var next atomic.Int64
		for range o.Clients {
			all.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(links)); i = next.Add(1) - 1 {
					if verifyOne(ctx, visitor, node, links[i], o.Patience, &report.Findings) {
						rightOnes.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	visitor.CloseIdleConnections()
	report.Right, report.Took = rightOnes.Load(), time.Since(began)
	return report
}

// verifyOne follows one link on one node until it is redirected, or wrong, or patience ends.
func verifyOne(ctx context.Context, visitor *http.Client, node Endpoint, link Acknowledged, patience time.Duration, found *Findings) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		got := Follow(ctx, visitor, node, link.Code)
		verdict := got.judge(link.Target)
		switch {
		case verdict == right:
			return true
		case verdict == wrong:
			found.Add("%s answers wrongly for %s, acknowledged by %s: %s; wanted %q", node.Name(), link.Code, link.Node, got, link.Target)
			return false
		case !pause(ctx, 50*time.Millisecond):
			found.Add("%s does not answer for %s, acknowledged by %s: %s", node.Name(), link.Code, link.Node, got)
			return false
		}
	}
}
