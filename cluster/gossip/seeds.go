package gossip

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// DefaultPort is the gossip port of a seed that names none.
const DefaultPort = 7946

// resolveTimeout bounds each look-up of a name.
const resolveTimeout = 5 * time.Second

// Resolver looks up names; *net.Resolver is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) (addrs []string, err error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
}

// Seed is one place to look for the cluster.
type Seed struct {
	text string
	host string
	port int
	srv  bool // host is the name of SRV records, which bring their own ports
}

// String returns the seed as it was written.
func (s Seed) String() string { return s.text }

// ParseSeed reads host[:port] (an IP address, or a name that stands for all
// its addresses; the port is DefaultPort if absent) or srv://name (the hosts
// and ports of the name's SRV records). Errors wrap ErrConfig.
func ParseSeed(text string) (Seed, error) {
	bad := func(why string) (Seed, error) {
		return Seed{}, fmt.Errorf("%w: seed %q: %s", ErrConfig, text, why)
	}
	if name, ok := strings.CutPrefix(text, "srv://"); ok {
		if name == "" || strings.ContainsAny(name, ":/ ") {
			return bad("want srv://NAME")
		}
		return Seed{text: text, host: name, srv: true}, nil
	}
	if strings.Contains(text, "://") {
		return bad("want HOST[:PORT] or srv://NAME")
	}
	host, portText := text, strconv.Itoa(DefaultPort)
	if ip, ok := bareIP(text); ok {
		host = ip // which may have colons of its own
	} else if strings.Contains(text, ":") {
		var err error
		if host, portText, err = net.SplitHostPort(text); err != nil {
			return bad("want HOST[:PORT]")
		}
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return bad("the port must be 1 to 65535")
	}
	if host == "" || strings.ContainsAny(host, "/ \t") {
		return bad("no host")
	}
	return Seed{text: text, host: host, port: int(port)}, nil
}

// bareIP reads an IP address without a port, IPv6 with or without brackets.
func bareIP(text string) (string, bool) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if text, ok = strings.CutSuffix(inner, "]"); !ok {
			return "", false
		}
	}
	ip := net.ParseIP(text)
	return ip.String(), ip != nil
}

func parseSeeds(texts []string) ([]Seed, error) {
	seeds := make([]Seed, 0, len(texts))
	for _, text := range texts {
		seed, err := ParseSeed(text)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

// netAddr is a resolved address.
type netAddr struct {
	ip   string
	port int
}

func (a netAddr) String() string { return net.JoinHostPort(a.ip, strconv.Itoa(a.port)) }

// resolve returns the IP:port addresses the seed stands for now.
func (s Seed) resolve(ctx context.Context, r Resolver) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if !s.srv {
		return lookup(ctx, r, s.host, s.port)
	}
	_, records, err := r.LookupSRV(ctx, "", "", s.host)
	if err != nil {
		return nil, fmt.Errorf("seed %s: %w", s, err)
	}
	var all []string
	var failed error
	for _, rec := range records {
		addrs, err := lookup(ctx, r, strings.TrimSuffix(rec.Target, "."), int(rec.Port))
		if err != nil {
			failed = err // one dead host does not hide the others
			continue
		}
		all = append(all, addrs...)
	}
	if len(all) == 0 && failed != nil {
		return nil, fmt.Errorf("seed %s: %w", s, failed)
	}
	return all, nil
}

func lookup(ctx context.Context, r Resolver, host string, port int) ([]string, error) {
	if ip := net.ParseIP(host); ip != nil {
		return []string{netAddr{ip.String(), port}.String()}, nil
	}
	ips, err := r.LookupHost(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	addrs := make([]string, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, netAddr{ip, port}.String())
	}
	return addrs, nil
}
