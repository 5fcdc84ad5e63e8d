package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// Three machines, one command line, nothing on disk: a cluster. A link made on any node is followed on the others at once:
// the first visit after the 201 is redirected, on every node.
func TestThreeNodesFromNothingServeOneAnothersLinksAtOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	c := harness.Start(t, harness.Options{})
	formed := time.Since(began)
	const each = 20
	var slowest time.Duration
	for i := range each {
		for _, maker := range c.Nodes() {
			target := fmt.Sprintf("https://example.org/%s/%d?a=%%20b#c", maker.Name(), i)
			made, err := maker.Client().Create(t.Context(), v1.CreateLink{LongURL: target}, "")
			if err != nil {
				t.Fatalf("create on %s: %v", maker.Name(), err)
			}
			for _, n := range c.Nodes() {
				asked := time.Now()
				got := c.Visit(n, made.ShortCode)
				slowest = max(slowest, time.Since(asked))
				if got.Status != http.StatusFound || got.Location != target {
					t.Fatalf("%s, made on %s, followed on %s: %s", made.ShortCode, maker.Name(), n.Name(), got)
				}
			}
		}
	}
	state := c.Converged(30 * time.Second)
	if state.Links != 3*each {
		t.Errorf("%d links, not %d", state.Links, 3*each)
	}
	for _, n := range c.Nodes() {
		status, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !status.Healthy || status.FailureTolerance != 1 || len(status.Members) != 3 {
			t.Errorf("%s: healthy %v, tolerance %d, %d members", n.Name(), status.Healthy, status.FailureTolerance, len(status.Members))
		}
	}
	t.Logf("FIGURES %s: formed in %v, %d links, slowest first visit %v", t.Name(), formed.Round(time.Millisecond), 3*each,
		slowest.Round(time.Microsecond))
}

// A slug and a link that is deleted are seen by all nodes as soon as the answer is there.
func TestSlugsAndDeletionsAreSeenEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{})
	for i := range 9 {
		maker := c.Node(i % 3)
		slug := fmt.Sprintf("slug-number-%d", i)
		if _, err := maker.Client().Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/", CustomSlug: slug}, ""); err != nil {
			t.Fatal(err)
		}
		for _, n := range c.Nodes() {
			if got := c.Visit(n, slug); got.Status != http.StatusFound {
				t.Errorf("%s on %s: %s", slug, n.Name(), got)
			}
			if _, err := n.Client().Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/2", CustomSlug: slug}, ""); !isCode(err, v1.SlugTaken) {
				t.Errorf("%s was taken again on %s: %v", slug, n.Name(), err)
			}
		}
		if err := c.Node((i+1)%3).Client().Delete(t.Context(), slug); err != nil {
			t.Fatal(err)
		}
		// A node that lags may still redirect for a moment, as redirects are local; the linearizable read may not.
		for _, n := range c.Nodes() {
			if _, err := n.Client().Get(t.Context(), slug, false); !isCode(err, v1.Gone) {
				t.Errorf("%s is not gone on %s: %v", slug, n.Name(), err)
			}
			if got := c.Visit(n, slug); got.Status != http.StatusGone {
				t.Errorf("%s on %s, read after its deletion there: %s", slug, n.Name(), got)
			}
		}
	}
	for _, n := range c.Nodes() {
		if got := c.Visit(n, "never-made"); got.Status != http.StatusNotFound {
			t.Errorf("an unknown slug on %s: %s", n.Name(), got)
		}
	}
}
