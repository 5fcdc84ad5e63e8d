package visits

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tinyurl/api/redirect"
	"tinyurl/api/visits/event"
	"tinyurl/fsm/link"
	"tinyurl/fsm/visit"
	"tinyurl/test/bubble"
)

// fakeSink counts what it is sent, as the state machine does.
type fakeSink struct {
	mu      sync.Mutex
	boot    uint64
	counted map[visit.Subject]visit.Stats
	marks   []Mark // of all that was counted, in order
	tags    map[string][]string
	// lost is how many answers to come are lost: the tallies are counted, and nobody is told.
	lost int
	// down refuses everything.
	down bool
}

var errDown = errors.New("nobody leads")

func newSink() *fakeSink {
	return &fakeSink{boot: 5, counted: make(map[visit.Subject]visit.Stats), tags: map[string][]string{}}
}

func (f *fakeSink) Begin(context.Context) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return 0, errDown
	}
	if n := len(f.marks); n > 0 {
		return max(f.boot, f.marks[n-1].Boot+1), nil
	}
	return f.boot, nil
}

func (f *fakeSink) Send(_ context.Context, m Mark, tallies []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return errDown
	}
	if n := len(f.marks); n == 0 || f.marks[n-1].Boot < m.Boot || f.marks[n-1].Boot == m.Boot && f.marks[n-1].Sequence < m.Sequence {
		parsed, err := visit.ParseTallies(tallies)
		if err != nil {
			return err
		}
		f.marks = append(f.marks, m)
		for _, t := range parsed {
			f.counted[t.Subject] = f.counted[t.Subject].Merge(t.Stats)
		}
	}
	if f.lost > 0 {
		f.lost--
		return errDown
	}
	return nil
}

func (f *fakeSink) Tags(codes []string) [][]string {
	if len(f.tags) == 0 {
		return nil
	}
	found := make([][]string, len(codes))
	for i, code := range codes {
		found[i] = f.tags[code]
	}
	return found
}

func (f *fakeSink) set(down bool, lost int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.lost = down, lost
}

// commands is how many were counted.
func (f *fakeSink) commands() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.marks)
}

// said gives what was counted, by subject.
func (f *fakeSink) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, of := range slices.SortedFunc(maps.Keys(f.counted), visit.Subject.Compare) {
		s := f.counted[of]
		lines = append(lines, fmt.Sprintf("%d%s:%d+%d", of.Kind, of.Name, s.Humans, s.Bots))
	}
	return strings.Join(lines, " ")
}

// kept is a Spool in memory.
type kept struct {
	mu    sync.Mutex
	bytes []byte
	err   error
}

func (k *kept) Load() ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.bytes, k.err
}

func (k *kept) Keep(b []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.bytes = b
	}
	return k.err
}

// fail has it answer with an error.
func (k *kept) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"

func person(code string, status int) redirect.Visited {
	v := redirect.Visited{
		Code: link.Code(code), Target: "https://example.com/", Status: status, Agent: firefox, Referrer: "https://News.example:8443/a?b", Language: "de-CH,de;q=0.9",
		Address: netip.MustParseAddr("192.0.2.1"),
	}
	return v
}

// newRecorder makes one in a bubble.
func newRecorder(t *testing.T, sink Sink, spool Spool, change ...func(*Config)) *Recorder {
	t.Helper()
	c := Config{Sink: sink, Spool: spool, Salt: func(day visit.Day) [16]byte { return [16]byte{byte(day)} }}
	for _, do := range change {
		do(&c)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closed(t *testing.T, r *Recorder) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestVisitsAreCountedWithinASecond(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink := newSink()
		sink.tags["b"] = []string{"t", "u"}
		r := newRecorder(t, sink, &kept{}, func(c *Config) { c.Country = func(netip.Addr) string { return "CH" } })
		for range 3 {
			r.Record(person("a", 302))
		}
		r.Record(person("b", 301))
		bot := person("a", 302)
		bot.Agent = "Googlebot/2.1"
		r.Record(bot)
		ahead := person("a", 302)
		ahead.Automatic = true
		r.Record(ahead)
		r.Record(person("nothing", 404))
		time.Sleep(sendEvery)
		synctest.Wait()
		if got, want := sink.said(), "1:4+2 2:1+0 3a:3+2 3b:1+0 4t:1+0 4u:1+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		closed(t, r)
		s := sink.counted[visit.Subject{Kind: visit.OfAll}]
		for d, want := range map[visit.Dimension]string{
			visit.Referrer: "[{news.example 4}]", visit.Country: "[{CH 4}]", visit.Browser: "[{Firefox 4}]", visit.System: "[{Linux 4}]",
			visit.Device: "[{desktop 4}]", visit.Language: "[{de 4}]", visit.Status: "[{301 1} {302 3}]", visit.Code: "[]",
		} {
			if got := fmt.Sprint(s.Lists[d].Entries); got != want {
				t.Errorf("%v: %s, want %s", d, got, want)
			}
		}
		if got := s.Visitors.Estimate(); got != 1 {
			t.Errorf("%d visitors, want 1", got)
		}
		orphans := sink.counted[visit.Subject{Kind: visit.OfOrphans}]
		if got := fmt.Sprint(orphans.Lists[visit.Code].Entries, orphans.Lists[visit.Status].Entries); got != "[{nothing 1}] [{404 1}]" {
			t.Errorf("orphans: %s", got)
		}
	})
}

