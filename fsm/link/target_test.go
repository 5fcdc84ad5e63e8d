package link

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTargetsAreTakenByteForByte(t *testing.T) {
	rules := TargetRules{OwnHosts: []string{"tiny.example", "127.0.0.1:8080", "bücher.example"}}
	for _, s := range []string{
		"http://a",
		"https://example.com",
		"HTTPS://Example.COM/Path?q=1#frag",
		"https://user:pass@example.com:8443/x",
		"http://[2001:db8::1]:80/",
		"http://my_host.example.com/",
		"http://münchen.example/straße?x=ü",
		"http://xn--mnchen-3ya.example/",
		"http://☃.net/",
		"http://example.com/100%",
		"http://example.com/a b",
		"http://example.com/?u=http://tiny.example/x",
		"http://example.com/%00",
		"http://example.com:0/",
		"http://127.0.0.1:9090/",
		"http://127.0.0.1/",
		"http://not-tiny.example/",
		"http://tiny.example.org/",
		"http://tiny.example@example.org/",
		"http://example.com./",
		"http://example.com:/",
		"http://r3---sn-abc.example.com/",
		"http://example.com/" + strings.Repeat("a", MaxTarget-len("http://example.com/")),
	} {
		if got, err := ParseTarget(s, rules); err != nil || string(got) != s {
			t.Errorf("ParseTarget(%.60q) = %.60q, %v; want it unchanged", s, got, err)
		}
	}
}

func TestTargetsAreRefused(t *testing.T) {
	rules := TargetRules{OwnHosts: []string{"tiny.example", "127.0.0.1:8080", "bücher.example", "secure.example:443", "[::1]"}}
	for name, s := range map[string]string{
		"empty":                      "",
		"one byte too long":          "http://example.com/" + strings.Repeat("a", MaxTarget+1-len("http://example.com/")),
		"no scheme":                  "example.com/x",
		"scheme without slashes":     "http:example.com",
		"one slash":                  "http:/example.com",
		"script":                     "javascript:alert(1)",
		"script with slashes":        "javascript://example.com/%0aalert(1)",
		"data":                       "data:text/html,x",
		"another scheme":             "ftp://example.com/",
		"no host":                    "http:///path",
		"no host but a port":         "http://:80/",
		"no host but a user":         "http://user@/",
		"only a dot":                 "http://./",
		"newline":                    "http://example.com/\nSet-Cookie: x",
		"tab":                        "http://exa\tmple.com/",
		"nul":                        "http://example.com/\x00",
		"delete":                     "http://example.com/\x7f",
		"C1 control":                 "http://example.com/\u0085",
		"invalid UTF-8":              "http://example.com/\xff",
		"leading space":              " http://example.com/",
		"trailing space":             "http://example.com/ ",
		"space in the host":          "http://exa mple.com/",
		"escaped space in the host":  "http://exa%20mple.com/",
		"bad escape in the host":     "http://exa%zzmple.com/",
		"backslash in the host":      `http://example.com\@tiny.example/`,
		"port too high":              "http://example.com:65536/",
		"port not a number":          "http://example.com:http/",
		"signed port":                "http://example.com:+80/",
		"open bracket":               "http://[::1/",
		"IPv4 in brackets":           "http://[127.0.0.1]/",
		"zone":                       "http://[fe80::1%25eth0]/",
		"angle brackets":             "http://<example.com>/",
		"own host":                   "http://tiny.example/x",
		"own host, other case":       "https://TINY.Example/x",
		"own host, other port":       "https://tiny.example:8443/x",
		"own host, trailing dot":     "https://tiny.example./x",
		"own host, escaped":          "https://%74iny.example/x",
		"own host, full width":       "https://ｔｉｎｙ.example/x",
		"own host, ideographic stop": "https://tiny。example/x",
		"own host behind a user":     "https://example.com@tiny.example/",
		"own host before a query":    "https://tiny.example?x",
		"own host before a fragment": "https://tiny.example#x",
		"own host and port":          "http://127.0.0.1:8080/x",
		"own host, port with zeros":  "http://127.0.0.1:08080/x",
		"own host in punycode":       "http://xn--bcher-kva.example/x",
		"own host, IDN upper case":   "http://BÜCHER.example/x",
		"own host, default port":     "https://secure.example/x",
		"own IPv6 host, long form":   "http://[0:0:0:0:0:0:0:1]:9/x",
		"own address in one number":  "http://2130706433:8080/x",
		"own address, mapped":        "http://[::ffff:127.0.0.1]:8080/x",
		"empty label":                "http://a..example/",
		"two trailing dots":          "http://example.com../",
		"label that maps to nothing": "http://a.\u00ad.example/",
		"five numbers":               "http://1.2.3.4.5/",
		"number too high":            "http://256.0.0.1/",
		"name that ends in a number": "http://example.1/",
	} {
		if got, err := ParseTarget(s, rules); !errors.Is(err, ErrInvalidTarget) {
			t.Errorf("%s: ParseTarget(%.60q) = %.60q, %v; want ErrInvalidTarget", name, s, got, err)
		}
	}
}

func TestOtherSchemesBySetting(t *testing.T) {
	rules := TargetRules{Schemes: []string{"https", "ftp"}}
	if _, err := ParseTarget("FTP://example.com/x", rules); err != nil {
		t.Errorf("a scheme that was set: %v", err)
	}
	_, err := ParseTarget("http://example.com/x", rules)
	if !errors.Is(err, ErrInvalidTarget) || !strings.Contains(err.Error(), "https:// or ftp://") {
		t.Errorf("a scheme that was not set: %v; want an ErrInvalidTarget that names the schemes", err)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"http://a", "https://u:p@[::1]:80/x?y#z", "http://bücher.example", "http://%74iny.example", "javascript:x", `http://a\@b`} {
		f.Add(s)
	}
	rules := TargetRules{OwnHosts: []string{"tiny.example", "[::1]:80"}}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTarget(s, rules)
		if err != nil {
			if !errors.Is(err, ErrInvalidTarget) || got != "" {
				t.Fatalf("ParseTarget(%q) = %q, %v; want a bare ErrInvalidTarget", s, got, err)
			}
			return
		}
		if string(got) != s || len(s) > MaxTarget || !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x00") {
			t.Fatalf("ParseTarget(%q) = %q", s, got)
		}
	})
}

// FuzzPlainNames holds the short way to the long one: a host that is not mapped is one that mapping would not change.
func FuzzPlainNames(f *testing.F) {
	for _, s := range []string{"Example.COM", "a--b.example", "xn--bcher-kva", "XN--a", "x-n-.-", "my_host.", "..", ".a", "-", "bücher", "a%2eb", "1.2", "xn-", "xn---"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if host == "" || !plainName(host) {
			return
		}
		mapped, err := mappedName(host)
		if err != nil || mapped != strings.ToLower(host) {
			t.Fatalf("%q is mapped to %q, %v", host, mapped, err)
		}
	})
}

// TestRealTargets reads the list named by TINYURL_URLS, one URL a line: what people really shorten is taken.
func TestRealTargets(t *testing.T) {
	path := os.Getenv("TINYURL_URLS")
	if path == "" {
		t.Skip("TINYURL_URLS names no file")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if _, err := ParseTarget(lines.Text(), TargetRules{}); err != nil {
			t.Errorf("%q: %v", lines.Text(), err)
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
}

func BenchmarkParseTarget(b *testing.B) {
	rules := TargetRules{OwnHosts: []string{"tiny.example"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTarget("https://www.example.com/some/path?with=query", rules); err != nil {
			b.Fatal(err)
		}
	}
}
