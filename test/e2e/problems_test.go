package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
)

// isCode reports whether err is a refusal with that code.
func isCode(err error, code v1.Code) bool { return errors.Is(err, code) }

// noLeader holds a refusal of a write against the contract: 503 no_leader with Retry-After, within 6 s.
func noLeader(err error, took time.Duration) error {
	var refusal *client.Error
	switch {
	case err == nil:
		return errors.New("it was accepted")
	case !errors.As(err, &refusal), refusal.Code != v1.NoLeader, refusal.Status != http.StatusServiceUnavailable:
		return fmt.Errorf("it was answered with %w", err)
	case refusal.RetryAfter == 0:
		return errors.New("there is no Retry-After")
	case took > 6*time.Second:
		return fmt.Errorf("it took %v", took)
	}
	return nil
}

// metric reads one figure of a node's /metrics: the sum of all series of that name.
func metric(t *testing.T, n *harness.Node, name string) float64 {
	t.Helper()
	response, err := http.Get(n.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum, found := 0.0, false
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		t.Fatalf("%s has no metric %s", n.Name(), name)
	}
	return sum
}
