package harness

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// twoNodes are a fake cluster of two and a ledger of ten links made on it.
func twoNodes(t *testing.T) (honest, other *fakeNode, ledger *Ledger) {
	t.Helper()
	s := newService()
	honest, other = newFakeNode(t, "honest", s), newFakeNode(t, "other", s)
	ledger = &Ledger{}
	for i, target := range MadeUpURLs(10) {
		ledger.Add(Acknowledged{Code: s.create(string(rune('a'+i)), target), Target: target, Node: "honest", At: time.Now()})
	}
	return honest, other, ledger
}

func verifyQuickly(ledger *Ledger, nodes ...*fakeNode) *VerifyReport {
	return Verify(context.Background(), VerifyOptions{Ledger: ledger, Endpoints: endpoints(nodes...), Patience: 300 * time.Millisecond})
}

func TestVerifyPassesAnHonestCluster(t *testing.T) {
	honest, other, ledger := twoNodes(t)
	report := verifyQuickly(ledger, honest, other)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if report.Right != 20 {
		t.Fatalf("%d redirects were right, not 20: %s", report.Right, report)
	}
}

func TestVerifyFindsWhatANodeDoesWrong(t *testing.T) {
	faults := map[string]func(w http.ResponseWriter, code, target string) bool{
		"a link lost":        status(http.StatusNotFound),
		"a link called gone": status(http.StatusGone),
		"another target":     status(http.StatusFound, "Location: https://example.org/elsewhere"),
		"another status":     status(http.StatusMovedPermanently, "Location: https://example.org/elsewhere"),
		"an error":           status(http.StatusInternalServerError),
		"503 for ever":       status(http.StatusServiceUnavailable, "Retry-After: 1"),
		"503 and no more":    status(http.StatusServiceUnavailable),
		"one byte differs": func(w http.ResponseWriter, _, target string) bool {
			return status(http.StatusFound, "Location: "+target+"/")(w, "", "")
		},
		"one link of ten": func(w http.ResponseWriter, code, _ string) bool {
			return code == "c000007" && status(http.StatusNotFound)(w, "", "")
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			honest, liar, ledger := twoNodes(t)
			liar.visit = fault
			if report := verifyQuickly(ledger, honest, liar); report.Err() == nil {
				t.Fatalf("not found: %s", report)
			}
		})
	}
}

func TestVerifyFindsADeadNodeAndAnEmptyCluster(t *testing.T) {
	honest, dead, ledger := twoNodes(t)
	dead.Close()
	if verifyQuickly(ledger, honest, dead).Err() == nil {
		t.Error("a dead node was not found")
	}
	if verifyQuickly(ledger).Err() == nil {
		t.Error("an empty cluster passed")
	}
}

func TestVerifyWaitsForANodeThatCannotProveYet(t *testing.T) {
	honest, late, ledger := twoNodes(t)
	ready := time.Now().Add(100 * time.Millisecond)
	late.visit = func(w http.ResponseWriter, _, _ string) bool {
		return time.Now().Before(ready) && status(http.StatusServiceUnavailable, "Retry-After: 1")(w, "", "")
	}
	report := Verify(context.Background(), VerifyOptions{Ledger: ledger, Endpoints: endpoints(honest, late), Patience: 5 * time.Second})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestALedgerFindsACodeGivenOutTwice(t *testing.T) {
	honest, _, ledger := twoNodes(t)
	ledger.Add(Acknowledged{Code: "c000003", Target: "https://example.org/second"})
	if ledger.Findings.Count() != 1 {
		t.Fatal("the ledger did not notice")
	}
	if err := verifyQuickly(ledger, honest).Err(); err == nil || !strings.Contains(err.Error(), "c000003 was given out twice") {
		t.Fatalf("Verify says %v", err)
	}
}

// watchUntil watches until there was a visit of the kind.
func watchUntil(t *testing.T, o WatchOptions, seen func(WatchReport) bool) WatchReport {
	t.Helper()
	o.Pause = time.Microsecond
	watch := StartWatch(o)
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !seen(watch.Report()) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("not seen within 10 s: %s", watch.Report())
			return watch.Stop()
		}
	}
	return watch.Stop()
}

