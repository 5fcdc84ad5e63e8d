package fabric

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/test/bubble"
)

// bench is a direction in virtual time that writes down what comes out of it.
type bench struct {
	*direction
	began time.Time

	mu   sync.Mutex
	came []arrival
}

// arrival is a frame that came out, by its number.
type arrival struct {
	number int
	after  time.Duration // since the start
}

// onBench runs f in virtual time with a direction of that seed and quality.
func onBench(t *testing.T, seed uint64, q Quality, f func(*bench)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		b := &bench{began: time.Now()}
		l := newLine()
		b.direction = newDirection(seed, 1, 2, l, func(frame []byte) error {
			number := int(binary.BigEndian.Uint32(frame[vnetHeader:]))
			b.mu.Lock()
			defer b.mu.Unlock()
			b.came = append(b.came, arrival{number, time.Since(b.began)})
			return nil
		})
		b.rules.Store(&rules{all: q})
		f(b)
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
}

// sendAll sends frames with the numbers from 0 on, all at once, and waits until nothing is under way.
func (b *bench) sendAll(count int) {
	frame := make([]byte, vnetHeader+4)
	for n := range count {
		binary.BigEndian.PutUint32(frame[vnetHeader:], uint32(n))
		b.take(header{protocol: etherIPv4}, frame)
	}
	for b.held.Load() > 0 {
		time.Sleep(time.Second)
	}
	synctest.Wait()
}

func (b *bench) numbers() []int {
	var all []int
	for _, a := range b.came {
		all = append(all, a.number)
	}
	return all
}

func TestAFrameIsDelayedForItsTime(t *testing.T) {
	onBench(t, 1, Quality{Delay: 80 * time.Millisecond}, func(b *bench) {
		b.sendAll(10)
		if !slices.IsSorted(b.numbers()) || len(b.came) != 10 {
			t.Errorf("the order is %v", b.numbers())
		}
		for _, a := range b.came {
			if a.after != 80*time.Millisecond {
				t.Errorf("number %d came after %v", a.number, a.after)
			}
		}
	})
}

func TestJitterIsAddedAndKeepsTheOrder(t *testing.T) {
	onBench(t, 1, Quality{Delay: 10 * time.Millisecond, Jitter: 40 * time.Millisecond}, func(b *bench) {
		b.sendAll(100)
		if got := b.numbers(); !slices.IsSorted(got) || len(got) != 100 {
			t.Errorf("the order is %v", got)
		}
		first, last := b.came[0].after, b.came[99].after
		if first < 10*time.Millisecond || last > 50*time.Millisecond || last-first < 10*time.Millisecond {
			t.Errorf("the first came after %v, the last after %v", first, last)
		}
	})
}

func TestTheSeedGivesWhatIsLost(t *testing.T) {
	lossy := func(seed uint64) (came []int) {
		onBench(t, seed, Quality{Loss: 0.3}, func(b *bench) {
			b.sendAll(1000)
			came = b.numbers()
			if c := b.count.read(); int(c.Passed) != len(came) || int(c.Dropped) != 1000-len(came) {
				t.Errorf("%d came: %v", len(came), c)
			}
		})
		return came
	}
	first, again, other := lossy(1), lossy(1), lossy(2)
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Error("what is lost is not given by the seed alone")
	}
	if len(first) < 650 || len(first) > 750 || !slices.IsSorted(first) {
		t.Errorf("%d of 1000 came with a loss of 0.3", len(first))
	}
}

func TestADoubleIsTheSameTwice(t *testing.T) {
	onBench(t, 1, Quality{Duplicate: 0.5}, func(b *bench) {
		b.sendAll(1000)
		got := b.numbers()
		c := b.count.read()
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 1000 || len(got) != 1000+int(c.Duplicated) {
			t.Errorf("%d came: %v", len(got), c)
		}
		if c.Duplicated < 450 || c.Duplicated > 550 {
			t.Errorf("%d of 1000 were doubled with a chance of 0.5", c.Duplicated)
		}
	})
}

