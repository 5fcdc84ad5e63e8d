package gossip

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/cluster/member"
)

// fileKeeper is a Keeper in a file of the operating system.
type fileKeeper string

func (f fileKeeper) Load() ([]byte, error) {
	b, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (f fileKeeper) Save(data []byte) error { return os.WriteFile(string(f), data, 0o600) }

func TestKnownPeersAreKeptUntilTheyLeave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.json")
	k, err := loadKnown(fileKeeper(path))
	if err != nil || len(k.addrs()) != 0 {
		t.Fatalf("no file: %v, %v", k.addrs(), err)
	}
	m := func(n int, s member.Status) member.Member {
		return member.Member{ID: testID(n), GossipAddr: fmt.Sprintf("10.0.0.%d:7946", n), Status: s, Since: time.Unix(int64(n), 0)}
	}
	update := func(want []string, members ...member.Member) {
		t.Helper()
		if err := k.update(testID(0), members); err != nil {
			t.Fatal(err)
		}
		if k, err = loadKnown(fileKeeper(path)); err != nil || !slices.Equal(k.addrs(), want) {
			t.Fatalf("on file %v (%v), want %v", k.addrs(), err, want)
		}
	}
	update([]string{"10.0.0.2:7946", "10.0.0.1:7946"}, m(0, member.Alive), m(1, member.Alive), m(2, member.Failed))
	update([]string{"10.0.0.2:7946", "10.0.0.1:7946"}, m(0, member.Alive)) // alone after a restart
	update([]string{"10.0.0.3:7946", "10.0.0.1:7946"}, m(0, member.Alive), m(2, member.Left), m(3, member.Alive))
	var crowd []member.Member
	for n := range 200 {
		crowd = append(crowd, m(n+1, member.Alive))
	}
	if err := k.update(testID(0), crowd); err != nil || len(k.addrs()) != maxKnown {
		t.Errorf("%d addresses of a crowd (%v), want %d", len(k.addrs()), err, maxKnown)
	}
	if err := os.WriteFile(path, []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := loadKnown(fileKeeper(path)); err == nil || len(k.addrs()) != 0 {
		t.Errorf("a damaged file gives %v, %v", k.addrs(), err)
	}
}

func TestADamagedKnownFileDoesNotStopTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.json")
	if err := os.WriteFile(path, []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, 1, 1, func(c *Config) { c.Known = fileKeeper(path) })
	if !strings.Contains(a.logs.String(), "without the addresses of the last run") {
		t.Error("the damage is not mentioned")
	}
}

func TestAnUnwritableKnownFileIsMentionedAndNoMore(t *testing.T) {
	a := start(t, 1, 1, nil)
	b := start(t, 2, 1, func(c *Config) {
		c.Seeds = []string{a.Addr()}
		c.Known = fileKeeper(filepath.Join(t.TempDir(), "no", "known.json"))
	})
	converged(t, a, b)
	eventually(t, "the log says so", func() bool {
		return strings.Contains(b.logs.String(), "could not keep the addresses")
	})
}

// failingKeeper saves nothing until it is mended.
type failingKeeper struct {
	mended bool
	saved  []byte
}

func (f *failingKeeper) Load() ([]byte, error) { return f.saved, nil }

func (f *failingKeeper) Save(data []byte) error {
	if !f.mended {
		return errors.New("the disk is full")
	}
	f.saved = data
	return nil
}

func TestWhatCouldNotBeKeptIsKeptLater(t *testing.T) {
	keeper := &failingKeeper{}
	k, err := loadKnown(keeper)
	if err != nil {
		t.Fatal(err)
	}
	other := []member.Member{{ID: testID(1), GossipAddr: "10.0.0.1:7946", Status: member.Alive}}
	if err := k.update(testID(0), other); err == nil {
		t.Error("a failed save is not told of")
	}
	keeper.mended = true
	if err := k.update(testID(0), other); err != nil || keeper.saved == nil {
		t.Errorf("what could not be kept is never kept: %v", err)
	}
}
