// Package country tells which country an address belongs to, by a database file in the MaxMind DB format.
package country

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Finder tells the country of an address by a database file that can be exchanged while it runs. All methods may be called at the
// same time; a nil Finder knows no country.
type Finder struct {
	source Source

	reloading sync.Mutex // one reading at a time, so that the newest contents are what stays
	current   atomic.Pointer[maxminddb.Reader]
}

// Open reads the database at path, which Reload will read again. Errors are ErrTooLarge, ErrDamaged, and those of the file system.
func Open(path string) (*Finder, error) {
	return OpenSource(func() (File, error) { return os.Open(path) })
}

// OpenSource is Open for a file that is opened by source, here and at every Reload.
func OpenSource(source Source) (*Finder, error) {
	f := &Finder{source: source}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the file again; look-ups go on meanwhile, and both contents are in memory until it is done. On an error, which is one
// of Open's, the old contents stay in use.
func (f *Finder) Reload() error {
	f.reloading.Lock()
	defer f.reloading.Unlock()
	contents, err := readAll(f.source, MaxSize)
	if err != nil {
		return fmt.Errorf("reading the countries of addresses: %w", err)
	}
	database, err := maxminddb.OpenBytes(contents)
	if err == nil {
		err = database.Verify() // what is broken is told now, not found out visit by visit
	}
	if err != nil {
		return fmt.Errorf("reading the countries of addresses: %w: %w", ErrDamaged, err)
	}
	f.current.Store(database) // the old one is freed when the last look-up in it is done
	return nil
}

// ErrDamaged is returned for a file that is no database, or a broken one.
var ErrDamaged = errors.New("the file is no intact MaxMind DB")

// Where a country's code is in a record: that of the address, or else that of whoever the network is registered to.
var (
	located    = []any{"country", "iso_code"}
	registered = []any{"registered_country", "iso_code"}
)

// Country is the ISO 3166-1 alpha-2 code of the country addr is in, in upper case, or "" if it is unknown. An IPv4 address may be
// given as one of IPv6 (::ffff:192.0.2.1).
func (f *Finder) Country(addr netip.Addr) string {
	if f == nil || !addr.IsValid() {
		return ""
	}
	record := f.current.Load().Lookup(addr.Unmap())
	if !record.Found() {
		return ""
	}
	for _, path := range [...][]any{located, registered} {
		var code string
		if err := record.DecodePath(&code, path...); err == nil && isCode(code) {
			return code
		}
	}
	return ""
}

// isCode reports whether s is spelt as a country's code is.
func isCode(s string) bool {
	return len(s) == 2 && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}
