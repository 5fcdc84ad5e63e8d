package link

import (
	"fmt"
	"strings"
)

// ParseHost gives the one spelling in which hosts are compared, as HostOf does: what is spelled so is spelled as itself.
// ErrInvalidField: it is no host, or there is more to it, such as a port.
func ParseHost(s string) (string, error) {
	host, err := comparableHost(s)
	if err != nil {
		return "", fmt.Errorf("%w: %q is no host", ErrInvalidField, s)
	}
	return host, nil
}

// HostOf gives the host of a target as ParseHost spells it, without the port; empty for what is no target. How names are mapped
// may change from one version of the program to the next, so replicas are told it and do not ask.
func HostOf(t Target) string {
	_, rest, ok := strings.Cut(string(t), "://")
	if !ok {
		return ""
	}
	host, _, err := splitAuthority(rest[:authorityEnd(rest)])
	if err != nil {
		return ""
	}
	return host
}
