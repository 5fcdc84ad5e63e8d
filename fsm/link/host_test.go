package link

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHostsHaveOneSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":             "example.com",
		"EXAMPLE.com.":            "example.com",
		"bücher.example":          "xn--bcher-kva.example",
		"XN--BCHER-KVA.example":   "xn--bcher-kva.example",
		"b%C3%BCcher.example":     "xn--bcher-kva.example",
		"my_host":                 "my_host",
		"10.0.0.1":                "10.0.0.1",
		"[2001:DB8:0:0:0:0:0:1]":  "[2001:db8::1]",
		"a.b.c.d.e.f.g.h.i.j.k.l": "a.b.c.d.e.f.g.h.i.j.k.l",
	} {
		got, err := ParseHost(in)
		if err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
		if again, err := ParseHost(got); err != nil || again != got {
			t.Errorf("%q is spelled %q when asked again, %v", got, again, err)
		}
	}
}

// The spellings of an address are those of the URL standard, which all browsers take.
func TestAnAddressHasOneSpellingHoweverItIsWritten(t *testing.T) {
	const want = "203.0.113.9"
	for _, in := range []string{
		"203.0.113.9", "203.0.113.9.", "3405803785", "3405803785.", "0xcb.0.113.9", "0XCB.0x0.0X71.0x9", "0xcb007109", "0313.0.0161.011",
		"0000313.0.113.9", "031300070411", "203.0.28937", "203.28937", "203.0.0x7109", "２０３.0.113.9", "203%2E0.113.9", "203。0。113。9",
		"[::ffff:203.0.113.9]", "[::ffff:cb00:7109]", "[0:0:0:0:0:FFFF:cb00:7109]", "203.0x.113.9", "203.00.113.011",
	} {
		if got, err := ParseHost(in); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
		target, err := ParseTarget("http://"+in+"/", TargetRules{})
		if err != nil || target != Target("http://"+in+"/") || HostOf(target) != want {
			t.Errorf("the target with %q is %q, %v", in, target, err)
		}
	}
	for in, want := range map[string]string{
		"0": "0.0.0.0", "0x": "0.0.0.0", "00": "0.0.0.0", "4294967295": "255.255.255.255", "1.2.65535": "1.2.255.255", "1.16777215": "1.255.255.255",
		"example.0xg": "example.0xg", "1.2.3.4a": "1.2.3.4a", "1.2.3.x": "1.2.3.x", "0x1.example": "0x1.example", "1.example": "1.example",
		"[64:ff9b::203.0.113.9]": "[64:ff9b::cb00:7109]", "[::203.0.113.9]": "[::cb00:7109]",
	} {
		if got, err := ParseHost(in); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWhatIsNoHostIsRefused(t *testing.T) {
	for _, in := range []string{
		"", ".", "..", ".example.com", "example.com:80", "http://example.com", "example.com/", "a b", "a\x00b", "user@example.com",
		"[::1", "[::1]:80", "[fe80::1%25eth0]", "[1.2.3.4]", "::1", "%zz", "a?b", "\xff",
		"a..b", "evil.com..", "evil.com%2E.", "a.\u00ad.b", "\u00ad", "bücher..example", "1.2.3.4..", "1.2.3.4.5", "256.0.0.1", "1.256.0.1", "1.2.3.256",
		"1.2.65536", "1.16777216", "4294967296", "99999999999999999999999", "0xffffffffffffffffff", "09", "1.2.3.08", "a.1", "1.a.1", "example.0x1", "0x.0xg.1",
	} {
		if got, err := ParseHost(in); !errors.Is(err, ErrInvalidField) {
			t.Errorf("%q is host %q, %v", in, got, err)
		}
	}
}

func TestTheHostOfATargetIsWithoutTheRest(t *testing.T) {
	for in, want := range map[Target]string{
		"http://example.com":                          "example.com",
		"HTTPS://User:Pass@EXAMPLE.com.:8443/a@b?c#d": "example.com",
		"https://bücher.example#x":                    "xn--bcher-kva.example",
		"http://[2001:db8::0:1]:80/":                  "[2001:db8::1]",
		"http://a%2Eexample/":                         "a.example",
		"":                                            "",
		"mailto:somebody@example.com":                 "",
		"http://":                                     "",
		"http://example.com:port/":                    "",
		Target("http://" + strings.Repeat("a.", 3000) + "b/"): strings.Repeat("a.", 3000) + "b",
	} {
		if got := HostOf(in); got != want {
			t.Errorf("the host of %.40q is %.40q, want %.40q", in, got, want)
		}
	}
}

// Every target that is taken has a host, which can be denied.
func TestEveryTargetHasAHost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target, err := ParseTarget("http://"+rapid.String().Draw(t, "rest"), TargetRules{})
		if err != nil {
			return
		}
		host := HostOf(target)
		if _, err := ParseHost(host); err != nil || host == "" {
			t.Fatalf("%q has host %q, %v", target, host, err)
		}
	})
}

// What hosts are compared by is spelled as itself, so that it does not matter how often a host was spelled.
func FuzzSpelledHosts(f *testing.F) {
	for _, s := range []string{"Example.COM.", "0xcb.0.113.9", "[::ffff:1.2.3.4]", "xn--bcher-kva", "ß.example", "a%2e.b", "a。b", "xn--a-", "①.②", "1.\u00ad", "ev\u00adil", "0x1%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		spelled, err := comparableHost(host)
		if err != nil {
			return
		}
		if again, err := comparableHost(spelled); err != nil || again != spelled {
			t.Fatalf("%q is spelled %q, and that %q, %v", host, spelled, again, err)
		}
	})
}

func BenchmarkHostOf(b *testing.B) {
	for _, target := range []Target{"https://www.example.com/some/path?with=query", "http://203.0.113.9/", "http://3405803785/", "https://bücher.example/"} {
		b.Run(string(target), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = HostOf(target)
			}
		})
	}
}
