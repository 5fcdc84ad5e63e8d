package redirect

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"tinyurl/fsm/link"
)

func TestAVisitorsQueryIsForwarded(t *testing.T) {
	for _, c := range []struct{ target, query, want string }{
		{"https://a.example/", "k=v", "https://a.example/?k=v"},
		{"https://a.example", "k=v", "https://a.example?k=v"},
		{"https://a.example/?", "k=v", "https://a.example/?k=v"},
		{"https://a.example/#f", "k=v", "https://a.example/?k=v#f"},
		{"https://a.example#f?x=1", "k=v", "https://a.example?k=v#f?x=1"},
		{"https://a.example/?a=1#f", "k=v&l=w", "https://a.example/?a=1&k=v&l=w#f"},
		// What the visitor says counts, whatever there was of that name; all else stays byte for byte.
		{"https://a.example/?k=1&a=%7e&k=2", "k=v", "https://a.example/?a=%7e&k=v"},
		{"https://a.example/?k&a", "k=v", "https://a.example/?a&k=v"},
		{"https://a.example/?k=1&K=2", "k", "https://a.example/?K=2&k"},
		{"https://a.example/?%6b=1&l+m=2&l%20n=3", "k=v&l%20m=w", "https://a.example/?l%20n=3&k=v&l%20m=w"},
		{"https://a.example/?a=1", "k=1&k=2", "https://a.example/?a=1&k=1&k=2"},
		{"https://a.example/?=1&a", "=2", "https://a.example/?a&=2"},
		{"https://a.example/?a=b=c", "k=v=w", "https://a.example/?a=b=c&k=v=w"},
		{"https://a.example/ü?ö=ä", "ö=1", "https://a.example/ü?%C3%B6=1"},
		{"https://a.example/?a=1;k=2", "k=v", "https://a.example/?a=1;k=2&k=v"},
		{"https://a.example/?x=/?#f", "r=https://b.example/?a=[1]", "https://a.example/?x=/?&r=https://b.example/?a=[1]#f"},
		// Nothing to forward: not a byte is changed.
		{"https://a.example/?a&&b=ü\"<>#ü", "", "https://a.example/?a&&b=ü\"<>#ü"},
		{"https://a.example/?a&&b=ü\"<>#ü", "&&&", "https://a.example/?a&&b=ü\"<>#ü"},
		// What must not stand in a URL, or would end it, is escaped.
		{"https://a.example/#f", "k=a#b", "https://a.example/?k=a%23b#f"},
		{"https://a.example/", "k=\"<>\\^`{} \x7f\x00", "https://a.example/?k=%22%3C%3E%5C%5E%60%7B%7D%20%7F%00"},
		{"https://a.example/", "k=a\r\nSet-Cookie: b", "https://a.example/?k=a%0D%0ASet-Cookie:%20b"},
		{"https://a.example/", "k=%zz&l=%&m=%4&n=%c3%A4", "https://a.example/?k=%25zz&l=%25&m=%254&n=%c3%A4"},
		{"https://a.example/", "k=\xff", "https://a.example/?k=%FF"},
		// Too much is left out.
		{"https://a.example/", strings.Repeat("k", maxForwarded), "https://a.example/?" + strings.Repeat("k", maxForwarded)},
		{"https://a.example/", strings.Repeat("k", maxForwarded+1), "https://a.example/"},
		{"https://a.example/", strings.Repeat("\xff", maxForwarded), "https://a.example/"},
		{"https://a.example/" + strings.Repeat("x", 8000), strings.Repeat("k", 300), "https://a.example/" + strings.Repeat("x", 8000)},
	} {
		if got := forward(link.Route{Target: link.Target(c.target)}, c.query); string(got) != c.want {
			t.Errorf("%.60s with %.60q: %.100q, want %.100q", c.target, c.query, got, c.want)
		}
		if got := forward(link.Route{Target: link.Target(c.target), DropQuery: true}, c.query); string(got) != c.target {
			t.Errorf("%.60s drops queries: %.100q", c.target, got)
		}
	}
}

// origin is what no visitor may change.
func origin(t *testing.T, target string) (scheme, authority, path, fragment string) {
	t.Helper()
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		t.Fatalf("%q has no scheme", target)
	}
	rest, fragment, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	authority, path, _ = strings.Cut(rest, "/")
	return scheme, authority, path, fragment
}

func FuzzForward(f *testing.F) {
	for _, target := range []string{"https://a.example", "https://a.example/?k=1&a=2#f", "http://ü.example:80/a b?x=%zz#?a", "https://u:p@[::1]/?"} {
		for _, query := range []string{"", "k=v", "a=%0d%0a&b=\xff&#", "//b.example/&@b.example", "&&=;&", "%", "k=ü"} {
			f.Add(target, query)
		}
	}
	f.Fuzz(func(t *testing.T, target, query string) {
		parsed, err := link.ParseTarget(target, link.TargetRules{})
		if err != nil {
			return
		}
		got := string(forward(link.Route{Target: parsed}, query))
		aScheme, aHost, aPath, aFragment := origin(t, target)
		bScheme, bHost, bPath, bFragment := origin(t, got)
		if aScheme != bScheme || aHost != bHost || aPath != bPath || aFragment != bFragment {
			t.Fatalf("%q with %q leads to %q", target, query, got)
		}
		if strings.ContainsFunc(got, unicode.IsControl) || len(got) > max(maxLocation, len(target)) {
			t.Fatalf("%q with %q: %q of %d bytes", target, query, got, len(got))
		}
		if _, err := url.Parse(target); err == nil {
			if _, err := url.Parse(got); err != nil {
				t.Fatalf("%q with %q: %q: %v", target, query, got, err)
			}
		}
		if got == target {
			return
		}
		// Where something was added, the visitor's values are the only ones of their names.
		_, merged := cutBefore(strings.TrimSuffix(got, "#"+aFragment), '?')
		values, _ := url.ParseQuery(strings.ReplaceAll(strings.TrimPrefix(merged, "?"), ";", "%3B"))
		wanted, _ := url.ParseQuery(strings.ReplaceAll(mended(query), ";", "%3B"))
		for name := range wanted {
			if !slices.Equal(values[name], wanted[name]) {
				t.Fatalf("%q with %q: %q is %q in %q, want %q", target, query, name, values[name], got, wanted[name])
			}
		}
	})
}

// mended escapes the escapes that are none, so that a parser takes all.
func mended(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if b.WriteByte(query[i]); query[i] == '%' && (i+2 >= len(query) || !isHex(query[i+1]) || !isHex(query[i+2])) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func BenchmarkForward(b *testing.B) {
	found := link.Route{Target: "https://example.com/some/path?and=query#fragment"}
	b.ReportAllocs()
	for b.Loop() {
		forward(found, "utm_source=newsletter&utm_medium=email")
	}
}
