package country

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
)

// world is the database most tests look into.
func world(t testing.TB) []byte {
	return database(t, map[string]fields{
		"192.0.2.0/24":      in("DE"),
		"198.51.100.0/25":   in("FR"),
		"198.51.100.128/25": in("JP"),
		"203.0.113.7/32":    {"registered_country": fields{"iso_code": "BR"}},
		"203.0.113.8/32":    {"country": fields{"iso_code": "CH"}, "registered_country": fields{"iso_code": "US"}},
		"203.0.113.9/32":    {"country": fields{"names": "none"}, "registered_country": fields{"iso_code": "NZ"}},
		"203.0.113.10/32":   {"country": "Germany"},
		"203.0.113.11/32":   in("de"),
		"203.0.113.12/32":   in("DEU"),
		"203.0.113.13/32":   in("D"),
		"203.0.113.14/32":   in(""),
		"203.0.113.15/32":   in("Ä"),
		"203.0.113.16/32":   {"country": fields{"iso_code": uint32(7)}},
		"203.0.113.17/32":   {},
		"203.0.113.18/32":   {"country": fields{"iso_code": "??"}, "registered_country": fields{"iso_code": "AU"}},
		"2001:db8::/32":     in("IT"),
		"2001:db9:1::/48":   in("SE"),
	})
}

// disk is a file system of one file, which can be exchanged.
type disk struct {
	mu       sync.Mutex
	contents []byte
	err      error
}

func (d *disk) set(contents []byte, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.contents, d.err = contents, err
}

func (d *disk) open() (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	return fstest.MapFS{"db": {Data: d.contents}}.Open("db")
}

func TestCountriesOfAddresses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "country.mmdb")
	if err := os.WriteFile(path, world(t), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"192.0.2.0": "DE", "192.0.2.255": "DE", "192.0.3.0": "", "192.0.1.255": "",
		"198.51.100.127": "FR", "198.51.100.128": "JP",
		"203.0.113.7": "BR", "203.0.113.8": "CH", "203.0.113.9": "NZ", "203.0.113.18": "AU",
		"203.0.113.10": "", "203.0.113.11": "", "203.0.113.12": "", "203.0.113.13": "", "203.0.113.14": "",
		"203.0.113.15": "", "203.0.113.16": "", "203.0.113.17": "",
		"::ffff:192.0.2.1": "DE", "::192.0.2.1": "DE", "::ffff:10.0.0.1": "",
		"2001:db8::": "IT", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff": "IT", "2001:db8::1%eth0": "IT",
		"2001:db9:1::5": "SE", "2001:db9:2::5": "", "::1": "", "fe80::1%lo": "", "0.0.0.0": "", "255.255.255.255": "",
	} {
		if got := f.Country(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if got := f.Country(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
	var none *Finder
	if got := none.Country(netip.MustParseAddr("192.0.2.1")); got != "" {
		t.Errorf("no finder: %q", got)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken disk")
	whole := world(t)
	if _, err := Open(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a directory was read")
	}
	for name, c := range map[string]struct {
		file File
		want error
	}{
		"larger than it may be":        {sized{Reader: bytes.NewReader(nil), size: MaxSize + 1}, ErrTooLarge},
		"of a negative size":           {sized{Reader: bytes.NewReader(nil), size: -1}, ErrDamaged},
		"fails half-way":               {sized{Reader: io.MultiReader(bytes.NewReader(whole[:100]), fails{broken})}, broken},
		"fails when it is closed":      {sized{Reader: bytes.NewReader(whole), closing: broken}, broken},
		"fails when its size is asked": {sized{Reader: bytes.NewReader(whole), asking: broken}, broken},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := OpenSource(func() (File, error) { return c.file, nil })
			if !errors.Is(err, c.want) || f != nil {
				t.Errorf("%v, %v; want %v", f, err, c.want)
			}
		})
	}
}

func TestNoMoreIsReadThanMayBe(t *testing.T) {
	for size, want := range map[int]error{0: nil, 99: nil, 100: nil, 101: ErrTooLarge, 5000: ErrTooLarge} {
		for said := range map[int64]bool{0: true, int64(min(size, 100)): true} { // a file that grows, and one of /proc
			file := sized{Reader: bytes.NewReader(make([]byte, size)), size: said}
			contents, err := readAll(func() (File, error) { return file, nil }, 100)
			if !errors.Is(err, want) || err == nil && len(contents) != size {
				t.Errorf("%d bytes, said to be %d: %d bytes, %v", size, said, len(contents), err)
			}
		}
	}
	if _, err := readAll(func() (File, error) { return sized{Reader: endless{}}, nil }, 100); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file without an end: %v", err)
	}
}

