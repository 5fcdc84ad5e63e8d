package harness

import (
	"strings"
	"testing"
)

func TestFindingsKeepTheFirstAndCountTheRest(t *testing.T) {
	var f Findings
	if f.Err() != nil {
		t.Fatal("an empty collection is an error")
	}
	for i := range 25 {
		f.Add("number %d", i)
	}
	err := f.Err()
	if f.Count() != 25 || !strings.Contains(err.Error(), "number 19") || strings.Contains(err.Error(), "number 20") ||
		!strings.Contains(err.Error(), "and 5 more") {
		t.Fatalf("%d findings: %v", f.Count(), err)
	}
}