func TestAnswersThatAreLostCountNothingTwice(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink := newSink()
		r := newRecorder(t, sink, &kept{})
		sink.set(false, 3)
		for range 10 {
			r.Record(person("a", 302))
			time.Sleep(sendEvery)
		}
		closed(t, r)
		if got, want := sink.said(), "1:10+0 3a:10+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
	})
}

func TestWhatAStopCannotSendTheNextStartSends(t *testing.T) {
	for name, before := range map[string]func(*fakeSink){
		"nobody ever led":        func(f *fakeSink) { f.set(true, 0) },
		"an answer was lost":     func(f *fakeSink) { f.set(false, 1) },
		"the leader went away":   func(*fakeSink) {},
		"many answers were lost": func(f *fakeSink) { f.set(false, 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				sink, spool := newSink(), &kept{}
				r := newRecorder(t, sink, spool)
				before(sink)
				r.Record(person("a", 302))
				time.Sleep(sendEvery + sendEvery/2)
				r.Record(person("a", 302))
				r.Record(person("b", 302))
				time.Sleep(sendEvery / 4)
				r.Record(person("c", 302))
				sink.set(true, 0)
				closed(t, r)
				if len(spool.bytes) == 0 {
					t.Fatal("nothing was kept")
				}
				again := newRecorder(t, sink, spool)
				again.Record(person("d", 302))
				time.Sleep(2 * sendEvery)
				sink.set(false, 0)
				time.Sleep(20 * sendEvery)
				closed(t, again)
				if got, want := sink.said(), "1:5+0 3a:2+0 3b:1+0 3c:1+0 3d:1+0"; got != want {
					t.Errorf("counted %q, want %q", got, want)
				}
				if len(spool.bytes) > 0 {
					t.Error("what was sent is still kept")
				}
			})
		})
	}
}

func TestAFlushSendsWhatIsThere(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink := newSink()
		r := newRecorder(t, sink, &kept{})
		r.Record(person("a", 302))
		if err := r.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if got, want := sink.said(), "1:1+0 3a:1+0"; got != want {
			t.Errorf("counted %q, want %q", got, want)
		}
		closed(t, r)
		if err := r.Flush(t.Context()); err != nil {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestWhatBuffersHaveNoRoomForIsDroppedAndCounted(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink := newSink()
		r := newRecorder(t, sink, &kept{})
		closed(t, r) // nobody takes any more
		const most = bufferCount * bufferRoom
		for range 2 * most {
			r.Record(person("a", 302))
		}
		if got := r.buffers.dropped.Load(); got < most {
			t.Errorf("%d were dropped, want %d or more", got, most)
		}
	})
}

func TestManyLinksTakeManyCommands(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		sink := newSink()
		r := newRecorder(t, sink, &kept{})
		const links = 7000
		for i := range links {
			r.Record(person(fmt.Sprintf("link-%d", i), 302))
		}
		time.Sleep(sendEvery)
		synctest.Wait()
		if n := sink.commands(); n != 1 {
			t.Errorf("%d commands in the first second, want 1", n)
		}
		time.Sleep(20 * sendEvery)
		synctest.Wait()
		closed(t, r)
		if len(sink.counted) != links+1 || sink.counted[visit.Subject{Kind: visit.OfAll}].Humans != links {
			t.Errorf("%d subjects, want %d", len(sink.counted), links+1)
		}
	})
}

