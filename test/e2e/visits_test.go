package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

const (
	// visitsVariable names how many visits are made; a million is what the figures of the statistics are told of.
	visitsVariable = "TINYURL_VISITS"
	usualVisits    = 20_000
	// linkShare is how many visits there are for each link, on average.
	linkShare = 100
	visitors  = 16
	// forgotten is for how long before its death a node's visits may be lost: it sends them every second, and that takes a moment.
	forgotten = 1500 * time.Millisecond
	// readAfter is how long an answer may be on its way.
	readAfter = 300 * time.Millisecond
	// countedWithin is how long the last visits may take to be counted everywhere.
	countedWithin = 20 * time.Second
)

func visitsWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv(visitsVariable)
	if text == "" {
		return usualVisits
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// crowd visits links, the first ones most (Zipf), on nodes by chance, and remembers what it was told.
type crowd struct {
	t     *testing.T
	c     *harness.Cluster
	codes []string

	mu       sync.Mutex
	followed map[string]uint64      // by code
	at       map[string][]time.Time // when redirects came, by the node's name
	unsure   uint64                 // visits without an answer: they may have been counted
}

// newCrowd makes so many links.
func newCrowd(t *testing.T, c *harness.Cluster, links int) *crowd {
	t.Helper()
	v := &crowd{t: t, c: c, followed: map[string]uint64{}, at: map[string][]time.Time{}}
	for first := 0; first < links; first += 1000 {
		var creates []v1.CreateLink
		for i := first; i < min(first+1000, links); i++ {
			creates = append(creates, v1.CreateLink{LongURL: fmt.Sprintf("https://example.org/%d", i)})
		}
		results, err := c.Leader(leaderWithin).Client().CreateBulk(t.Context(), creates, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Link == nil {
				t.Fatalf("a link was not made: %+v", r)
			}
			v.codes = append(v.codes, r.Link.ShortCode)
		}
	}
	return v
}

// visit makes so many visits.
func (v *crowd) visit(n int) {
	hand := &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: visitors},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer hand.CloseIdleConnections()
	nodes := v.c.Nodes()
	var all sync.WaitGroup
	for i := range visitors {
		all.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(i), 7))
			popular := rand.NewZipf(chance, 1.1, 1, uint64(len(v.codes)-1))
			for range n / visitors {
				v.one(hand, nodes[chance.IntN(len(nodes))], v.codes[popular.Uint64()])
			}
		})
	}
	all.Wait()
}

// one makes one visit.
func (v *crowd) one(hand *http.Client, n *harness.Node, code string) {
	answer := harness.Follow(v.t.Context(), hand, n, code)
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case answer.Err != nil:
		v.unsure++
	case answer.Status == http.StatusFound:
		v.followed[code]++
		v.at[n.Name()] = append(v.at[n.Name()], time.Now())
	case answer.Status != http.StatusServiceUnavailable:
		v.t.Errorf("%s answered %v for %s", n.Name(), answer, code)
	}
}

// seen is how many redirects there were.
func (v *crowd) seen() (total uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.followed {
		total += n
	}
	return total
}

// kill is the end of a node's life.
type kill struct {
	node string
	at   time.Time
}

// dying is how many redirects a node gave so shortly before its end that they may be forgotten. The last of them are read after it.
func (v *crowd) dying(k kill) (n uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, at := range v.at[k.node] {
		if at.After(k.at.Add(-forgotten)) && at.Before(k.at.Add(readAfter)) {
			n++
		}
	}
	return n
}

// counted gives what a node knows of all visits.
func counted(ctx context.Context, n *harness.Node) uint64 {
	stats, err := n.Client().ClusterStats(ctx, client.StatsQuery{Local: true})
	if err != nil {
		return 0
	}
	return stats.Visits.Total
}

// everywhere waits until all nodes say that there were so many visits, from least to most.
func (v *crowd) everywhere(least, most uint64) (told uint64) {
	v.t.Helper()
	harness.Eventually(v.t, countedWithin, fmt.Sprintf("all nodes count %d to %d visits", least, most), func(ctx context.Context) error {
		var all []uint64
		for _, n := range v.c.Nodes() {
			all = append(all, counted(ctx, n))
		}
		told = all[0]
		if slices.Min(all) < least || slices.Max(all) > most || slices.Min(all) != slices.Max(all) {
			return fmt.Errorf("they count %v", all)
		}
		return nil
	})
	return told
}

// Without faults every redirect is counted once, on whatever node it was given.
func TestVisitsAreCountedExactly(t *testing.T) {
	t.Parallel()
	wanted := visitsWanted(t)
	c := harness.Start(t, harness.Options{})
	v := newCrowd(t, c, max(wanted/linkShare, 10))
	before, began := appliedOf(t, c.Node(0)), time.Now()
	v.visit(wanted)
	took := time.Since(began)
	total := v.seen()
	v.everywhere(total, total)
	entries := appliedOf(t, c.Node(0)) - before
	for _, code := range []string{v.codes[0], v.codes[1], v.codes[len(v.codes)/2]} {
		for _, n := range c.Nodes() {
			stats, err := n.Client().Stats(t.Context(), code, client.StatsQuery{})
			if err != nil || stats.Visits.Total != v.followed[code] {
				t.Errorf("%s counts %d visits of %s, %v, want %d", n.Name(), stats.Visits.Total, code, err, v.followed[code])
			}
		}
	}
	var answers []time.Duration
	for range 21 {
		asked := time.Now()
		if _, err := c.Node(0).Client().Stats(t.Context(), v.codes[0], client.StatsQuery{}); err != nil {
			t.Error(err)
		}
		answers = append(answers, time.Since(asked))
	}
	slices.Sort(answers)
	t.Logf("FIGURES %s: %d visits of %d links in %v (%.0f a second), %d counted; %d entries in the log, %.2f a node and second; hottest link's (%d visits) statistics in %v (median of 21)",
		t.Name(), total, len(v.codes), took.Round(time.Millisecond), float64(total)/took.Seconds(), total, entries,
		float64(entries)/3/time.Since(began).Seconds(), v.followed[v.codes[0]], answers[len(answers)/2])
}

// With every kill of a leader no more is forgotten than it had in its memory, and nothing is counted twice.
func TestVisitsOutliveLeaders(t *testing.T) {
	t.Parallel()
	wanted := visitsWanted(t)
	c := harness.Start(t, harness.Options{})
	v := newCrowd(t, c, max(wanted/linkShare, 10))
	var kills []kill
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.visit(wanted)
	}()
	for visiting := true; visiting; {
		leader := c.Leader(leaderWithin)
		leader.Kill()
		kills = append(kills, kill{leader.Name(), time.Now()})
		leader.Start()
		leader.WaitReady(harness.StartWithin)
		select {
		case <-done:
			visiting = false
		case <-time.After(5 * time.Second):
		}
	}
	var mayBeLost uint64
	for _, k := range kills {
		mayBeLost += v.dying(k)
	}
	total := v.seen()
	told := v.everywhere(total-min(mayBeLost, total), total+v.unsure)
	t.Logf("FIGURES %s: %d redirects, %d visits without an answer, %d kills of the leader, %d counted, %d might have been lost",
		t.Name(), total, v.unsure, len(kills), told, mayBeLost)
}
