package visits

import (
	"errors"
	"testing"
	"time"

	"tinyurl/test/bubble"
)

// life is a run of a recorder that is down, or not, and sees a visit of a link.
func life(t *testing.T, sink *fakeSink, spool *kept, code string, down bool) {
	t.Helper()
	sink.set(down, 0)
	r := newRecorder(t, sink, spool)
	r.Record(person(code, 302))
	time.Sleep(3 * sendEvery / 2)
	closed(t, r)
}

func TestWhatWasKeptWithoutAMarkIsCountedOnceThroughCrashes(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink, spool := newSink(), &kept{}
		life(t, sink, spool, "a", true)
		for range 3 {
			// It is counted, and the node dies before it hears of it.
			sink.set(false, 1)
			r := newRecorder(t, sink, spool)
			time.Sleep(3 * sendEvery / 2)
			atCrash, _ := spool.Load()
			sink.set(true, 0)
			closed(t, r)
			_ = spool.Keep(atCrash)
		}
		life(t, sink, spool, "b", false)
		if got, want := sink.said(), "1:2+0 3a:1+0 3b:1+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
	})
}

func TestAFlushThatFailsLosesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink := newSink()
		r := newRecorder(t, sink, &kept{})
		for _, code := range []string{"a", "b", "c"} {
			sink.set(true, 0)
			r.Record(person(code, 302))
			if err := r.Flush(t.Context()); !errors.Is(err, errDown) {
				t.Errorf("flush: %v, want %v", err, errDown)
			}
			r.Record(person(code, 302))
			time.Sleep(sendEvery / 4)
		}
		sink.set(false, 0)
		closed(t, r)
		if got, want := sink.said(), "1:6+0 3a:2+0 3b:2+0 3c:2+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
	})
}

func TestStopsOneAfterTheOtherLoseNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink, spool := newSink(), &kept{}
		life(t, sink, spool, "a", true)
		// This one begins, and then nobody hears it any more.
		sink.set(false, 1000)
		r := newRecorder(t, sink, spool)
		r.Record(person("b", 302))
		time.Sleep(5 * sendEvery)
		sink.set(true, 0)
		r.Record(person("c", 302))
		closed(t, r)
		life(t, sink, spool, "d", true)
		life(t, sink, spool, "e", false)
		if got, want := sink.said(), "1:5+0 3a:1+0 3b:1+0 3c:1+0 3d:1+0 3e:1+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		if len(spool.bytes) > 0 {
			t.Error("something is still kept")
		}
	})
}

func TestVisitsWaitWhileTheirMarkCannotBeKept(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink, spool := newSink(), &kept{}
		life(t, sink, spool, "a", true)
		sink.set(false, 0)
		r := newRecorder(t, sink, spool)
		spool.fail(errDown)
		time.Sleep(3 * sendEvery)
		if n := sink.commands(); n > 0 {
			t.Errorf("%d commands were sent under a mark that nobody kept", n)
		}
		spool.fail(nil)
		time.Sleep(2 * sendEvery)
		closed(t, r)
		if got, want := sink.said(), "1:1+0 3a:1+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
	})
}
