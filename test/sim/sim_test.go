package sim

import (
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestTry(t *testing.T) {
	p := newPlan(1, 3, 2*time.Minute)
	t.Log(p)
	began := time.Now()
	var l lived
	synctest.Test(t, func(t *testing.T) {
		l = live(p, os.Stderr)
	})
	t.Log(time.Since(began), l.virtual, len(l.history.Operations), l.problems, l.faults)
}
