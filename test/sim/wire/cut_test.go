package wire

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

const latency = 10 * time.Millisecond

func TestACutHoldsBytesBackUntilItHeals(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := pair(t, n)
		n.Set("a", "b", Quality{Cut: true})
		start := time.Now()
		write(t, a, "late")
		_ = b.SetReadDeadline(start.Add(5 * time.Second))
		wantError(t, b, os.ErrDeadlineExceeded)
		_ = b.SetReadDeadline(time.Time{})
		write(t, b, "back") // the other direction lives
		want(t, a, "back")

		n.Set("a", "b", Quality{Latency: latency})
		write(t, a, "r")
		want(t, b, "later")
		took(t, start, 6200*time.Millisecond+latency) // TCP tries again after 0.2, 0.6, 1.4, 3 and 6.2 seconds
		write(t, a, "and now")
		start = time.Now()
		want(t, b, "and now")
		took(t, start, latency)
	})
}

func TestWhatIsUnderWayWhenACutBeginsIsSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		exact(n, "a", "b", latency)
		a, b := pair(t, n)
		write(t, a, "arrived")
		time.Sleep(latency)
		write(t, a, "under way")
		_ = a.Close()
		start := time.Now()
		n.Set("a", "b", Quality{Cut: true})
		want(t, b, "arrived")
		time.AfterFunc(100*time.Millisecond, func() { n.Set("a", "b", Quality{}) })
		want(t, b, "under way")
		took(t, start, firstRetry)
		wantError(t, b, io.EOF)
	})
}

func TestBytesThatAreNotAcknowledgedBreakAStream(t *testing.T) {
	for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} { // bytes held back, and acknowledgements held back
		bubble(t, func(t *testing.T, n *Network) {
			n.SetPatience(Patience{Unacknowledged: 20 * time.Second})
			exact(n, "a", "b", latency)
			a, b := pair(t, n)
			n.Set(way[0], way[1], Quality{Cut: true})
			time.Sleep(time.Minute)
			start := time.Now()
			write(t, a, "anybody?")
			wantError(t, a, syscall.ETIMEDOUT)
			took(t, start, 20*time.Second)
			if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("write: %v", err)
			}
			// The other end hears nothing, loses its own patience with the silence, or is told once it can be.
			if way[1] == "a" {
				want(t, b, "anybody?")
			}
			_ = b.SetReadDeadline(time.Now().Add(10 * time.Second))
			wantError(t, b, os.ErrDeadlineExceeded)
			_ = b.SetReadDeadline(time.Time{})
			n.Heal()
			wantError(t, b, syscall.ECONNRESET)
			if s := n.Stats(); s.Timeouts != 1 || s.Resets != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestSilenceBreaksAStreamInTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		n.Set("a", "b", Quality{Cut: true})
		start := time.Now()
		wantError(t, a, syscall.ETIMEDOUT)
		took(t, start, DefaultKeepAlive)
		wantError(t, b, syscall.ETIMEDOUT)
		took(t, start, DefaultKeepAlive)
	})
}

func TestACutThatHealsInTimeBreaksNothing(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		for range 5 {
			n.Set("a", "b", Quality{Cut: true})
			n.Set("b", "a", Quality{Cut: true})
			write(t, a, "x")
			time.Sleep(DefaultUnacknowledged - 1)
			n.Heal()
			want(t, b, "x")
		}
		time.Sleep(time.Hour)
		write(t, a, "y")
		want(t, b, "y")
	})
}

func TestPatienceMayBeEndless(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		n.SetPatience(Patience{Unacknowledged: -1, KeepAlive: -1})
		a, b := pair(t, n)
		n.Set("a", "b", Quality{Cut: true})
		write(t, a, "x")
		time.Sleep(1000 * time.Hour)
		n.Heal()
		want(t, b, "x")
	})
}

func TestAWriterMeetsTheWindowOfACut(t *testing.T) {
	for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
		bubble(t, func(t *testing.T, n *Network) {
			a, b := pair(t, n)
			n.Set(way[0], way[1], Quality{Cut: true})
			go func() { _, _ = io.Copy(io.Discard, b) }()
			_ = a.SetWriteDeadline(time.Now().Add(time.Second))
			taken, err := a.Write(make([]byte, 2*window))
			if taken != window || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s to %s cut: %d bytes were taken, %v", way[0], way[1], taken, err)
			}
			n.Heal()
			_ = a.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := a.Write(make([]byte, window)); err != nil {
				t.Errorf("after the cut: %v", err)
			}
		})
	}
}

func TestTheEndOfAStreamIsHeldBackToo(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		a, b := pair(t, n)
		n.Set("a", "b", Quality{Cut: true})
		write(t, a, "bye")
		_ = a.Close()
		time.Sleep(10 * time.Second)
		n.Heal()
		want(t, b, "bye")
		wantError(t, b, io.EOF)
	})
}

func TestOnePortCanBeCut(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network) {
		listen(t, n.Host("b"), 7001)
		a, b := pair(t, n)
		other, err := n.Host("a").Dial(t.Context(), "tcp", "b:7001")
		if err != nil {
			t.Fatal(err)
		}
		n.SetPort("b", "a", testPort, Quality{Cut: true})
		write(t, a, "there")
		want(t, b, "there")
		write(t, b, "and not back")
		_ = a.SetReadDeadline(time.Now().Add(time.Second))
		wantError(t, a, os.ErrDeadlineExceeded)
		write(t, other, "on another port")
		n.Set("a", "b", Quality{Cut: true}) // what is said of a port stands, what is not said follows
		n.SetPort("a", "b", testPort, Quality{})
		write(t, a, "still")
		want(t, b, "still")
		n.Heal()
		_ = a.SetReadDeadline(time.Time{})
		want(t, a, "and not back")
	})
}
