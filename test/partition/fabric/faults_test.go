//go:build linux

package fabric

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// aMoment is how long nothing must come where nothing may.
const aMoment = 150 * time.Millisecond

func TestDelayIsOfOneDirection(t *testing.T) {
	f, _, _, conn := two(t)
	f.Set("a", "b", Quality{Delay: 200 * time.Millisecond})
	f.Set("b", "a", Quality{Delay: 50 * time.Millisecond})
	if took := roundTrip(t, conn); took < 250*time.Millisecond {
		t.Errorf("a round trip of 200 ms and 50 ms took %v", took)
	}
	f.Set("a", "b", Quality{})
	quickest := within
	for range 5 {
		quickest = min(quickest, roundTrip(t, conn))
	}
	if quickest < 50*time.Millisecond || quickest >= 250*time.Millisecond {
		t.Errorf("with 50 ms on the way back alone it took %v", quickest)
	}
	there, back := f.Counters("a", "b"), f.Counters("b", "a")
	if there.Delayed != 1 || back.Delayed != 6 {
		t.Errorf("%d frames were delayed there and %d back, not 1 and 6", there.Delayed, back.Delayed)
	}
}

func TestJitterVariesTheDelay(t *testing.T) {
	f, _, _, conn := two(t)
	f.Set("a", "b", Quality{Delay: 10 * time.Millisecond, Jitter: 40 * time.Millisecond})
	shortest, longest := within, time.Duration(0)
	for range 10 {
		took := roundTrip(t, conn)
		shortest, longest = min(shortest, took), max(longest, took)
	}
	if shortest < 10*time.Millisecond || longest-shortest < 5*time.Millisecond {
		t.Errorf("round trips took from %v to %v", shortest, longest)
	}
}

// The chances are given by the seed, so the count is always the same.
func TestLossIsByChance(t *testing.T) {
	const count = 200 // as many as a receiving socket has room for
	lost := func(seed uint64) uint64 {
		f := NewSeeded(t, seed)
		a, b := f.Host("a"), f.Host("b")
		in := listenPacket(t, b, 9)
		out := connect(t, a, "udp4", b.IP(), 9)
		f.Set("a", "b", Quality{Loss: 0.3})
		sendNumbered(t, out, count)
		waitFor(t, "all frames", func() bool { c := f.Counters("a", "b"); return c.Passed+c.Dropped == count })
		got := receiveNumbered(t, in, int(f.Counters("a", "b").Passed))
		slices.Sort(got)
		if passed := len(got); len(slices.Compact(got)) != passed {
			t.Error("what is not lost comes once")
		}
		return f.Counters("a", "b").Dropped
	}
	first, second := lost(5), lost(5)
	if first != second {
		t.Errorf("with one seed %d and %d of %d were lost", first, second, count)
	}
	if first < 30 || first > 90 {
		t.Errorf("%d of %d were lost with a chance of 0.3", first, count)
	}
}

func TestACutIsOfOneDirectionAndSilent(t *testing.T) {
	f, a, b, conn := two(t)
	echo(t, a, 7)
	in := listenPacket(t, b, 9)
	out := connect(t, a, "udp4", b.IP(), 9)
	f.Set("b", "a", Quality{Cut: true})
	sendNumbered(t, out, 1)
	receiveNumbered(t, in, 1)
	if answered(t, conn, aMoment) {
		t.Error("an answer came through the cut")
	}
	third := connect(t, f.Host("c"), "udp4", b.IP(), 7)
	roundTrip(t, third)
	if c := f.Counters("b", "a"); c.Dropped == 0 {
		t.Errorf("from b to a: %v", c)
	}
	f.Heal()
	roundTrip(t, conn)
	roundTrip(t, connect(t, b, "udp4", a.IP(), 7))
}

