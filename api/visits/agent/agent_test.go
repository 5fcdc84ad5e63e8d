package agent

import (
	"iter"
	"slices"
	"strings"
	"testing"
)

func TestBrowsersAreKnown(t *testing.T) {
	const wanted = 0.95
	all := slices.Concat(fromDesktops, fromHands, fromApps, fromRooms)
	right := 0
	for _, s := range all {
		want := Class{Browser: s.browser, System: s.system, Device: s.device}
		if got := Classify(s.agent); got == want {
			right++
		} else {
			t.Logf("%s:\n\t%+v, want\n\t%+v", s.agent, got, want)
		}
		if IsBot(s.agent) {
			t.Errorf("a person is taken for a bot: %s", s.agent)
		}
	}
	t.Logf("%d of %d browsers are known", right, len(all))
	if float64(right) < wanted*float64(len(all)) {
		t.Errorf("%d of %d browsers are known", right, len(all))
	}
}

func TestBotsAreTold(t *testing.T) {
	want := Class{Browser: other, System: other, Device: bot, Bot: true}
	for _, agent := range bots {
		if got := Classify(agent); got != want || !IsBot(agent) {
			t.Errorf("%q: %+v", agent, got)
		}
	}
	t.Logf("%d bots are told", len(bots))
}

func TestBotsAreToldFromWhatOnlySoundsLikeThem(t *testing.T) {
	for agent, want := range map[string]bool{
		"Bottle/0.13": false, "robotics": false, "bo": false, "b": false, "Cubot": false, "CUBOT X70": false, "Mozilla/5.0 (Linux; CUBOT)": false,
		"bot": true, "xbot": true, "ubot": true, "BOT/1": true, "a bot;": true, "bot2": true, "Cubot Googlebot": true,
		"a browser of curl": false, "Mozilla/5.0 (Java)": false,
		"c": false, " ": false, "\x00": false, "[Pinterest/Android]": false,
		strings.Repeat("x", maxRead) + "Googlebot":                    false,
		strings.Repeat("x", maxRead-len(" Googlebot")) + " Googlebot": true,
		strings.Repeat("x", maxRead-len("Googlebot")+1) + "Googlebot": false,
	} {
		if got := IsBot(agent); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
}

// TestEveryMarkIsFound would find one that is misspelt, or that never counts because one before it is part of it.
func TestEveryMarkIsFound(t *testing.T) {
	for name, x := range map[string]*index{
		"programs": &programs, "browsers": &browsers.marks, "systems": &systems.marks, "devices": &devices.marks,
	} {
		for e := range x.all() {
			for _, spelt := range []string{e.text, strings.ToUpper(e.text), "~~" + e.text, e.text + "~~"} {
				if place, found := x.first(spelt); !found || place != e.place {
					t.Errorf("%s: in %q entry %d is found before %d", name, spelt, place, e.place)
				}
			}
			if strings.ToLower(e.text) != e.text {
				t.Errorf("%s: %q is not in lower case", name, e.text)
			}
		}
	}
	for e := range clients.all() {
		if !clients.begins(e.text+"~") || !clients.begins(strings.ToUpper(e.text)) || clients.begins("~"+e.text) || clients.begins(e.text[:1]) {
			t.Errorf("%q is not found, or where it does not stand first", e.text)
		}
	}
}

// all are the entries of an index.
func (x *index) all() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for _, entries := range x.texts {
			for _, e := range entries {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// FuzzClassify compares with a plain search, and checks that what is said is one of few things.
func FuzzClassify(f *testing.F) {
	for _, s := range slices.Concat(fromDesktops[:3], fromHands[:3], fromApps[:3], fromRooms[:3]) {
		f.Add(s.agent)
	}
	for _, agent := range bots {
		f.Add(agent)
	}
	names := func(n *namer, rest string) []string { return append(slices.Clone(n.names), rest, other) }
	known := [...][]string{names(&browsers, other), names(&systems, other), append(names(&devices, otherDevice), bot)}
	f.Fuzz(func(t *testing.T, agent string) {
		c := Classify(agent)
		for i, name := range [...]string{c.Browser, c.System, c.Device} {
			if !slices.Contains(known[i], name) {
				t.Errorf("%q is none of ours", name)
			}
		}
		if c.Bot != IsBot(agent) || c.Bot != (c.Device == bot) {
			t.Errorf("%+v, and a bot: %v", c, IsBot(agent))
		}
		read := agent[:min(len(agent), maxRead)]
		if Classify(read) != c || Classify(read+"~") != c && len(read) == maxRead {
			t.Errorf("what is beyond %d bytes counts", maxRead)
		}
		for _, n := range []*namer{&browsers, &systems, &devices} {
			if got, want := n.name(read, "none"), search(n, read); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// search is namer.name as it would be without an index.
func search(n *namer, s string) string {
	folded := strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
	name, foremost := "none", len(n.names)
	for e := range n.marks.all() {
		if e.place < foremost && strings.Contains(folded, e.text) {
			name, foremost = n.names[e.place], e.place
		}
	}
	return name
}

func TestNothingIsAllocated(t *testing.T) {
	agent := windows + blink + "Chrome/137.0.0.0 Safari/537.36"
	if n := testing.AllocsPerRun(100, func() { Classify(agent) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// sink keeps the compiler from leaving out what is measured.
var sink Class

func BenchmarkIsBot(b *testing.B) {
	for name, agent := range map[string]string{
		"browser": windows + blink + "Chrome/137.0.0.0 Safari/537.36",
		"app":     fromApps[3].agent,
		"bot":     bots[0],
		"longest": strings.Repeat("Mozilla/5.0 ", maxRead),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink.Bot = IsBot(agent)
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	for name, agent := range map[string]string{
		"desktop": windows + blink + "Chrome/137.0.0.0 Safari/537.36",
		"iphone":  iphone + "Version/17.5 Mobile/15E148 Safari/604.1",
		"app":     fromApps[3].agent,
		"bot":     bots[0],
		"longest": strings.Repeat("Mozilla/5.0 ", maxRead),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = Classify(agent)
			}
		})
	}
}
