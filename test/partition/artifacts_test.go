//go:build linux

package partition

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tinyurl/test/history"
	"tinyurl/test/judge"
)

// judged judges the history of a cluster and blames the rows in which the operations were. What failed is kept.
func judged(t *testing.T, w *world, h history.History, results []*Result, ends []time.Duration) {
	verdict := judge.JudgeWith(h, judge.Options{Writable: time.Duration(float64(acceptWithin) * w.slack)})
	for _, v := range verdict.Violations {
		blamed := rowAt(v, results, ends)
		blamed.Violations = append(blamed.Violations, v.Checker+": "+v.Text)
		t.Errorf("%s: judge, %s: %s %s", blamed.Row, v.Checker, v.Text, operations(v.Operations))
	}
	fmt.Printf("partition: %s: %d operations judged, %d violations", w.group.name, len(h.Operations), len(verdict.Violations))
	if len(verdict.Skipped) > 0 {
		fmt.Printf(", not judged: %s", strings.Join(verdict.Skipped, "; "))
	}
	fmt.Println()
	bad := false
	for _, r := range results {
		bad = bad || r.Bad()
	}
	if bad || os.Getenv(keepVariable) != "" {
		keep(t, w, h, results, verdict)
	}
}

// rowAt is the row in which the last of a violation's operations was sent; the last row if there is none.
func rowAt(v judge.Violation, results []*Result, ends []time.Duration) *Result {
	if n := len(v.Operations); n > 0 {
		for i, end := range ends {
			if v.Operations[n-1].At <= end {
				return results[i]
			}
		}
	}
	return results[len(results)-1]
}

// operations lists a few operations, one a line.
func operations(ops []history.Operation) string {
	var text strings.Builder
	for _, o := range ops {
		fmt.Fprintf(&text, "\n    [%d-%d at %v, took %v] client %d: %s %s %s on %s: %s %s %s", o.Call, o.Return, o.At.Round(time.Millisecond),
			o.Took.Round(time.Millisecond), o.Client, o.Kind, o.Code, o.Key, o.Node, o.Outcome, o.Target, o.Error)
	}
	return text.String()
}

// keep saves the history and the nodes' logs, and says how to go on.
func keep(t *testing.T, w *world, h history.History, results []*Result, verdict judge.Verdict) {
	root := os.Getenv(artifactsVariable)
	if root == "" {
		root = filepath.Join(os.TempDir(), "tinyurl-partition")
	}
	last := results[len(results)-1]
	name := strings.NewReplacer(" ", "-", "+", "-").Replace(fmt.Sprintf("%s-%s-%d-%d", w.group.name, last.Row, last.Seed, time.Now().Unix()))
	dir := filepath.Join(root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Error(err)
		return
	}
	path := filepath.Join(dir, "history.jsonl")
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(history.Write(file, h), file.Close())
	}
	if err != nil {
		t.Errorf("save the history: %v", err)
	}
	for _, v := range verdict.Violations {
		if v.Code != "" {
			draw(t, filepath.Join(dir, v.Code+".html"), h, v.Code)
		}
	}
	logs, _ := filepath.Glob(filepath.Join(w.cluster.Dir(), "*.log"))
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(log)), text, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
	var rows []string
	for _, r := range results {
		rows = append(rows, r.Row)
	}
	t.Logf("history and logs are in %s\n  judge again: go run ./test/check %s\n  run again:   make partition ROWS=%s SEED=%d  (after %s on one cluster)",
		dir, path, last.Row, last.Seed, strings.Join(rows[:len(rows)-1], ","))
}

// draw writes Porcupine's picture of what happened to one code.
func draw(t *testing.T, path string, h history.History, code string) {
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(judge.WriteHTML(file, h, code), file.Close())
	}
	if err != nil {
		t.Errorf("draw %s: %v", code, err)
	}
}

// end is the end of a log.
func end(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
