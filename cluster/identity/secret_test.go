package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

const sample = "correct horse battery staple 0123456789"

func secret(t *testing.T, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseSecretIgnoresWhiteSpaceAroundIt(t *testing.T) {
	if got := secret(t, " \n\t"+sample+"\r\n"); got.Reveal() != sample || !got.Equal(secret(t, sample)) {
		t.Errorf("got %q", got.Reveal())
	}
	if secret(t, sample).Equal(secret(t, sample+"x")) {
		t.Error("two secrets are equal")
	}
}

func TestParseSecretRefusesWithoutTellingTheSecret(t *testing.T) {
	for _, s := range []string{
		"", "   ", "hunter2hunter2", strings.Repeat("x", MinSecret-1), strings.Repeat("x", MaxSecret+1),
		strings.Repeat("x", 20) + "\n" + strings.Repeat("y", 20), strings.Repeat("x", 40) + "\x00y", strings.Repeat("x", 40) + "\xff",
	} {
		got, err := ParseSecret(s)
		if !errors.Is(err, ErrInvalidSecret) || !got.IsZero() {
			t.Errorf("ParseSecret(%q) = %v", s, err)
			continue
		}
		if trimmed := strings.TrimSpace(s); trimmed != "" && strings.Contains(err.Error(), trimmed[:8]) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	for _, s := range []string{strings.Repeat("x", MinSecret), strings.Repeat("ü", MinSecret), strings.Repeat("x", MaxSecret)} {
		if _, err := ParseSecret(s); err != nil {
			t.Errorf("ParseSecret of %d bytes: %v", len(s), err)
		}
	}
}

func TestNewSecretIsPrintableAndReadsBack(t *testing.T) {
	a, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.Equal(b) {
		t.Error("two new secrets are equal")
	}
	if got := secret(t, a.Reveal()); !got.Equal(a) {
		t.Error("a new secret does not read back")
	}
	if _, err := NewSecret(strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("err = %v", err)
	}
}

func TestASecretNeverPrintsItself(t *testing.T) {
	s := secret(t, sample)
	type config struct {
		Secret Secret
		hidden Secret
	}
	c := config{s, s}
	var out bytes.Buffer
	for _, v := range []any{s, &s, c, &c, []Secret{s}, map[string]Secret{"s": s}, fmt.Errorf("with %v", s)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "secret", s, "config", c)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "config", c)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{sample, hex.EncodeToString([]byte(sample)), strings.ToUpper(hex.EncodeToString([]byte(sample))), "correct"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the output shows %q:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), redacted) || s.String() != redacted || s.GoString() != redacted {
		t.Error("nothing says that something was left out")
	}
}

func TestDerivedKeysNeverChange(t *testing.T) {
	// Written down once: a change here would part the nodes of a running cluster, and void every root key given out.
	s := secret(t, sample)
	if got, want := hex.EncodeToString(s.GossipKey()), "bf2da4443dbe89965a47699a754a097b6541146aa4fa983eadcd3d699066bbd6"; got != want {
		t.Errorf("gossip key %s, want %s", got, want)
	}
	if got, want := s.RootKey(), "tu_3ejSIcwOInSRnpfv4soA7SAlin4OEb7cnzjjdqmppYM"; got != want {
		t.Errorf("root key %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(s.authorityKey().Seed()), "ff8a0b4ca8f5bbae5b98cac7c8938ec7f839a129f3b0f74d3a5928e3aad1b676"; got != want {
		t.Errorf("authority seed %s, want %s", got, want)
	}
}

func TestDerivedKeysDifferBySecretAndByUse(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{sample, sample + "x"} {
		s := secret(t, text)
		if len(s.GossipKey()) != 32 || len(s.RootKey()) != 46 || !strings.HasPrefix(s.RootKey(), "tu_") {
			t.Errorf("lengths: gossip %d, root %d", len(s.GossipKey()), len(s.RootKey()))
		}
		for use, key := range map[string][]byte{"gossip": s.GossipKey(), "root": s.derive(labelRoot, 32), "authority": s.authorityKey().Seed()} {
			if other, taken := seen[string(key)]; taken {
				t.Errorf("%s of %q equals %s", use, text, other)
			}
			seen[string(key)] = use
		}
	}
}

func TestNothingIsDerivedFromNoSecret(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a key was derived from the zero secret")
		}
	}()
	_ = Secret{}.RootKey()
}
