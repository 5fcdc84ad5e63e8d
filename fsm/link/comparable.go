package link

import (
	"encoding/binary"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// comparableHost gives the one spelling in which hosts are compared.
func comparableHost(host string) (string, error) {
	if host == "" {
		return "", invalidTarget("a host is required")
	}
	if host[0] == '[' {
		address, err := netip.ParseAddr(strings.TrimSuffix(host[1:], "]"))
		if err != nil || !address.Is6() || address.Zone() != "" || !strings.HasSuffix(host, "]") {
			return "", invalidTarget("host %q", host)
		}
		if address.Is4In6() {
			return address.Unmap().String(), nil
		}
		return "[" + address.String() + "]", nil
	}
	name := host
	if !plainName(host) {
		var err error
		if name, err = mappedName(host); err != nil {
			return "", err
		}
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if !endsInNumber(name) {
		return name, nil
	}
	address, ok := parseIPv4(name)
	if !ok {
		return "", invalidTarget("host %q", host)
	}
	return address, nil
}

// plainName reports whether mapping would change nothing of a host but its case: ASCII without escapes, and no label that is
// empty or in punycode, which are to be judged. Nearly all hosts are such, and mapping costs more than all else that is done to
// a target.
func plainName(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case c == '.' && i > 0 && host[i-1] != '.':
		case c == '-' && (i == 0 || host[i-1] != '-'): // two of them may be those of "xn--"
		default:
			return false
		}
	}
	return true
}

// mappedName gives the ASCII name that browsers make of a host.
func mappedName(host string) (string, error) {
	name, err := url.PathUnescape(host)
	if err != nil || !utf8.ValidString(name) || strings.ContainsFunc(name, notInHost) {
		return "", invalidTarget("host %q", host)
	}
	// Checked again: the mapping may have made a forbidden character of a lookalike.
	if name, err = hostProfile().ToASCII(name); err != nil || strings.ContainsFunc(name, notInHost) {
		return "", invalidTarget("host %q", host)
	}
	if name == "" || name[0] == '.' || strings.Contains(name, "..") {
		return "", invalidTarget("host %q has an empty label", host)
	}
	return name, nil
}

// hostProfile maps names as browsers do (UTS 46, non-transitional) and takes the underscores that real names hold.
func hostProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))
}

// notInHost reports whether no host can hold r (the forbidden domain code points of the URL standard).
func notInHost(r rune) bool {
	return r <= ' ' || r == 0x7f || unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`"#%/:<>?@[\]^`+"`{|}", r)
}

// endsInNumber reports whether browsers take a host, in lower case and without a trailing dot, for an IPv4 address or for
// nothing: its last label is a number (the ends-in-a-number checker of the URL standard).
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || last[0] < '0' || last[0] > '9' { // as nearly always
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true // also one that is none, such as 09
	}
	_, ok := parseIPv4Number(last)
	return ok
}

// parseIPv4 gives the dotted form of an address of one to four numbers, of which the last fills what is left (the IPv4 parser
// of the URL standard).
func parseIPv4(host string) (dotted string, ok bool) {
	if address, err := netip.ParseAddr(host); err == nil && address.Is4() {
		return host, true // as nearly always
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return "", false
	}
	var value uint64
	for i, part := range parts {
		limit, shift := uint64(1)<<8, 8*(3-i)
		if i == len(parts)-1 {
			limit, shift = 1<<(8*(4-i)), 0
		}
		n, ok := parseIPv4Number(part)
		if !ok || n >= limit {
			return "", false
		}
		value |= n << shift
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(value)))).String(), true
}

// parseIPv4Number reads a number in decimal, in octal with a leading 0, or in hexadecimal with a leading 0x, which alone is 0. What
// has no room in 64 bits is as much too large as what has none in 32.
func parseIPv4Number(s string) (n uint64, ok bool) {
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"):
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, s = 8, s[1:]
	case s == "":
		return 0, false
	}
	if s == "" {
		return 0, true
	}
	digits := "0123456789abcdef"[:base]
	if strings.Trim(s, digits) != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil { // too large: the standard's numbers have no end
		n = 1<<64 - 1
	}
	return n, true
}
