package link

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const wantListDigest = "5c7b0db7753a9168"

// listDigest names the content of a word list, whatever its order.
func listDigest(l *wordList) string {
	all := slices.Sorted(maps.Keys(l.reserved))
	for _, group := range l.offensive {
		all = append(all, slices.Sorted(slices.Values(group))...)
	}
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:8])
}

// The bijection is part of every cluster's data: these values must never change.
func TestCodesOfAKnownKey(t *testing.T) {
	codec := NewCodec([16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	for id, want := range map[ID]Code{
		0: "0Ua9QqC", 1: "lEhklwt", 2: "eti13rf", 3: "CKE221P", 1_000_000: "vynv01e", MaxID: "wOIaDU5",
	} {
		if got := codec.Encode(id); got != want {
			t.Errorf("Encode(%d) = %q, want %q", id, got, want)
		}
	}
}

func TestIDsAndCodesAreOneToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codec := NewCodec([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")))
		id := ID(rapid.Uint64Range(0, uint64(MaxID)).Draw(t, "id"))
		code := codec.Encode(id)
		if back, ok := codec.Decode(code); !ok || back != id || len(code) != CodeLength {
			t.Fatalf("Decode(Encode(%d) = %q) = %d, %v", id, code, back, ok)
		}
		any := Code(rapid.StringMatching(`[0-9A-Za-z]{7}`).Draw(t, "code"))
		if id, ok := codec.Decode(any); !ok || id > MaxID || codec.Encode(id) != any {
			t.Fatalf("Encode(Decode(%q) = %d) = %q, %v", any, id, codec.Encode(id), ok)
		}
	})
}

func TestARunOfIDsHasNoCodeTwice(t *testing.T) {
	codec := NewCodec([16]byte{42})
	seen := make(map[Code]bool)
	for id := ID(0); id < 100_000; id++ {
		code := codec.Encode(id)
		if seen[code] {
			t.Fatalf("code %q is given twice", code)
		}
		seen[code] = true
	}
}

func TestOnlyGeneratedCodesDecode(t *testing.T) {
	codec := NewCodec([16]byte{})
	for _, c := range []Code{"", "abcdef", "abcdefgh", "abc-efg", "abc_efg", "abcde.f", "abcdéf", "       "} {
		if id, ok := codec.Decode(c); ok {
			t.Errorf("Decode(%q) = %d, want none", c, id)
		}
	}
	if c := codec.Encode(MaxID + 1); c != "" {
		t.Errorf("an id beyond the last has the code %q", c)
	}
	if c := codec.Encode(MaxID); len(c) != CodeLength {
		t.Errorf("the last id has the code %q", c)
	}
}

// Flipping one bit of the id, or of the key, changes half of the bits of the network's output.
func TestAvalanche(t *testing.T) {
	flips := func(change func(key *[16]byte, id *uint64, bit int), width int) float64 {
		total, trials := 0, 0
		for n := range uint64(2000) {
			key := [16]byte{byte(n), byte(n >> 8), 7}
			id := n*0x9e3779b97f4a7c15>>22 ^ n
			id &= 1<<(2*halfBits) - 1
			before := NewCodec(key).forward(id)
			bit := int(n) % width
			change(&key, &id, bit)
			total += bits.OnesCount64(before ^ NewCodec(key).forward(id))
			trials++
		}
		return float64(total) / float64(trials*2*halfBits)
	}
	byID := flips(func(_ *[16]byte, id *uint64, bit int) { *id ^= 1 << bit }, 2*halfBits)
	byKey := flips(func(key *[16]byte, _ *uint64, bit int) { key[bit/8] ^= 1 << (bit % 8) }, 128)
	if byID < 0.49 || byID > 0.51 || byKey < 0.49 || byKey > 0.51 {
		t.Errorf("a flipped bit of the id changes %.3f of the output, one of the key %.3f; want 0.5", byID, byKey)
	}
}

func BenchmarkEncode(b *testing.B) {
	codec := NewCodec([16]byte{3})
	b.ReportAllocs()
	var id ID
	for b.Loop() {
		id++
		codec.Encode(id)
	}
}

func BenchmarkDecode(b *testing.B) {
	codec := NewCodec([16]byte{3})
	code := codec.Encode(123456789)
	b.ReportAllocs()
	for b.Loop() {
		codec.Decode(code)
	}
}
