package link

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// offensivePlainly says what Offensive has to say, word by word. Replicas of every build must skip the same ids, so this is
// how the answers of cluster version 1 were given first, and it never changes.
func offensivePlainly(c Code) bool {
	if len(c) > MaxSlug {
		return false
	}
	text := foldPlainly(string(c))
	for _, word := range strings.Fields(offensive1) {
		if strings.Contains(text, foldPlainly(word)) {
			return true
		}
	}
	return false
}

func foldPlainly(s string) string {
	text := []byte(s)
	for i, c := range text {
		text[i] = fold(c)
	}
	return string(text)
}

func compareOffensive(t *testing.T, c Code) {
	t.Helper()
	if got, want := WordsFor(1).Offensive(c), offensivePlainly(c); got != want {
		t.Fatalf("Offensive(%q) = %v, want %v", c, got, want)
	}
}

// Every word, whole and short of a character, at every place of a code and of a long slug, in whatever disguise.
func TestWordsAreFoundWhereverTheyStand(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	disguise := func(word string) string { // another character that folds to the same one
		text := []byte(word)
		for i, c := range text {
			for n := rng.IntN(62); ; n++ {
				if other := alphabet[n%62]; fold(other) == fold(c) {
					text[i] = other
					break
				}
			}
		}
		return string(text)
	}
	for _, word := range strings.Fields(offensive1) {
		for _, w := range []string{word, word[1:], word[:len(word)-1]} {
			for before := range 6 {
				for after := range 3 {
					compareOffensive(t, Code(strings.Repeat("x", before)+disguise(w)+strings.Repeat("-", after)))
					compareOffensive(t, randomText(rng, before)+Code(disguise(w))+randomText(rng, after))
				}
			}
			full := strings.Repeat("_", MaxSlug-len(w)) + disguise(w)
			compareOffensive(t, Code(full))
			compareOffensive(t, Code(full+"_"))
		}
	}
}

func TestCodesAreJudgedAsTheyAlwaysWere(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	n := 50_000
	if testing.Short() {
		n = 5_000
	}
	for range n {
		compareOffensive(t, randomText(rng, CodeLength))
		compareOffensive(t, randomText(rng, rng.IntN(20)))
	}
}

func FuzzOffensive(f *testing.F) {
	f.Add("Q7mX2kP")
	f.Add("xSh1Txx")
	f.Fuzz(func(t *testing.T, s string) { compareOffensive(t, Code(s)) })
}

// randomText is of the characters that codes and slugs are made of.
func randomText(rng *rand.Rand, n int) Code {
	text := make([]byte, n)
	for i := range text {
		text[i] = (alphabet + "-_")[rng.IntN(len(alphabet)+2)]
	}
	return Code(text)
}
