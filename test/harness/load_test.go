package harness

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tinyurl/api/v1"
)

// runLoad creates n links and reports.
func runLoad(t *testing.T, n int, change func(*LoadOptions), nodes ...*fakeNode) (LoadReport, *Ledger) {
	t.Helper()
	ledger := &Ledger{}
	o := LoadOptions{
		Ledger: ledger, Endpoints: endpoints(nodes...), Key: "key", Source: Once(MadeUpURLs(n)),
		Clients: 4, BulkSize: 5, BulkEvery: 3, GiveUp: 10 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	return StartLoad(o).Wait(), ledger
}

func TestALoadWritesDownEveryLinkOnce(t *testing.T) {
	s := newService()
	a, b := newFakeNode(t, "a", s), newFakeNode(t, "b", s)
	report, ledger := runLoad(t, 100, nil, a, b)
	if err := report.Findings.Err(); err != nil {
		t.Fatal(err)
	}
	if report.Accepted != 100 || ledger.Len() != 100 || s.made != 100 || report.Abandoned != 0 {
		t.Fatalf("%s; %d in the ledger, %d made", report, ledger.Len(), s.made)
	}
	if err := verifyQuickly(ledger, a, b).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestALoadTriesAgainElsewhereUnderOneKey(t *testing.T) {
	s := newService()
	sound, dead, leaderless := newFakeNode(t, "sound", s), newFakeNode(t, "dead", s), newFakeNode(t, "leaderless", s)
	dead.Close()
	leaderless.post = refusal(1<<40, http.StatusServiceUnavailable, v1.NoLeader, "Retry-After: 1")
	report, ledger := runLoad(t, 50, nil, dead, leaderless, sound)
	if err := report.Findings.Err(); err != nil {
		t.Fatal(err)
	}
	if ledger.Len() != 50 || s.made != 50 || report.Retries == 0 || report.SlowestRefusal == 0 {
		t.Fatalf("%s; %d in the ledger, %d made", report, ledger.Len(), s.made)
	}
}

func TestALoadFindsWhatANodeDoesWrong(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*service, *fakeNode)
		want    string
	}{
		"500": {func(_ *service, n *fakeNode) {
			n.post = refusal(1, http.StatusInternalServerError, v1.Internal)
		}, "internal"},
		"503 without Retry-After": {func(_ *service, n *fakeNode) {
			n.post = refusal(1, http.StatusServiceUnavailable, v1.NoLeader)
		}, "no Retry-After"},
		"one code for all": {func(s *service, _ *fakeNode) { s.twice = true }, "given out twice"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService()
			n := newFakeNode(t, "n", s)
			c.prepare(s, n)
			report, ledger := runLoad(t, 20, nil, n)
			text := ""
			for _, err := range []error{report.Findings.Err(), ledger.Findings.Err()} {
				if err != nil {
					text += err.Error()
				}
			}
			if !strings.Contains(text, c.want) {
				t.Fatalf("found %q; wanted %q", text, c.want)
			}
		})
	}
}

// A bulk that is answered in part is asked again; a row that had a code must get the same one.
func TestALoadFindsARetryThatMakesASecondLink(t *testing.T) {
	s := newService()
	s.forgetful = true
	n := newFakeNode(t, "n", s)
	l := StartLoad(LoadOptions{Ledger: &Ledger{}, Endpoints: endpoints(n), Source: Once(nil)})
	o := &order{key: "k", targets: []string{"https://example.org/1", "https://example.org/2"}, codes: make([]string, 2), bulk: true}
	for range 2 {
		if _, err := l.attempt(t.Context(), n, o); err != nil {
			t.Fatal(err)
		}
	}
	if report := l.Stop(); report.Findings.Count() != 2 {
		t.Fatalf("%d findings: %v", report.Findings.Count(), report.Findings.Err())
	}
}

func TestALoadGivesUpAndMeasuresTheGap(t *testing.T) {
	s := newService()
	n := newFakeNode(t, "n", s)
	n.post = refusal(1<<40, http.StatusServiceUnavailable, v1.NoLeader, "Retry-After: 1")
	report, _ := runLoad(t, 4, func(o *LoadOptions) { o.GiveUp, o.BulkEvery = 300*time.Millisecond, 0 }, n)
	if report.Abandoned != 4 || report.Accepted != 0 {
		t.Fatalf("%s", report)
	}
	if report.LongestGap < 300*time.Millisecond {
		t.Fatalf("nothing was accepted for %v, but the longest gap is %v", report.Took, report.LongestGap)
	}
}

func TestMadeUpURLsAreDifferentAndOfBoundedLength(t *testing.T) {
	seen := make(map[string]bool)
	for _, u := range MadeUpURLs(2000) {
		if seen[u] || len(u) > 8192 {
			t.Fatalf("%q: twice, or of %d bytes", u, len(u))
		}
		seen[u] = true
	}
}
