package ratelimit

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)

// wall is a clock that stands still.
type wall struct{ now time.Time }

func (w *wall) read() time.Time { return w.now }

func TestABucketHoldsItsBurstAndFillsAgain(t *testing.T) {
	clock := &wall{noon}
	b := New[string](PerSecond(5), 10, clock.read)
	for i := range 10 {
		want := State{Taken: true, Limit: 10, Remaining: 9 - i, Reset: time.Duration(i+1) * time.Second / 5}
		if i == 9 {
			want.Wait = time.Second / 5
		}
		if got := b.Take("k"); got != want {
			t.Fatalf("take %d: %+v, want %+v", i, got, want)
		}
	}
	for range 3 { // what is refused costs nothing
		if got, want := b.Take("k"), (State{Limit: 10, Reset: 2 * time.Second, Wait: time.Second / 5}); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	if !b.Take("other").Taken {
		t.Error("another key is refused")
	}
	clock.now = clock.now.Add(time.Second/5 - 1)
	if got := b.Take("k"); got.Taken || got.Wait != 1 {
		t.Errorf("a moment too early: %+v", got)
	}
	clock.now = clock.now.Add(1)
	if got := b.Take("k"); !got.Taken || got.Remaining != 0 {
		t.Errorf("in time: %+v", got)
	}
	clock.now = clock.now.Add(time.Hour)
	if got := b.Take("k"); got.Remaining != 9 {
		t.Errorf("after a rest: %+v", got)
	}
}

func TestWhatIsReturnedCanBeTakenAgain(t *testing.T) {
	b := New[string](Rate{Every: time.Second, Burst: 2}, 10, (&wall{noon}).read)
	for range 100 {
		if !b.Take("k").Taken {
			t.Fatal("refused")
		}
		b.Return("k")
	}
	b.Return("k") // more than was taken makes no bucket larger
	for i, want := range []bool{true, true, false} {
		if got := b.Take("k").Taken; got != want {
			t.Errorf("take %d: %v", i, got)
		}
	}
}

func TestAClockThatIsSetBackShutsNobodyOutForLong(t *testing.T) {
	clock := &wall{noon}
	b := New[string](Rate{Every: time.Second, Burst: 3}, 10, clock.read)
	for b.Take("k").Taken {
	}
	clock.now = noon.Add(-24 * time.Hour)
	if got := b.Take("k"); got.Taken || got.Wait > time.Second {
		t.Errorf("%+v", got)
	}
	clock.now = clock.now.Add(time.Second)
	if !b.Take("k").Taken {
		t.Error("still shut out")
	}
}

func TestRatesOutOfRangeAreTheNearestInRange(t *testing.T) {
	b := New[string](Rate{}, 1, (&wall{noon}).read)
	if got := b.Take("k"); !got.Taken || got.Limit != 1 || got.Wait != 1 {
		t.Errorf("%+v", got)
	}
}

// In no span of time are there more than the burst and what the span brings.
func TestNoSpanHasMoreThanItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := Rate{Every: time.Duration(rapid.IntRange(1, 1000).Draw(t, "every")), Burst: rapid.IntRange(1, 20).Draw(t, "burst")}
		clock := &wall{noon}
		b := New[int](rate, 1, clock.read)
		var taken []time.Time
		for range rapid.IntRange(1, 100).Draw(t, "takes") {
			clock.now = clock.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "pause")))
			s := b.Take(0)
			if s.Taken {
				taken = append(taken, clock.now)
			}
			if s.Remaining < 0 || s.Remaining >= s.Limit || s.Reset < 0 || (s.Wait > 0) != (s.Remaining == 0) || s.Wait > rate.Every {
				t.Fatalf("%+v", s)
			}
		}
		for i, from := range taken {
			for j, to := range taken[i:] {
				if share := rate.Burst + int(to.Sub(from)/rate.Every); j+1 > share {
					t.Fatalf("%d in %v of %+v", j+1, to.Sub(from), rate)
				}
			}
		}
	})
}

func TestManyAtOnceGetTheirShareTogether(t *testing.T) {
	b := New[string](PerSecond(50), 10, (&wall{noon}).read)
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if b.Take("k").Taken {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() != 100 {
		t.Errorf("%d taken, want 2 s of 50", taken.Load())
	}
}

func TestKeysAreForgottenBeforeTheyTakeTooMuch(t *testing.T) {
	b := New[netip.Addr](PerSecond(1), 1000, (&wall{noon}).read)
	first := netip.MustParseAddr("192.0.2.1")
	b.Take(first)
	from := netip.MustParseAddr("10.0.0.0")
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := memory()
	for range 200_000 {
		from = from.Next()
		b.Take(from)
	}
	if after := memory(); after > before+1000*500 {
		t.Errorf("200,000 addresses take %d bytes", after-before)
	}
	runtime.KeepAlive(b)
	if got := b.Take(first); got.Remaining != 1 {
		t.Errorf("an address of long ago is remembered: %+v", got)
	}
}

func TestLatestForgetsWhatWasUsedLongestAgo(t *testing.T) {
	l := NewLatest[string, int](2)
	*l.Of("a"), *l.Of("b") = 1, 2
	l.Of("a")
	*l.Of("c") = 3
	if *l.Of("a") != 1 || *l.Of("c") != 3 || *l.Of("b") != 0 {
		t.Error("the wrong one was forgotten")
	}
}

func TestOfIPv6ANetworkIsOneHousehold(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := Household(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s counts for %s, want %s", address, got, want)
		}
	}
	if got := Household(netip.Addr{}); got.IsValid() {
		t.Errorf("no address counts for %s", got)
	}
}
