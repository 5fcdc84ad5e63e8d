package link

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// TargetRules says which targets a service takes.
type TargetRules struct {
	// Schemes are the schemes taken, in lower case; none means http and https.
	Schemes []string
	// OwnHosts are the hosts of the service itself, whose URLs are refused (they would redirect in a circle): "host" for
	// any port of it, "host:port" for that port alone.
	OwnHosts []string
}

// ParseTarget checks a URL and gives it back byte for byte. Everything refused is an ErrInvalidTarget that says why.
//
// Only scheme and authority are read: what follows is between the browser and the site, and real links hold paths that no
// strict parser takes. Hosts are compared the way browsers read them: percent-decoded, mapped to punycode, without a
// trailing dot. Numeric spellings of an IPv4 address (0x7f.1) are strangers to their dotted form.
func ParseTarget(s string, rules TargetRules) (Target, error) {
	if err := checkText(s); err != nil {
		return "", err
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !rules.takes(scheme) {
		return "", invalidTarget("it must begin with %s://", strings.Join(rules.schemes(), ":// or "))
	}
	// Browsers end the authority at a backslash, others do not: what the two would read differently is refused.
	authority := rest[:authorityEnd(rest)]
	if strings.ContainsRune(authority, '\\') {
		return "", invalidTarget("backslash in the host")
	}
	host, port, err := splitAuthority(authority)
	if err != nil {
		return "", err
	}
	if port == "" {
		port = defaultPort(strings.ToLower(scheme))
	}
	for _, own := range rules.OwnHosts {
		if ownHost(own, host, port) {
			return "", invalidTarget("it leads to this service itself")
		}
	}
	return Target(s), nil
}

// schemes are the schemes taken, with the default filled in.
func (r TargetRules) schemes() []string {
	if len(r.Schemes) == 0 {
		return []string{"http", "https"}
	}
	return r.Schemes
}

func (r TargetRules) takes(scheme string) bool {
	return slices.ContainsFunc(r.schemes(), func(s string) bool { return strings.EqualFold(s, scheme) })
}

// checkText refuses what a header or a JSON string could not carry unchanged.
func checkText(s string) error {
	switch {
	case s == "":
		return invalidTarget("it is empty")
	case len(s) > MaxTarget:
		return invalidTarget("longer than %d bytes", MaxTarget)
	case !utf8.ValidString(s):
		return invalidTarget("it is not valid UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return invalidTarget("it holds control characters")
	case strings.TrimSpace(s) != s:
		return invalidTarget("it begins or ends with a space")
	}
	return nil
}

// authorityEnd is where the authority of what follows "://" ends.
func authorityEnd(rest string) int {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return end
	}
	return len(rest)
}

// splitAuthority gives the comparable host and the port of an authority.
func splitAuthority(authority string) (host, port string, err error) {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	host = authority
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return "", "", invalidTarget("port %q", port)
		}
		port = strconv.FormatUint(n, 10)
	}
	if host, err = comparableHost(host); err != nil {
		return "", "", err
	}
	return host, port, nil
}

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
	if name == "" || name[0] == '.' {
		return "", invalidTarget("host %q", host)
	}
	return name, nil
}

// plainName reports whether mapping would change nothing of a host but its case: ASCII without escapes, and no label in
// punycode, which is to be judged. Nearly all hosts are such, and mapping costs more than all else that is done to a target.
func plainName(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_':
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

// ownHost reports whether host and port are those of own ("host" or "host:port"). An own host that cannot be read is
// compared as it stands.
func ownHost(own, host, port string) bool {
	ownName, ownPort, err := splitAuthority(own)
	if err != nil {
		return strings.EqualFold(own, host)
	}
	return ownName == host && (ownPort == "" || ownPort == port)
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

func invalidTarget(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidTarget}, args...)...)
}
