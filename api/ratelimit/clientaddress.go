package ratelimit

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedFor is the header in which each proxy appends the address it was asked from.
const forwardedFor = "X-Forwarded-For"

// Clients tells from where requests come. The zero value believes no header: the address is the connection's.
type Clients struct {
	// Trusted are the addresses of proxies whose word counts. They must not change.
	Trusted []netip.Prefix
}

// Of gives the address of a request's client: the rightmost one of X-Forwarded-For that is no trusted proxy's, if the request comes
// from a trusted proxy. What is left of that anybody may have written, and an entry that is no address ends the way: then the client
// is whoever sent it. The zero Addr stands for what cannot be read, like the address of a Unix socket.
func (c Clients) Of(r *http.Request) netip.Addr {
	from, certain := c.peer(r.RemoteAddr)
	if certain {
		return from
	}
	return c.Behind(from, r.Header[forwardedFor]...) // each proxy may have begun a line of its own
}

// Behind is the client's address where the other end of the connection is a trusted proxy, by the lines of X-Forwarded-For.
func (c Clients) Behind(proxy netip.Addr, lines ...string) netip.Addr {
	from := proxy
	for i := len(lines) - 1; i >= 0; i-- {
		for line, more := lines[i], true; more; {
			var entry string
			comma := strings.LastIndexByte(line, ',')
			entry, line, more = line[comma+1:], line[:max(comma, 0)], comma >= 0
			before, ok := parseEntry(entry)
			if !ok {
				return from
			}
			if from = before; !c.trusts(from) {
				return from
			}
		}
	}
	return from
}

// OfConn is Of for whatever comes over a connection; false if the header of each request has a say in it.
func (c Clients) OfConn(remote net.Addr) (netip.Addr, bool) {
	if tcp, ok := remote.(*net.TCPAddr); ok { // nearly always, and without a text in between
		from := plain(tcp.AddrPort().Addr())
		return from, !c.trusts(from)
	}
	return c.peer(remote.String())
}

// peer gives the address of the other end of a connection, host:port, and whether that is the client for certain.
func (c Clients) peer(remote string) (netip.Addr, bool) {
	known, _ := netip.ParseAddrPort(remote)
	from := plain(known.Addr())
	return from, !c.trusts(from)
}

func (c Clients) trusts(from netip.Addr) bool {
	return slices.ContainsFunc(c.Trusted, func(p netip.Prefix) bool { return p.Contains(from) })
}

// parseEntry reads one entry of X-Forwarded-For. Some proxies add the port, or write IPv6 in brackets.
func parseEntry(entry string) (netip.Addr, bool) {
	entry = strings.Trim(entry, " \t")
	if known, err := netip.ParseAddrPort(entry); err == nil {
		return plain(known.Addr()), true
	}
	bare, bracketed := strings.CutPrefix(entry, "[")
	if bracketed {
		var closed bool
		if bare, closed = strings.CutSuffix(bare, "]"); !closed {
			return netip.Addr{}, false
		}
	}
	known, err := netip.ParseAddr(bare)
	return plain(known), err == nil && (!bracketed || known.Is6())
}

// plain is the one spelling of an address.
func plain(from netip.Addr) netip.Addr { return from.Unmap().WithZone("") }
