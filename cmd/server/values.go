package server

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Limits of settings.
const (
	minCache       = 1 << 20  // bytes; a store below it thrashes
	minMemoryLimit = 32 << 20 // bytes; below it the collector would never rest
	minKey         = 32       // characters
	maxKey         = 1024     // characters
	maxExpect      = 5        // a group has at most five voters; further nodes join it
	maxZone        = 63       // bytes; it travels in every gossip message
	maxProxies     = 256      // each is looked at for every call
	gossipPort     = "7946"
)

// hostPattern is a DNS name. Underscores are no host names by the book, but Docker makes them.
const hostPattern = `^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?$`

func checkSet(v string) error {
	if v == "" {
		return errors.New("it is empty")
	}
	return nil
}

func checkFormat(v string) error {
	if v != "text" && v != "json" {
		return fmt.Errorf("%q is neither text nor json", v)
	}
	return nil
}

func checkZone(v string) error {
	if len(v) > maxZone || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("%q is not a zone of at most %d printable characters", v, maxZone)
	}
	return nil
}

// checkKey accepts an API key. It never repeats the value in its message: messages end in logs.
func checkKey(v string) error {
	if len(v) < minKey || len(v) > maxKey {
		return fmt.Errorf("it has %d characters and needs %d to %d", len(v), minKey, maxKey)
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it may hold printable ASCII characters only, and no spaces")
	}
	return nil
}

// checkListen accepts host:port to listen on.
func checkListen(v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q is not host:port (:8080 listens on every interface)", v)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: the port is not a number from 0 to 65535", v)
	}
	if host != "" && checkHostName(host) != nil {
		return fmt.Errorf("%q: %q is neither an address nor a name", v, host)
	}
	return nil
}

// checkHost accepts what other nodes can dial: an address or a name, no port, not "every interface".
func checkHost(v string) error {
	if addr, err := netip.ParseAddr(v); err == nil && addr.IsUnspecified() {
		return fmt.Errorf("%q is no address that other nodes could dial", v)
	}
	if _, _, err := net.SplitHostPort(v); err == nil {
		return fmt.Errorf("%q has a port; only the host is wanted, the ports are those of the listeners", v)
	}
	return checkHostName(v)
}

// checkHostName accepts an IP address or a DNS name.
func checkHostName(v string) error {
	if _, err := netip.ParseAddr(v); err == nil {
		return nil
	}
	if len(v) > 253 || !regexp.MustCompile(hostPattern).MatchString(v) {
		return fmt.Errorf("%q is neither an IP address nor a host name", v)
	}
	return nil
}

// parseSeed gives a gossip seed its port. An srv:// name has none, DNS tells it.
func parseSeed(v string) (string, error) {
	if name, ok := strings.CutPrefix(v, "srv://"); ok {
		if err := checkHostName(name); err != nil {
			return "", fmt.Errorf("%q: the name after srv:// is no DNS name", v)
		}
		return v, nil
	}
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		// No port, or a bare IPv6 address, with or without brackets.
		host, port = strings.TrimSuffix(strings.TrimPrefix(v, "["), "]"), gossipPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q: the port is not a number from 1 to 65535", v)
	}
	if err := checkHostName(host); err != nil {
		return "", fmt.Errorf("%q is not host[:port]: %w", v, err)
	}
	return net.JoinHostPort(host, port), nil
}

// parseLimit reads how often something may be done a second; 0 means any number.
func parseLimit(v string, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%q is not a number from 0 (any number) to %d", v, most)
	}
	return n, nil
}

// parseProxy reads an address, or a network in CIDR notation.
func parseProxy(v string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(v)
	if err != nil {
		address, err := netip.ParseAddr(v)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is neither an IP address nor a network such as 10.0.0.0/8", v)
		}
		network = netip.PrefixFrom(address, address.BitLen())
	}
	if inside := network.Addr().Unmap(); inside != network.Addr() { // addresses of clients are compared as IPv4
		if network.Bits() < 128-inside.BitLen() {
			return netip.Prefix{}, fmt.Errorf("%q is a network of more than IPv4 addresses, written as such", v)
		}
		network = netip.PrefixFrom(inside, network.Bits()-(128-inside.BitLen()))
	}
	return network.Masked(), nil
}

// parseBase returns the base of short URLs without a slash at its end.
func parseBase(v string) (string, error) {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%q is not a URL like https://s.example.org", v)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return "", fmt.Errorf("%q has more than scheme, host, port and path", v)
	}
	return strings.TrimRight(v, "/"), nil
}

// parseBytes reads a size: a number with an optional unit, B, KiB, MiB, GiB or TiB (K, M, G, T and KB … mean the same).
func parseBytes(v string) (int64, error) {
	digits := strings.TrimRight(v, "BbIiKkMmGgTt ")
	unit := strings.ToUpper(strings.TrimSpace(v[len(digits):]))
	shift, ok := map[string]uint{
		"": 0, "B": 0, "K": 10, "KB": 10, "KIB": 10, "M": 20, "MB": 20, "MIB": 20,
		"G": 30, "GB": 30, "GIB": 30, "T": 40, "TB": 40, "TIB": 40,
	}[unit]
	n, err := strconv.ParseUint(digits, 10, 63)
	if !ok || err != nil || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size like 64MiB or 1GiB", v)
	}
	return int64(n << shift), nil //nolint:gosec // bounded in the line above
}

// formatBytes writes a size the way parseBytes reads it.
func formatBytes(n int64) string {
	for _, u := range []struct {
		shift uint
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n >= 1<<u.shift && n%(1<<u.shift) == 0 {
			return fmt.Sprintf("%d%s", n>>u.shift, u.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}
