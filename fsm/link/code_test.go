package link

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

var pattern = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9_-]{0,127}\z`)

func TestCodesAndSlugsFollowThePattern(t *testing.T) {
	for s, ok := range map[string]bool{
		"a": true, "0": true, "Zz09_-": true, "abc-def": true, strings.Repeat("x", MaxSlug): true,
		"": false, "-a": false, "_a": false, "a.b": false, "a/b": false, "a b": false, "ä": false, "a\x00": false, "a\n": false,
		strings.Repeat("x", MaxSlug+1): false, "%61": false,
	} {
		code, err := ParseCode(s)
		if ok && (err != nil || string(code) != s) || !ok && (!errors.Is(err, ErrNotFound) || code != "") {
			t.Errorf("ParseCode(%q) = %q, %v", s, code, err)
		}
		slug, err := ParseSlug(s, WordsFor(1))
		if ok && (err != nil || string(slug) != s) || !ok && (!errors.Is(err, ErrInvalidSlug) || slug != "") {
			t.Errorf("ParseSlug(%q) = %q, %v", s, slug, err)
		}
	}
}

func TestReservedSlugsAreNamedAsSuch(t *testing.T) {
	for _, s := range []string{
		"api", "rest", "admin", "ui", "login", "logout", "static", "assets", "health", "healthz", "readyz", "metrics", "docs",
		"openapi.json", "robots.txt", "favicon.ico", "sitemap.xml", "manifest.json", ".well-known", "api-create.php", "x.php", ".php",
		"API", "Metrics", "ROBOTS.TXT", "Yourls-Api.PHP",
	} {
		if _, err := ParseSlug(s, WordsFor(1)); !errors.Is(err, ErrSlugReserved) {
			t.Errorf("ParseSlug(%q): %v; want ErrSlugReserved", s, err)
		}
	}
	for _, s := range []string{"apis", "my-api", "php", "a-php", "rest1"} {
		if _, err := ParseSlug(s, WordsFor(1)); err != nil {
			t.Errorf("ParseSlug(%q): %v; want it taken", s, err)
		}
	}
	if _, err := ParseCode("api"); err != nil {
		t.Errorf("ParseCode(api): %v; reserved words are no concern of readers", err)
	}
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"", "a", "0000000", "api", "x.php", "-", "a_b-c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := pattern.MatchString(s)
		if _, err := ParseCode(s); (err == nil) != want {
			t.Fatalf("ParseCode(%q): %v; the pattern says %v", s, err, want)
		}
		slug, err := ParseSlug(s, WordsFor(1))
		if err == nil && (!want || string(slug) != s || WordsFor(1).Reserved(slug)) {
			t.Fatalf("ParseSlug(%q) = %q", s, slug)
		}
	})
}

func TestOffensiveWordsAreSeenThroughCaseAndDigits(t *testing.T) {
	words := WordsFor(1)
	for _, c := range []Code{"xxfuckx", "FUCKabc", "xSh1Txx", "5h17abc", "abA55cd", "N1663rx", "zzC0ckz", "kurW4zz", "B17chab", "0xS3Xzz", "xNAz1xx"} {
		if !words.Offensive(c) {
			t.Errorf("%q is not seen as offensive", c)
		}
	}
	for _, c := range []Code{"", "a", "aBcDeFg", "Q7mX2kP", "zzzzzzz", "0000000", "hello42"} {
		if words.Offensive(c) {
			t.Errorf("%q is seen as offensive", c)
		}
	}
	if (Words{}).Offensive("fuckfuck") || (Words{}).Reserved("api") {
		t.Error("the zero Words holds words")
	}
}

func TestFewCodesAreSkipped(t *testing.T) {
	codec, words := NewCodec([16]byte{1}), WordsFor(1)
	skipped := 0
	const n = 200_000
	for id := ID(1); id <= n; id++ {
		if c := codec.Encode(id); words.Offensive(c) || words.Reserved(c) {
			skipped++
		}
	}
	if skipped > n/25 {
		t.Errorf("%d of %d codes are skipped: the list is too greedy", skipped, n)
	}
	t.Logf("%.2f %% of the codes are skipped", 100*float64(skipped)/n)
}

// The list of a version never changes: replicas of two builds must skip the same ids.
func TestListOfVersionOneIsFrozen(t *testing.T) {
	if got := len(words1.reserved); got != 19 {
		t.Errorf("%d reserved words, want the 19 of the public contract", got)
	}
	if digest := listDigest(words1); digest != wantListDigest {
		t.Errorf("the list of cluster version 1 changed: %s (a better list needs a higher cluster version)", digest)
	}
}

func TestAskingForWordsAllocatesNothing(t *testing.T) {
	words := WordsFor(1)
	if n := testing.AllocsPerRun(100, func() { words.Offensive("Q7mX2kP"); words.Reserved("Q7mX2kP") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOffensive(b *testing.B) {
	words := WordsFor(1)
	b.ReportAllocs()
	for b.Loop() {
		words.Offensive("Q7mX2kP")
	}
}