func TestAPortIsCutAlone(t *testing.T) {
	f, a, b, conn := two(t)
	echo(t, b, 8)
	echoStream(t, b, 7) // TCP and UDP of one number
	other := connect(t, a, "udp4", b.IP(), 8)
	stream := connect(t, a, "tcp4", b.IP(), 7)
	f.SetPort("a", "b", 7, Quality{Cut: true})
	if answered(t, conn, aMoment) {
		t.Error("an answer came from the port that is cut")
	}
	roundTrip(t, other)
	if answered(t, stream, aMoment) {
		t.Error("an answer came from the TCP port that is cut")
	}
	f.Set("a", "b", Quality{Cut: true})
	f.SetPort("a", "b", 7, Quality{})
	roundTrip(t, conn)
	if !hears(t, stream, within) {
		t.Error("TCP does not go on when its port is spared")
	}
	if answered(t, other, aMoment) {
		t.Error("an answer came from a port that is not spared")
	}
}

// Answers come from the port, so the rule of the way back is that of the source port.
func TestAPortIsCutOnTheWayBack(t *testing.T) {
	f, a, b, conn := two(t)
	echo(t, b, 8)
	f.SetPort("b", "a", 7, Quality{Cut: true})
	if answered(t, conn, aMoment) {
		t.Error("an answer came from the port that is cut")
	}
	roundTrip(t, connect(t, a, "udp4", b.IP(), 8))
}

func TestDuplicates(t *testing.T) {
	f, a, b, _ := two(t)
	in := listenPacket(t, b, 9)
	out := connect(t, a, "udp4", b.IP(), 9)
	f.Set("a", "b", Quality{Duplicate: 0.5})
	const count = 100
	sendNumbered(t, out, count)
	waitFor(t, "all frames", func() bool { c := f.Counters("a", "b"); return c.Passed == count+1+c.Duplicated })
	c := f.Counters("a", "b")
	got := receiveNumbered(t, in, count+int(c.Duplicated))
	slices.Sort(got)
	if single := slices.Compact(slices.Clone(got)); len(single) != count || c.Duplicated < count/4 || c.Duplicated > count*3/4 {
		t.Errorf("%d of %d different ones came: %v", len(single), count, c)
	}
}

func TestFramesThatAreHeldBackAreOvertaken(t *testing.T) {
	f, a, b, _ := two(t)
	in := listenPacket(t, b, 9)
	out := connect(t, a, "udp4", b.IP(), 9)
	for _, q := range []Quality{{Reorder: 0.2}, {Reorder: 0.2, Delay: 30 * time.Millisecond}} {
		before := f.Counters("a", "b").Reordered
		f.Set("a", "b", q)
		const count = 200
		sendNumbered(t, out, count)
		got := receiveNumbered(t, in, count)
		if slices.IsSorted(got) || f.Counters("a", "b").Reordered == before {
			t.Errorf("with %+v all came in order: %v", q, f.Counters("a", "b"))
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != count {
			t.Errorf("with %+v only %d came", q, len(got))
		}
	}
}

func TestTCPCarriesEverythingThroughALossyLine(t *testing.T) {
	f := New(t)
	a, b := f.Host("a"), f.Host("b")
	echoStream(t, b, 80)
	bad := Quality{Loss: 0.1, Duplicate: 0.05, Reorder: 0.05, Delay: time.Millisecond, Jitter: time.Millisecond}
	f.Set("a", "b", bad)
	f.Set("b", "a", bad)
	sent := make([]byte, 2<<20)
	chance := rand.NewChaCha8([32]byte{1})
	chance.Read(sent)
	conn := connect(t, a, "tcp4", b.IP(), 80)
	conn.SetDeadline(time.Now().Add(within))
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(sent)
		wrote <- err
	}()
	got := make([]byte, len(sent))
	_, err := io.ReadFull(conn, got)
	if w := <-wrote; err != nil || w != nil {
		t.Fatalf("read: %v, write: %v; %v", err, w, f.Counters("a", "b"))
	}
	if !bytes.Equal(got, sent) {
		t.Error("other bytes came back")
	}
	if c := f.Counters("a", "b"); c.Dropped == 0 || c.Duplicated == 0 || c.Reordered == 0 {
		t.Errorf("nothing went wrong on the way: %v", c)
	}
}

// waitFor waits until a count is reached that a goroutine of the switch has yet to count.
func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}