func TestVisitsOfTwoHoursAreToldApart(t *testing.T) {
	c := newCounter(func(netip.Addr) string { return "" }, func(visit.Day) (salt [16]byte) { return salt })
	said := newTexts().of(firefox)
	for _, hour := range []visit.Hour{7, 7, 8, 7} { // and a clock that is put back
		c.add(hour, &seen{code: "a", agent: said, referrer: nothing, language: nothing, status: 302})
	}
	var got []string
	for _, tally := range c.take() {
		got = append(got, fmt.Sprintf("%d/%d:%d", tally.Hour, tally.Subject.Kind, tally.Stats.Humans))
	}
	if want := "7/1:3 7/3:3 8/1:1 8/3:1"; strings.Join(got, " ") != want {
		t.Errorf("counted %v, want %s", got, want)
	}
	if left := c.take(); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestVisitorsAreOthersEveryDay(t *testing.T) {
	c := newCounter(func(netip.Addr) string { return "" }, func(day visit.Day) [16]byte { return [16]byte{byte(day)} })
	one := &seen{agent: nothing, address: netip.MustParseAddr("192.0.2.1")}
	two := &seen{agent: nothing, address: netip.MustParseAddr("192.0.2.2")}
	visitor := func(hour visit.Hour, s *seen) uint64 {
		c.hour = hour
		return c.visitor(s)
	}
	if visitor(24, one) != visitor(25, one) {
		t.Error("an hour later it is somebody else")
	}
	if visitor(24, one) == visitor(24, two) {
		t.Error("two are one")
	}
	if visitor(24, one) == visitor(48, one) {
		t.Error("a day later it is the same")
	}
}

// told is a Listener.
type told struct {
	mu     sync.Mutex
	events []event.Event
}

func (l *told) Listened() bool { return true }

func (l *told) Publish(events []event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
}

func TestListenersAreToldOfEveryVisitAndNotOfAddresses(t *testing.T) {
	for _, addresses := range []bool{false, true} {
		bubble.Test(t, func(t *testing.T) {
			l := &told{}
			r := newRecorder(t, newSink(), &kept{}, func(c *Config) { c.Listeners, c.Addresses = []Listener{l}, addresses })
			r.Record(person("a", 302))
			r.Record(person("gone", 410))
			closed(t, r)
			if len(l.events) != 2 {
				t.Fatalf("%d events, want 2", len(l.events))
			}
			got := l.events[slices.IndexFunc(l.events, func(e event.Event) bool { return e.Code == "a" })]
			want := event.Event{
				Time: got.Time, Code: "a", Target: "https://example.com/", Status: 302, Referrer: "news.example", Browser: "Firefox", System: "Linux",
				Device: "desktop", Language: "de",
			}
			if addresses {
				want.Address = "192.0.2.1"
			}
			if got != want {
				t.Errorf("told %+v, want %+v", got, want)
			}
		})
	}
}

func TestTextsBecomeClasses(t *testing.T) {
	for said, want := range map[string]string{
		"https://example.com/a": "example.com", "http://EXAMPLE.com.:80": "example.com", "android-app://com.example": "", "no url": "", "https://[::1]/": "::1",
		"://": "", "": "",
	} {
		found := newTexts().of(said)
		found.learnReferrer()
		if found.value != want {
			t.Errorf("referrer %q is %q, want %q", said, found.value, want)
		}
	}
	for said, want := range map[string]string{"de": "de", "EN-us,en": "en", "*": "", " fil;q=1": "fil", "english": "", "e": "", "": ""} {
		found := newTexts().of(said)
		found.learnLanguage()
		if found.value != want {
			t.Errorf("language %q is %q, want %q", said, found.value, want)
		}
	}
	long := newTexts().of(strings.Repeat("x", 10*maxText))
	if len(long.said) != maxText {
		t.Errorf("%d bytes of a text are kept", len(long.said))
	}
}

func TestATextIsFoundAgainAndNotCopied(t *testing.T) {
	found := newTexts()
	said := []byte(firefox)
	first := found.of(string(said))
	if n := testing.AllocsPerRun(100, func() {
		if found.of(firefox) != first {
			t.Fatal("another text")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAKeptFileIsReadStrictly(t *testing.T) {
	parcels := []parcel{{Mark{1, 2}, []byte("abc")}, {Mark{}, nil}}
	good := encodeSpool(parcels)
	got, err := decodeSpool(good)
	if err != nil || len(got) != 2 || got[0].mark != parcels[0].mark || string(got[0].tallies) != "abc" || got[1].mark != (Mark{}) {
		t.Errorf("read %v, %v", got, err)
	}
	for n := 1; n < len(good); n++ {
		if _, err := decodeSpool(good[:n]); !errors.Is(err, errSpool) {
			t.Errorf("%d bytes of it: %v", n, err)
		}
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 4
		if _, err := decodeSpool(bad); !errors.Is(err, errSpool) {
			t.Errorf("a flipped bit in byte %d: %v", i, err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	bufs, agents := newBuffers(), newTexts()
	r := &Recorder{buffers: bufs, agents: agents, referrers: newTexts(), languages: newTexts()}
	c := newCounter(func(netip.Addr) string { return "" }, func(visit.Day) [16]byte { return [16]byte{} })
	visits := make([]redirect.Visited, 1000)
	for i := range visits {
		visits[i] = person(fmt.Sprint("link-", i*i%97), 302)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r.Record(visits[n%len(visits)])
		if n++; n%4096 == 0 {
			bufs.take(func(all []seen) {
				for i := range all {
					c.add(490_000, &all[i])
				}
			})
		}
	}
}
