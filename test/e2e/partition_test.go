package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// A leader that is cut off from the others, but not from its clients, does not know that it leads no more. It acknowledges
// nothing, denies nothing that was made elsewhere meanwhile, and answers no linearizable read from what it last knew.
func TestALeaderThatIsCutOffAcknowledgesAndDeniesNothing(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, harness.Options{InProcess: true})
	tr := beginPatiently(t, c, 2*time.Second)
	c.AwaitAccepted(tr.load, enoughToBegin, resumeWithin)
	doomed, err := c.Node(0).Client().Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/doomed", CustomSlug: "doomed"}, "")
	if err != nil {
		t.Fatal(err)
	}
	old := c.Leader(leaderWithin)
	c.Cut(old)
	accepted := make(chan error, 1)
	go func() { // at the very moment of the cut, when it still thinks that it leads
		_, err := old.Client().Create(t.Context(), v1.CreateLink{LongURL: "https://example.org/cut", CustomSlug: "cut"}, "")
		accepted <- err
	}()
	elsewhere := c.Others(old)[0]
	harness.Eventually(t, resumeWithin, "a deletion by the others", func(ctx context.Context) error {
		err := elsewhere.Client().Delete(ctx, doomed.ShortCode)
		if isCode(err, v1.Gone) {
			return nil // an earlier try had come through
		}
		return err
	})
	for range 5 {
		if link, err := old.Client().Get(t.Context(), doomed.ShortCode, false); err == nil {
			t.Errorf("a linearizable read of a deleted link, from the old leader: %+v", link)
		}
	}
	if err := <-accepted; err == nil {
		t.Error("the old leader acknowledged a link that the others do not have")
	}
	c.AwaitAccepted(tr.load, enoughAfter/4, 2*resumeWithin) // slowly: the old leader keeps every client waiting
	c.Mend(old)
	t.Logf("FIGURES %s: current again after %v", t.Name(), old.WaitCurrent(harness.StartWithin).Round(time.Millisecond))
	harness.Eventually(t, convergeTime, "the deletion on the old leader", func(ctx context.Context) error {
		if _, err := old.Client().Get(ctx, doomed.ShortCode, false); !isCode(err, v1.Gone) {
			return errors.Join(errors.New("not gone"), err)
		}
		return nil
	})
	c.AwaitAccepted(tr.load, enoughAfter, resumeWithin)
	tr.extra(t, c, "cut")
	tr.finish(t, c)
}
