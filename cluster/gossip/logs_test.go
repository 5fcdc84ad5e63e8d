package gossip

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func TestEngineLinesGetLevelsAndHints(t *testing.T) {
	logs := &logBuffer{}
	w := engineLog{newQuietLogger(logs.logger(), time.Now)}
	for _, line := range []string{
		"[DEBUG] memberlist: invisible\n",
		"[INFO] memberlist: plain\n",
		"[WARN] memberlist: warned from=10.0.0.1:5555\n",
		"[WARN] memberlist: warned from=10.0.0.1:6666\n",
		"[ERR] memberlist: Decrypt packet failed: no installed keys could decrypt the message from=10.0.0.1:1\n",
		"[WARN] memberlist: Got ping for unexpected node 'x' from=10.0.0.1:1\n",
	} {
		if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	got := logs.String()
	for text, count := range map[string]int{
		"invisible":                      0,
		"unexpected":                     0,
		`level=INFO msg="gossip: plain"`: 1,
		`level=WARN msg="gossip: warned" from=10.0.0.1`: 1,
		"level=ERROR": 1,
		`from=10.0.0.1 hint="the other side holds another cluster secret"`: 1,
	} {
		if n := strings.Count(got, text); n != count {
			t.Errorf("%d times %q, want %d, in:\n%s", n, text, count, got)
		}
	}
}

func TestALineIsSaidAgainAfterAWhile(t *testing.T) {
	logs := &logBuffer{}
	clock := time.Unix(1000, 0)
	q := newQuietLogger(logs.logger(), func() time.Time { return clock })
	for range 3 {
		q.Warn("trouble", "addr", "a")
		q.Warn("trouble", "addr", "b")
	}
	if n := strings.Count(logs.String(), "trouble"); n != 2 {
		t.Errorf("%d lines about two troubles", n)
	}
	clock = clock.Add(quietFor)
	q.Warn("trouble", "addr", "a")
	if n := strings.Count(logs.String(), "trouble"); n != 3 {
		t.Errorf("%d lines after the quiet time, want 3", n)
	}
	for i := range 10 * maxQuiet {
		q.Warn("trouble", "number", i)
	}
	if len(q.said) > maxQuiet {
		t.Errorf("%d lines remembered, want at most %d", len(q.said), maxQuiet)
	}
	q.Warn("trouble", "addr", "a")
	if n := strings.Count(logs.String(), "trouble"); n > maxQuiet+2 {
		t.Errorf("%d lines about ever other troubles, want at most %d within the quiet time", n, maxQuiet)
	}
	clock = clock.Add(quietFor)
	q.Warn("afterwards")
	if !strings.Contains(logs.String(), "afterwards") {
		t.Error("silent for ever after too much was said")
	}
}

func TestMembersAreCountedByStatus(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	start(t, 1, 1, func(c *Config) { c.Registerer = registry })
	families, err := registry.Gather()
	if err != nil || len(families) != 3 {
		t.Fatalf("gathered %v, %v", families, err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) != 0 {
		t.Errorf("metric lint: %v, %v", problems, err)
	}
	for _, f := range families {
		if f.GetName() == "tinyurl_gossip_members" && len(f.Metric) != 3 {
			t.Errorf("%d states counted, want 3", len(f.Metric))
		}
	}
}
