package redirect

import (
	"net/url"
	"strings"

	"tinyurl/fsm/link"
)

const (
	// maxForwarded is the longest query of a visitor that is passed on, in bytes. A longer one is left out: the visitor arrives all
	// the same.
	maxForwarded = 4 << 10
	// maxLocation is the longest target that grows by a query, in bytes: browsers, proxies and servers take so much for sure.
	maxLocation = 8 << 10
)

// forward gives where a visitor with a query is sent. Parameters of the visitor's come behind those of the target, in the place of
// all that have the same name there; a fragment stays at the end. What is kept of the target stays as it is, byte for byte.
func forward(found link.Route, query string) link.Target {
	if query == "" || found.DropQuery || len(query) > maxForwarded {
		return found.Target
	}
	added, names := incoming(query)
	if len(added) == 0 {
		return found.Target
	}
	whole, fragment := cutBefore(string(found.Target), '#')
	address, own := cutBefore(whole, '?')
	parameters := keep(strings.TrimPrefix(own, "?"), names)
	merged := address + "?" + strings.Join(append(parameters, added...), "&") + fragment
	if len(merged) > max(maxLocation, len(found.Target)) {
		return found.Target
	}
	return link.Target(merged)
}

// cutBefore cuts s in two before the first c.
func cutBefore(s string, c byte) (before, from string) {
	if at := strings.IndexByte(s, c); at >= 0 {
		return s[:at], s[at:]
	}
	return s, ""
}

// incoming takes a visitor's query apart: its parameters, fit to stand in a URL, and their names.
func incoming(query string) (parameters []string, names map[string]bool) {
	names = make(map[string]bool)
	for parameter := range strings.SplitSeq(query, "&") {
		if parameter == "" {
			continue
		}
		parameter = sanitized(parameter)
		parameters = append(parameters, parameter)
		names[nameOf(parameter)] = true
	}
	return parameters, names
}

// keep gives the parameters of a target's own query that are not named, as they are, without empty ones.
func keep(own string, names map[string]bool) (kept []string) {
	for parameter := range strings.SplitSeq(own, "&") {
		if parameter != "" && !names[nameOf(parameter)] {
			kept = append(kept, parameter)
		}
	}
	return kept
}

// nameOf gives the decoded name of a parameter; one that cannot be decoded is itself.
func nameOf(parameter string) string {
	name, _, _ := strings.Cut(parameter, "=")
	if decoded, err := url.QueryUnescape(name); err == nil {
		return decoded
	}
	return name
}

// sanitized escapes what must not stand in a query: a visitor sends what they like, and it becomes part of a header and of a URL.
// An escape that is none is escaped itself; what was right stays as it is.
func sanitized(parameter string) string {
	const upperHex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(parameter) {
		c := parameter[i]
		if inQuery(c) || c == '%' && i+2 < len(parameter) && isHex(parameter[i+1]) && isHex(parameter[i+2]) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

// inQuery reports whether c may stand in a parameter as it is: what RFC 3986 allows in a query, and the brackets and bars that are
// all over the web and that no browser escapes.
func inQuery(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$'()*+,;=:@/?[]|", c) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