func TestAWatchFindsFalseAnswersEvenOfNodesThatAreDown(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, string, string) bool{
		"404":            status(http.StatusNotFound),
		"410":            status(http.StatusGone),
		"another target": status(http.StatusFound, "Location: https://example.org/elsewhere"),
		"500":            status(http.StatusInternalServerError),
	} {
		t.Run(name, func(t *testing.T) {
			honest, liar, ledger := twoNodes(t)
			liar.visit = fault
			liar.down.Store(true)
			report := watchUntil(t, WatchOptions{Ledger: ledger, Endpoints: endpoints(honest, liar)},
				func(r WatchReport) bool { return r.Violations.Count() > 0 && r.Right > 0 })
			if n := report.Failures.Count(); n != 0 {
				t.Errorf("%d failures: %v", n, report.Failures.Err())
			}
		})
	}
}

func TestAWatchToleratesWhatANodeThatIsDownMayDo(t *testing.T) {
	honest, down, ledger := twoNodes(t)
	down.down.Store(true)
	down.visit = status(http.StatusServiceUnavailable, "Retry-After: 1")
	o := WatchOptions{Ledger: ledger, Endpoints: endpoints(honest, down)}
	report := watchUntil(t, o, func(r WatchReport) bool { return r.Refused > 10 })
	down.Close()
	again := watchUntil(t, o, func(r WatchReport) bool { return r.Refused > 10 })
	for _, r := range []WatchReport{report, again} {
		if r.Failures.Count() != 0 || r.Violations.Count() != 0 || r.Right == 0 {
			t.Errorf("%s: %v %v", r, r.Failures.Err(), r.Violations.Err())
		}
	}
}

func TestAWatchFindsAServingNodeThatDoesNotRedirect(t *testing.T) {
	t.Run("503 for a settled link", func(t *testing.T) {
		honest, weak, ledger := twoNodes(t)
		weak.visit = status(http.StatusServiceUnavailable, "Retry-After: 1")
		o := WatchOptions{Ledger: ledger, Endpoints: endpoints(honest, weak), Settle: time.Nanosecond}
		watchUntil(t, o, func(r WatchReport) bool { return r.Failures.Count() > 0 })
	})
	t.Run("503 for a young link is only counted", func(t *testing.T) {
		honest, weak, ledger := twoNodes(t)
		weak.visit = status(http.StatusServiceUnavailable, "Retry-After: 1")
		o := WatchOptions{Ledger: ledger, Endpoints: endpoints(honest, weak), Settle: time.Hour}
		if r := watchUntil(t, o, func(r WatchReport) bool { return r.Young > 0 }); r.Failures.Count() != 0 {
			t.Error(r.Failures.Err())
		}
	})
	t.Run("no answer", func(t *testing.T) {
		honest, dead, ledger := twoNodes(t)
		dead.Close()
		o := WatchOptions{Ledger: ledger, Endpoints: endpoints(honest, dead)}
		watchUntil(t, o, func(r WatchReport) bool { return r.Failures.Count() > 0 })
	})
	t.Run("unless it was restarted meanwhile", func(t *testing.T) {
		honest, flaky, ledger := twoNodes(t)
		flaky.visit = func(w http.ResponseWriter, _, _ string) bool {
			flaky.stretch.Add(1)
			return status(http.StatusServiceUnavailable, "Retry-After: 1")(w, "", "")
		}
		o := WatchOptions{Ledger: ledger, Endpoints: endpoints(honest, flaky), Settle: time.Nanosecond, Clients: 1}
		if r := watchUntil(t, o, func(r WatchReport) bool { return r.Refused > 10 }); r.Failures.Count() != 0 {
			t.Error(r.Failures.Err())
		}
	})
}
