package bubble

import (
	"runtime"
	"testing"
	"time"
)

func TestTimeIsVirtual(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	Test(t, func(t *testing.T) {
		if got := runtime.GOMAXPROCS(0); raced && got != 1 {
			t.Errorf("within the bubble there are %d processors, want 1", got)
		}
		began := time.Now()
		time.Sleep(time.Hour)
		if took := time.Since(began); took != time.Hour {
			t.Errorf("an hour of sleep took %v", took)
		}
	})
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("after the bubble there are %d processors, want %d as before", got, before)
	}
}

func TestTheLastToLeaveGivesTheProcessorsBack(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	runtime.GOMAXPROCS(3)
	var n narrowing
	n.enter()
	n.enter()
	n.leave()
	if got := runtime.GOMAXPROCS(0); got != 1 {
		t.Errorf("with one still within: %d processors, want 1", got)
	}
	n.leave()
	if got := runtime.GOMAXPROCS(0); got != 3 {
		t.Errorf("with nobody within: %d processors, want 3", got)
	}
}
