// Package server puts one node together: it reads the settings, binds the listeners, opens the cluster and serves the API
// over it. It owns the wiring and nothing else; what the parts do is theirs.
package server

import (
	"errors"
	"log/slog"
	"net/netip"

	"tinyurl/cluster"
	"tinyurl/cluster/identity"
)

// ErrUsage marks errors of the command line, the environment or the configuration file, as against errors of the machine:
// the process exits with 2 instead of 1.
var ErrUsage = errors.New("usage")

// Settings is everything a node can be told. Load makes one; a value made otherwise must be complete, since the
// defaults are Load's.
type Settings struct {
	Node    NodeSettings
	Listen  ListenSettings
	Secrets SecretSettings
	Memory  MemorySettings
	Limits  LimitSettings
	Visits  VisitSettings
	Log     LogSettings

	// origins names, for each setting that somebody gave, where it came from; messages use it.
	origins map[string]string
}

// NodeSettings say who the node is and with whom it forms a cluster.
type NodeSettings struct {
	// Name is what operators call the node, 1 to 56 characters of a-z, 0-9, - and ..
	Name string
	// DataDir is the directory that holds everything the node keeps.
	DataDir string
	// LogStore is what the raft log is kept in.
	LogStore cluster.LogStore
	// Advertise is the host, without a port, at which other nodes reach this one: an IP address or a DNS name.
	Advertise string
	// Zone is the failure zone; empty for none.
	Zone string
	// Replica makes a non-voting node.
	Replica bool
	// Join are gossip seeds, each host:port or srv://name.
	Join []string
	// BootstrapExpect is the number of nodes that form a new cluster; 0 never forms one.
	BootstrapExpect int
}

// ListenSettings are the addresses of the listeners, each host:port with the host empty for all interfaces and port 0 for
// any free port.
type ListenSettings struct {
	HTTP, Cluster, Gossip string
	// Redirect is an extra listener for redirects and nothing else; empty for none.
	Redirect string
	// Ops is an extra listener for health, metrics and pprof; empty for none.
	Ops string
	// PublicURL is the base of short URLs, without a slash at the end; empty until the HTTP listener is bound, for then it is
	// made from its address.
	PublicURL string
	// TLSCert and TLSKey are PEM files; both empty for plain HTTP.
	TLSCert, TLSKey string
}

// SecretSettings are the two secrets, already read from their files where they were given as files.
type SecretSettings struct {
	// Cluster is the secret of the cluster; the zero value when the data directory has to know it.
	Cluster identity.Secret
	// RootKey is the API key with every scope; empty for the one derived from the secret.
	RootKey string
}

// MemorySettings are limits in bytes.
type MemorySettings struct {
	// Cache is the size of the store's block cache.
	Cache int64
	// Limit is the Go runtime's soft limit; 0 for none.
	Limit int64
}

// LimitSettings say who may ask for what, and how often.
type LimitSettings struct {
	// Misses is how many unknown codes a second and address the leader is asked about; 0 for any number.
	Misses int
	// Calls is how many API calls a second one key, or one address without a right one, may make; 0 for any number.
	Calls int
	// Anonymous lets whoever shows no key make links.
	Anonymous bool
	// TrustedProxies are the proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// DenyFile is the file with hosts that links may not lead to; empty for none.
	DenyFile string
}

// VisitSettings say what is kept of visits.
type VisitSettings struct {
	// Record is false where nothing is.
	Record bool
	// Kept is for how many days numbers of visits are kept by days and months. The leader's holds.
	Kept uint32
	// GeoIP is a database of countries; empty for none.
	GeoIP string
	// Log is a file with a line for each visit; empty for none. LogBytes is how long it grows, LogFiles how many older ones are kept.
	Log      string
	LogBytes int64
	LogFiles int
	// LogAddresses has visitors' addresses written there.
	LogAddresses bool
}

// LogSettings say what is logged and how.
type LogSettings struct {
	Level slog.Level
	// Format is "text" or "json".
	Format string
}

// Lone reports whether the node was told of no other: it forms a cluster of itself.
func (s Settings) Lone() bool {
	return len(s.Node.Join) == 0 && s.Node.BootstrapExpect == 1
}

// Origin says where the setting of that name came from, in the words of the one who gave it ("--name", "TINYURL_NAME",
// "name in tinyurl.yaml"), or "the default of --name".
func (s Settings) Origin(name string) string {
	if origin, ok := s.origins[name]; ok {
		return origin
	}
	return "the default of --" + name
}

// exposed names the secrets that stand on the command line, which every user of the machine can read.
func (s Settings) exposed() []string {
	var names []string
	for _, o := range options() {
		if flag := "--" + o.name; o.kind == secret && s.origins[o.name] == flag {
			names = append(names, flag)
		}
	}
	return names
}
