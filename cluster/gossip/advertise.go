package gossip

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// advertised finds the address to tell the others. Fields left empty are for
// the transport to fill.
func advertised(ctx context.Context, c Config) (netAddr, error) {
	if c.AdvertiseAddr != "" {
		return lookupAdvertised(ctx, c)
	}
	if c.Transport != nil {
		return netAddr{}, nil
	}
	host, _, err := splitBind(c.BindAddr)
	if err != nil {
		return netAddr{}, err
	}
	if !net.ParseIP(host).IsUnspecified() {
		return netAddr{ip: host}, nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netAddr{}, fmt.Errorf("find an address of this machine: %w", err)
	}
	ip := bestIP(addrs)
	if ip == nil {
		return netAddr{}, fmt.Errorf("%w: this machine has no address to advertise: set one", ErrConfig)
	}
	return netAddr{ip: ip.String()}, nil
}

func lookupAdvertised(ctx context.Context, c Config) (netAddr, error) {
	host, port := c.AdvertiseAddr, 0
	if ip, ok := bareIP(host); ok {
		host = ip
	} else if strings.Contains(host, ":") {
		var portText string
		var err error
		if host, portText, err = net.SplitHostPort(c.AdvertiseAddr); err != nil {
			return netAddr{}, fmt.Errorf("%w: advertised address %q: %w", ErrConfig, c.AdvertiseAddr, err)
		}
		n, err := strconv.ParseUint(portText, 10, 16)
		if err != nil {
			return netAddr{}, fmt.Errorf("%w: advertised address %q: not a port", ErrConfig, c.AdvertiseAddr)
		}
		port = int(n)
	}
	if ip := net.ParseIP(host); ip != nil {
		return netAddr{ip.String(), port}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := c.Resolver.LookupHost(ctx, host)
	if err != nil {
		return netAddr{}, fmt.Errorf("look up the advertised address: %w", err)
	}
	if len(ips) == 0 {
		return netAddr{}, fmt.Errorf("look up the advertised address %s: no addresses", host)
	}
	return netAddr{ips[0], port}, nil
}

// bestIP picks the address other machines most likely reach: private before
// public (gossip belongs inside), IPv4 before IPv6, loopback only if there is
// nothing else.
func bestIP(addrs []net.Addr) net.IP {
	var best net.IP
	bestRank := 0
	for _, a := range addrs {
		ipnet, ok := a.(*net.IPNet)
		if !ok || ipnet.IP.IsLinkLocalUnicast() || ipnet.IP.IsMulticast() {
			continue
		}
		rank := 1
		if !ipnet.IP.IsLoopback() {
			rank = 3
			if ipnet.IP.IsPrivate() {
				rank = 5
			}
		}
		if ipnet.IP.To4() != nil {
			rank++
		}
		if rank > bestRank {
			best, bestRank = ipnet.IP, rank
		}
	}
	return best
}
