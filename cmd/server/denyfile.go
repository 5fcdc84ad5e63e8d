package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"tinyurl/api"
	"tinyurl/fsm/access"
)

const (
	// maxDenyLine and maxDenyHosts bound the deny file: bytes a line, and hosts. Each host takes some 100 bytes of memory.
	maxDenyLine  = 4 << 10
	maxDenyHosts = 1_000_000
)

// denyFile is the set of hosts in --deny-file, read again on reload while requests go on.
type denyFile struct {
	path    string
	current atomic.Pointer[map[string]struct{}] // the set is immutable
}

// loadDenyFile reads the file.
func loadDenyFile(path string) (*denyFile, error) {
	d := &denyFile{path: path}
	return d, d.reload()
}

// reload reads the file again. On an error the hosts that are denied already stay so.
func (d *denyFile) reload() error {
	hosts, err := readDenyFile(d.path)
	if err != nil {
		return fmt.Errorf("reading --deny-file: %w", err)
	}
	d.current.Store(&hosts)
	return nil
}

// size is how many hosts are in the file.
func (d *denyFile) size() int { return len(*d.current.Load()) }

// denies reports whether a host, as link.HostOf spells it, or a name above it is in the file.
func (d *denyFile) denies(host string) bool {
	hosts := *d.current.Load()
	for covering := range access.Covering(host) {
		if _, denied := hosts[covering]; denied {
			return true
		}
	}
	return false
}

func readDenyFile(path string) (hosts map[string]struct{}, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if hosts, err = parseDenied(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return hosts, nil
}

// parseDenied reads hosts, one a line, in any spelling. # begins a comment.
func parseDenied(r io.Reader) (map[string]struct{}, error) {
	hosts := make(map[string]struct{})
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxDenyLine)
	n := 1
	for ; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		host, err := api.DeniedHost(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q cannot be denied: one host a line is wanted, without scheme, port and path, such as example.com", n, text)
		}
		if hosts[host] = struct{}{}; len(hosts) > maxDenyHosts {
			return nil, fmt.Errorf("line %d: there are more than %d hosts", n, maxDenyHosts)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: it is longer than %d bytes", n, maxDenyLine)
	case err != nil:
		return nil, err
	}
	return hosts, nil
}
