package link

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
// trailing dot, and IPv4 addresses, however they are spelled (0x7f.1), in their dotted form.
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
