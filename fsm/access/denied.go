package access

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Limits of the list of denied hosts.
const (
	// MaxDenied is how many hosts can be denied.
	MaxDenied = 100_000
	// MaxHost is the longest host, in bytes.
	MaxHost = 255
	// MaxReason is the longest reason of a denial or a report, in bytes.
	MaxReason = 512
	// maxLabels is how many labels a denied host has at most: a target's host is looked for with as many of its last ones.
	maxLabels = 8
)

// Denied is a host to which no link may lead, nor to any name below it.
type Denied struct {
	Host      string // in the spelling in which hosts are compared, see link.ParseHost
	Reason    string // may be empty
	CreatedAt time.Time
}

// Check is nil, or an ErrInvalid that says what of d cannot be taken.
func (d Denied) Check() error {
	if d.Host == "" || len(d.Host) > MaxHost || !isAddress(d.Host) && strings.Count(d.Host, ".") >= maxLabels {
		return fmt.Errorf("%w: a host has 1 to %d bytes, and at most %d labels", ErrInvalid, MaxHost, maxLabels)
	}
	for i := range len(d.Host) {
		if c := d.Host[i]; c <= ' ' || c > '~' || 'A' <= c && c <= 'Z' {
			return fmt.Errorf("%w: a host is written in lower case, and with other letters than those of ASCII in punycode", ErrInvalid)
		}
	}
	return checkReason(d.Reason)
}

// Covering gives the hosts of which one must be denied for host to be: itself, and the names it lies below. None of them is
// longer than a denied host can be.
func Covering(host string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if isAddress(host) {
			yield(host)
			return
		}
		labels := strings.Count(host, ".") + 1
		for ; labels > 0; labels-- {
			if labels <= maxLabels && len(host) <= MaxHost && !yield(host) {
				return
			}
			_, host, _ = strings.Cut(host, ".")
		}
	}
}

// isAddress reports whether host is an IP address, which has no names above it: as browsers see it, by its last label alone.
// Replicas ask this, so the answer must not depend on what a library takes for an address.
func isAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.HasPrefix(host, "[") || last != "" && strings.Trim(last, "0123456789") == ""
}
