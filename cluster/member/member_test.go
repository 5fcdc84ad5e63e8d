package member

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestNewIDIsNameAndSixHexDigits(t *testing.T) {
	id, err := NewID("node-1.zone-a", bytes.NewReader([]byte{0x0a, 0xbc, 0xff}))
	if err != nil {
		t.Fatal(err)
	}
	if id != "node-1.zone-a-0abcff" {
		t.Errorf("id = %q", id)
	}
	if id.Name() != "node-1.zone-a" {
		t.Errorf("name = %q", id.Name())
	}
	if parsed, err := ParseID(string(id)); err != nil || parsed != id {
		t.Errorf("ParseID = %q, %v", parsed, err)
	}
}

func TestTwoFirstStartsOfOneNameDiffer(t *testing.T) {
	seen := map[ID]bool{}
	for range 50 {
		id, err := NewID("n", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		seen[id] = true
	}
	if len(seen) < 49 {
		t.Errorf("%d different ids of 50", len(seen))
	}
}

func TestNewIDReportsAnEmptySourceOfRandomness(t *testing.T) {
	if _, err := NewID("n", strings.NewReader("ab")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("err = %v", err)
	}
}

func TestCheckNameRefusesWhatACertificateCouldMistake(t *testing.T) {
	for _, name := range []string{
		"", "-a", "a-", ".a", "a.", "a..b", "A", "aB", "a_b", "a b", "*", "*.example", "ü", "a\x00", "a/b", "a:b", strings.Repeat("a", MaxName+1),
	} {
		if err := CheckName(name); !errors.Is(err, ErrInvalidName) {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
		if _, err := NewID(name, rand.Reader); !errors.Is(err, ErrInvalidName) {
			t.Errorf("NewID(%q) = %v", name, err)
		}
	}
	for _, name := range []string{"a", "0", "n1", "ip-10-0-0-1.ec2.internal", strings.Repeat("a", MaxName)} {
		if err := CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

func TestParseIDRefusesOtherForms(t *testing.T) {
	for _, s := range []string{"", "n", "-0abcff", "n-0abcf", "n-0abcff0", "n-0ABCFF", "n_0abcff", "n-0abcfg", "N-0abcff", "n--", strings.Repeat("a", MaxID+1)} {
		if id, err := ParseID(s); !errors.Is(err, ErrInvalidID) {
			t.Errorf("ParseID(%q) = %q, %v", s, id, err)
		}
	}
	if got := ID("no id").Name(); got != "no id" {
		t.Errorf("Name of no id = %q", got)
	}
	if long := strings.Repeat("a", MaxName) + "-0abcff"; len(long) != MaxID {
		t.Errorf("MaxID = %d, the longest id has %d", MaxID, len(long))
	} else if _, err := ParseID(long); err != nil {
		t.Error(err)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("n-0abcff")
	f.Add("a.b-c-123456")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		if string(id) != s || len(s) > MaxID || CheckName(id.Name()) != nil || !strings.HasPrefix(s, id.Name()+"-") {
			t.Errorf("ParseID(%q) took it as %q, named %q", s, id, id.Name())
		}
	})
}

func TestStatusNamesItself(t *testing.T) {
	for s, want := range map[Status]string{Alive: "alive", Failed: "failed", Left: "left", 9: "status(9)"} {
		if s.String() != want {
			t.Errorf("%d = %q, want %q", uint8(s), s, want)
		}
	}
	if b, err := json.Marshal(Failed); err != nil || string(b) != `"failed"` {
		t.Errorf("json = %s, %v", b, err)
	}
}

func TestFoundingDependsOnTheSetAndTheGenerationAlone(t *testing.T) {
	base := Founding([]ID{"a-000001", "b-000002", "c-000003"}, 0)
	if got := Founding([]ID{"c-000003", "a-000001", "b-000002"}, 0); got != base {
		t.Error("the order of the ids matters")
	}
	given := []ID{"b-000002", "a-000001"}
	Founding(given, 0)
	if given[0] != "b-000002" {
		t.Error("the caller's ids were sorted in place")
	}
	others := map[string]ClusterID{
		"generation 1":   Founding([]ID{"a-000001", "b-000002", "c-000003"}, 1),
		"a subset":       Founding([]ID{"a-000001", "b-000002"}, 0),
		"another member": Founding([]ID{"a-000001", "b-000002", "c-000004"}, 0),
		"moved border":   Founding([]ID{"a-000001b", "-000002", "c-000003"}, 0),
		"nobody":         Founding(nil, 0),
	}
	seen := map[ClusterID]string{base: "base"}
	for what, id := range others {
		if other, taken := seen[id]; taken {
			t.Errorf("%s has the id of %s", what, other)
		}
		seen[id] = what
	}
}

func TestFoundingNeverChanges(t *testing.T) {
	// Written down once: a change here would split every cluster that exists.
	const want = "324dcdccf082807c0d779bd848dc9c00"
	if got := Founding([]ID{"a-000001", "b-000002", "c-000003"}, 0).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestClusterIDReadsWhatItWrote(t *testing.T) {
	id := Founding([]ID{"a-000001"}, 0)
	if back, err := ParseClusterID(id.String()); err != nil || back != id {
		t.Errorf("ParseClusterID = %v, %v", back, err)
	}
	b, err := json.Marshal(map[string]ClusterID{"id": id})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]ClusterID
	if err := json.Unmarshal(b, &m); err != nil || m["id"] != id {
		t.Errorf("json %s reads as %v, %v", b, m, err)
	}
	if id.IsZero() || !(ClusterID{}).IsZero() {
		t.Error("IsZero")
	}
	for _, s := range []string{"", "00", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("G", 32), strings.Repeat("A", 32)} {
		if _, err := ParseClusterID(s); !errors.Is(err, ErrInvalidClusterID) {
			t.Errorf("ParseClusterID(%q) = %v", s, err)
		}
		if err := new(ClusterID).UnmarshalText([]byte(s)); !errors.Is(err, ErrInvalidClusterID) {
			t.Errorf("UnmarshalText(%q) = %v", s, err)
		}
	}
}