// sized is a file of which everything can be said. Its size is not that of what is read.
type sized struct {
	io.Reader
	fs.FileInfo
	size            int64
	asking, closing error
}

func (s sized) Size() int64                { return s.size }
func (s sized) Stat() (fs.FileInfo, error) { return s, s.asking }
func (s sized) Close() error               { return s.closing }

// endless is a reader that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// fails is a reader that does nothing else.
type fails struct{ err error }

func (f fails) Read([]byte) (int, error) { return 0, f.err }

func TestDamagedFiles(t *testing.T) {
	whole := world(t)
	for n := range len(whole) {
		if _, err := openBytes(whole[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
	zeroed := bytes.Clone(whole)
	clear(zeroed[:6])
	ones := bytes.Clone(whole)
	for i := range 6 {
		ones[i] = 0xff
	}
	for name, contents := range map[string][]byte{
		"a tree that turns in a circle": zeroed,
		"leads out of the file":         ones,
		"without a beginning":           whole[200:],
		"text":                          []byte("country,code\n"),
		"the marker alone":              []byte("\xab\xcd\xefMaxMind.com"),
	} {
		if _, err := openBytes(contents); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func openBytes(contents []byte) (*Finder, error) { return OpenSource((&disk{contents: contents}).open) }

func TestReloadKeepsWhatItHasUntilThereIsBetter(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.1")
	d := &disk{contents: world(t)}
	f, err := OpenSource(d.open)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken disk")
	for _, c := range []struct {
		contents []byte
		err      error
		want     error
		country  string
	}{
		{nil, broken, broken, "DE"},
		{nil, nil, ErrDamaged, "DE"},
		{world(t)[:500], nil, ErrDamaged, "DE"},
		{database(t, map[string]fields{"192.0.2.0/25": in("AT")}), nil, nil, "AT"},
		{nil, fs.ErrNotExist, fs.ErrNotExist, "AT"},
		{database(t, map[string]fields{"::/1": in("IS")}), nil, nil, "IS"},
		{database(t, map[string]fields{"8000::/1": in("IS")}), nil, nil, ""},
	} {
		d.set(c.contents, c.err)
		if err := f.Reload(); !errors.Is(err, c.want) {
			t.Errorf("reload: %v, want %v", err, c.want)
		}
		if got := f.Country(address); got != c.country {
			t.Errorf("%q, want %q", got, c.country)
		}
	}
}

func TestReloadWhileAddressesAreLookedUp(t *testing.T) {
	const rounds = 50
	address := netip.MustParseAddr("192.0.2.1")
	german, austrian := world(t), database(t, map[string]fields{"192.0.2.0/24": in("AT")})
	d := &disk{contents: german}
	f, err := OpenSource(d.open)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var lookers, reloaders sync.WaitGroup
	for range 2 {
		lookers.Go(func() {
			for {
				if got := f.Country(address); got != "DE" && got != "AT" {
					t.Errorf("%q", got)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
		reloaders.Go(func() {
			for i := range rounds {
				d.set([][]byte{german, austrian, german[:99]}[i%3], nil)
				if err := f.Reload(); err != nil && !errors.Is(err, ErrDamaged) {
					t.Error(err)
				}
			}
		})
	}
	reloaders.Wait()
	close(done)
	lookers.Wait()
	d.set(austrian, nil)
	if err := f.Reload(); err != nil || f.Country(address) != "AT" {
		t.Errorf("%v, %q", err, f.Country(address))
	}
}

// FuzzFinder reads files nobody wrote: whatever they hold, it is refused, or every answer is a code or none.
func FuzzFinder(f *testing.F) {
	whole := world(f)
	f.Add(whole, []byte{192, 0, 2, 1})
	f.Add(whole[:len(whole)-1], []byte{192, 0, 2, 1})
	f.Add(database(f, map[string]fields{"2001:db8::/32": in("IT")}), netip.MustParseAddr("2001:db8::1").AsSlice())
	f.Fuzz(func(t *testing.T, contents, address []byte) {
		finder, err := openBytes(contents)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		addr, _ := netip.AddrFromSlice(address)
		if code := finder.Country(addr); code != "" && !isCode(code) {
			t.Errorf("%q", code)
		}
	})
}

func BenchmarkCountry(b *testing.B) {
	f, err := openBytes(world(b))
	if err != nil {
		b.Fatal(err)
	}
	address := netip.MustParseAddr("198.51.100.200")
	b.ReportAllocs()
	for b.Loop() {
		if f.Country(address) != "JP" {
			b.Fatal("not found")
		}
	}
}
