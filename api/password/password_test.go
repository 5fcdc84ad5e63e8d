package password

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"tinyurl/fsm/link"
	"tinyurl/test/bubble"
)

// fixed gives the hash of "open sesame" with a salt of zeros, and a Hasher to check it with.
func fixed(t testing.TB) (*Hasher, link.PasswordHash) {
	t.Helper()
	h := New(bytes.NewReader(make([]byte, saltBytes)))
	kept, err := h.Hash(t.Context(), "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	return New(rand.Reader), kept
}

func TestAHashIsOfTheFormThatOthersRead(t *testing.T) {
	_, kept := fixed(t)
	const begin = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	if !strings.HasPrefix(string(kept), begin) || len(kept) != len(begin)+43 || len(kept) > link.MaxPasswordHash {
		t.Errorf("%s", kept)
	}
	if err := (link.Fields{Target: "https://a.example", Password: kept}).Check(); err != nil {
		t.Errorf("no link takes it: %v", err)
	}
}

// The hashes were made by the reference implementation's command (the vectors of golang.org/x/crypto/argon2).
func TestHashesOfOthersAreUnderstood(t *testing.T) {
	h := New(rand.Reader)
	for _, kept := range []link.PasswordHash{
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$ZVrRXqxlLcWfcXCnMyv0m4Rpvh/bnCi7",
		"$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQ$NQrDciL0Nsy1wJcvHr079rlYvyBxhBNi",
		"$argon2id$v=19$m=4096,t=4,p=4$c29tZXNhbHQ$FF25czqfTuQ+3zPFCb6WuTTVBaTvszxa",
	} {
		for password, want := range map[string]bool{"password": true, "Password": false} {
			if got, err := h.Verify(t.Context(), kept, password); err != nil || got != want {
				t.Errorf("%s, %s: %v, %v", kept, password, got, err)
			}
		}
	}
}

func TestThePasswordIsToldFromAllOthers(t *testing.T) {
	h, kept := fixed(t)
	for password, want := range map[string]bool{
		"open sesame": true, "Open sesame": false, "open sesame ": false, "": false, "open sesame\x00": false,
		strings.Repeat("x", MaxLength): false, strings.Repeat("x", MaxLength+1): false,
	} {
		if got, err := h.Verify(t.Context(), kept, password); err != nil || got != want {
			t.Errorf("%.20q: %v, %v", password, got, err)
		}
	}
}

func TestEverySaltIsAnother(t *testing.T) {
	h := New(rand.Reader)
	a, errA := h.Hash(t.Context(), "x")
	b, errB := h.Hash(t.Context(), "x")
	if a == b || errA != nil || errB != nil {
		t.Errorf("%s and %s, %v, %v", a, b, errA, errB)
	}
}

func TestWhatCannotBeHashedIsRefused(t *testing.T) {
	h := New(rand.Reader)
	for _, password := range []string{"", strings.Repeat("x", MaxLength+1)} {
		if kept, err := h.Hash(t.Context(), password); kept != "" || !errors.Is(err, link.ErrInvalidField) {
			t.Errorf("%d bytes: %q, %v", len(password), kept, err)
		}
	}
	if kept, err := New(iotest.ErrReader(errors.New("no noise"))).Hash(t.Context(), "x"); kept != "" || err == nil {
		t.Errorf("without randomness: %q, %v", kept, err)
	}
}

const (
	salt = "$AAAAAAAAAAAAAAAAAAAAAA"
	key  = "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func TestHashesThatWouldCostTooMuchAreNotTried(t *testing.T) {
	h := New(rand.Reader)
	for _, kept := range []link.PasswordHash{
		"", "plain", "$2y$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=19456,t=2,p=1" + salt + key, "$argon2id$v=16$m=19456,t=2,p=1" + salt + key,
		"$argon2id$m=19456,t=2,p=1" + salt + key, "x$argon2id$v=19$m=19456,t=2,p=1" + salt + key,
		"$argon2id$v=19$m=4294967295,t=2,p=1" + salt + key, "$argon2id$v=19$m=65537,t=2,p=1" + salt + key,
		"$argon2id$v=19$m=19456,t=9,p=1" + salt + key, "$argon2id$v=19$m=19456,t=2,p=5" + salt + key, "$argon2id$v=19$m=19456,t=2,p=257" + salt + key,
		"$argon2id$v=19$m=0,t=2,p=1" + salt + key, "$argon2id$v=19$m=19456,t=0,p=1" + salt + key, "$argon2id$v=19$m=19456,t=2,p=0" + salt + key,
		"$argon2id$v=19$m=-1,t=2,p=1" + salt + key, "$argon2id$v=19$t=2,m=19456,p=1" + salt + key, "$argon2id$v=19$m=19456,t=2" + salt + key,
		"$argon2id$v=19$m=19456,t=2,p=1,p=1" + salt + key, "$argon2id$v=19$m=19456,t=2,p=1$" + key, "$argon2id$v=19$m=19456,t=2,p=1$AAAA" + key,
		"$argon2id$v=19$m=19456,t=2,p=1" + salt + "$", "$argon2id$v=19$m=19456,t=2,p=1" + salt + "$====", "$argon2id$v=19$m=19456,t=2,p=1" + salt + key + "=",
		"$argon2id$v=19$m=19456,t=2,p=1" + salt + link.PasswordHash("$"+strings.Repeat("A", 88)), "$argon2id$v=19$m=19456,t=2,p=1" + salt + key + "$",
	} {
		if right, err := h.Verify(t.Context(), kept, "x"); right || !errors.Is(err, errUnreadable) {
			t.Errorf("%s: %v, %v", kept, right, err)
		}
	}
}

func TestOnlyAFewAreMadeAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		h := New(rand.Reader)
		for range atOnce {
			h.turns <- struct{}{}
		}
		var waiting sync.WaitGroup
		for range 5 {
			waiting.Go(func() {
				began := time.Now()
				if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, link.ErrOverloaded) || time.Since(began) != patience {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		waiting.Wait()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Verify(gone, "$argon2id$v=19$m=8,t=1,p=1"+salt+key, "x"); !errors.Is(err, link.ErrOverloaded) {
			t.Errorf("who went away: %v", err)
		}
		<-h.turns
		if _, err := h.Verify(t.Context(), "$argon2id$v=19$m=8,t=1,p=1"+salt+key, "x"); err != nil {
			t.Errorf("when there was a turn: %v", err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1" + salt + key)
	f.Add("$argon2id$v=19$m=8,t=1,p=1" + salt)
	h := New(rand.Reader)
	f.Fuzz(func(t *testing.T, kept string) {
		p, err := parse(link.PasswordHash(kept))
		if err != nil {
			return
		}
		if again, err := parse(p.encode()); err != nil || again.parameters != p.parameters || !bytes.Equal(again.key, p.key) {
			t.Fatalf("%s is read again as %v, %v", kept, again, err)
		}
		if p.memory > 1024 {
			return
		}
		if right, err := h.Verify(t.Context(), link.PasswordHash(kept), "x"); right || err != nil {
			t.Fatalf("%s: %v, %v", kept, right, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	h, kept := fixed(b)
	b.ReportAllocs()
	for b.Loop() {
		if right, err := h.Verify(b.Context(), kept, "open sesame"); !right || err != nil {
			b.Fatal(right, err)
		}
	}
}