func TestWhatIsHeldBackIsOvertaken(t *testing.T) {
	for _, delay := range []time.Duration{0, 30 * time.Millisecond} {
		onBench(t, 1, Quality{Delay: delay, Reorder: 0.2}, func(b *bench) {
			b.sendAll(500)
			late := 0
			for _, a := range b.came {
				switch a.after {
				case delay:
				case delay + ReorderBy:
					late++
				default:
					t.Errorf("with a delay of %v number %d came after %v", delay, a.number, a.after)
				}
			}
			if c := b.count.read(); late < 60 || late > 140 || int(c.Reordered) != late || len(b.came) != 500 {
				t.Errorf("%d of 500 were late with a chance of 0.2: %v", late, c)
			}
		})
	}
}

func TestACutTakesWhatIsUnderWay(t *testing.T) {
	onBench(t, 1, Quality{Delay: time.Second}, func(b *bench) {
		time.AfterFunc(500*time.Millisecond, func() { b.rules.Store(&rules{all: Quality{Cut: true}}) })
		b.sendAll(10)
		if c := b.count.read(); len(b.came) != 0 || c.Dropped != 10 || c.Passed != 0 {
			t.Errorf("%d came: %v", len(b.came), c)
		}
	})
}

func TestAShorterDelayDoesNotHurryWhatIsUnderWay(t *testing.T) {
	onBench(t, 1, Quality{Delay: time.Second}, func(b *bench) {
		time.AfterFunc(500*time.Millisecond, func() {
			b.rules.Store(&rules{})
			b.take(header{protocol: etherIPv4}, binary.BigEndian.AppendUint32(make([]byte, vnetHeader), 99))
		})
		b.sendAll(1)
		want := []arrival{{99, 500 * time.Millisecond}, {0, time.Second}}
		if !slices.Equal(b.came, want) {
			t.Errorf("%v came, not %v", b.came, want)
		}
	})
}

func TestThereIsRoomForSoMuchUnderWay(t *testing.T) {
	onBench(t, 1, Quality{Delay: time.Hour}, func(b *bench) {
		frame := make([]byte, 64<<10)
		for range 1000 {
			b.take(header{protocol: etherIPv4}, frame)
		}
		c := b.count.read()
		held := c.Delayed * uint64(len(frame)+heldCost)
		if held > mostHeld || held < mostHeld-2*uint64(len(frame)) || c.Delayed+c.Overflowed != 1000 {
			t.Errorf("%d bytes are held: %v", held, c)
		}
		b.sendAll(0)
		if c := b.count.read(); c.Passed != c.Delayed {
			t.Errorf("not all that was held came: %v", c)
		}
	})
}

func TestARuleOfAPortGoesBeforeThatOfAll(t *testing.T) {
	cut, spared := Quality{Cut: true}, Quality{}
	from, to, other := header{source: 7000}, header{destination: 7000}, header{source: 7946, destination: 7946}
	r := &rules{}
	gossipOnly := r.with(7000, cut)
	allBut := (&rules{all: cut}).with(7000, spared)
	for _, c := range []struct {
		rules *rules
		h     header
		cut   bool
	}{
		{r, to, false},
		{gossipOnly, from, true},
		{gossipOnly, to, true},
		{gossipOnly, other, false},
		{gossipOnly, header{}, false},
		{allBut, from, false},
		{allBut, to, false},
		{allBut, other, true},
		{allBut, header{}, true},
	} {
		if got := c.rules.of(c.h).Cut; got != c.cut {
			t.Errorf("the rule of %+v for %+v: cut is %v", *c.rules, c.h, got)
		}
	}
}

func TestARPGoesRoundTheRules(t *testing.T) {
	onBench(t, 1, Quality{Cut: true}, func(b *bench) {
		b.take(header{protocol: etherARP}, make([]byte, vnetHeader+4))
		if len(b.came) != 1 || b.count.read() != (Counters{}) {
			t.Errorf("%d came: %v", len(b.came), b.count.read())
		}
	})
}

func TestAFullLinkLosesAndABrokenOneIsTold(t *testing.T) {
	for answer, broken := range map[error]bool{syscall.EAGAIN: false, syscall.ENOBUFS: false, syscall.EINVAL: true} {
		l := newLine()
		d := newDirection(1, 1, 2, l, func([]byte) error { return answer })
		d.take(header{protocol: etherIPv4}, make([]byte, vnetHeader+4))
		if err := l.close(); broken != errors.Is(err, answer) || broken == (d.count.read().Overflowed == 1) {
			t.Errorf("when a link answers %v: %v; %v", answer, err, d.count.read())
		}
	}
}
