package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"tinyurl/api"
	"tinyurl/api/redirect"
	"tinyurl/cluster"
	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
)

// The prefix of environment variables, and the names that are known without being settings of a node.
const (
	envPrefix  = "TINYURL_"
	configName = "config"
	fileSuffix = "-file"
)

// kind is how an option is written on the command line.
type kind int

const (
	text   kind = iota
	toggle      // a flag without a value means true
	list        // repeatable, or separated by commas
	secret      // text that may also be given as a file that holds it
)

// option is one setting. The table of them is the only list there is: flags, environment, file and help come from it.
type option struct {
	name, usage string
	kind        kind
	// fallback is the default in text form; empty when the default is found out on the machine.
	fallback string
	// set parses the text form into its field. It is not called for a setting that nobody gave and that has no fallback.
	set func(*Settings, string) error
}

// options is the table, in the order of the help.
func options() []option {
	return slices.Concat(nodeOptions(), serviceOptions(), visitOptions())
}

// nodeOptions say who the node is and with whom.
func nodeOptions() []option {
	return []option{
		{
			"name", "the node's name (default: the host name)", text, "",
			setText(func(s *Settings) *string { return &s.Node.Name }, member.CheckName),
		},
		{
			"data-dir", "directory for everything the node keeps", text, "./tinyurl-data",
			setText(func(s *Settings) *string { return &s.Node.DataDir }, checkSet),
		},
		{"log-store", "what the raft log is kept in, from the first start on: bolt, or wal (one fsync a commit, not two)", text, "bolt", setLogStore},
		{
			"http-addr", "listener for redirects and the API", text, ":8080",
			setText(func(s *Settings) *string { return &s.Listen.HTTP }, checkListen),
		},
		{
			"cluster-addr", "listener for raft and node-to-node calls", text, ":7000",
			setText(func(s *Settings) *string { return &s.Listen.Cluster }, checkListen),
		},
		{
			"gossip-addr", "listener for membership, TCP and UDP", text, ":7946",
			setText(func(s *Settings) *string { return &s.Listen.Gossip }, checkListen),
		},
		{
			"advertise", "host that other nodes use (default: the first private address)", text, "",
			setText(func(s *Settings) *string { return &s.Node.Advertise }, checkHost),
		},
		{
			"public-url", "base of short URLs (default: that of the HTTP listener)", text, "",
			setPublicURL,
		},
		{"join", "gossip seeds: host[:port] or srv://name; repeatable", list, "", setJoin},
		{
			"bootstrap-expect", "form a new cluster once this many nodes see each other (default: 1 without --join, else 0)", text, "",
			setExpect,
		},
		{
			"cluster-secret", "the one secret of the cluster, 32 characters or more (default: kept in the data directory)", secret, "",
			setClusterSecret,
		},
		{
			"root-key", "API key with every scope, 32 printable characters or more (default: derived from the secret)", secret, "",
			setText(func(s *Settings) *string { return &s.Secrets.RootKey }, checkKey),
		},
		{"replica", "a non-voting node: serves redirects, never counts for the quorum", toggle, "false", setToggle(func(s *Settings) *bool { return &s.Node.Replica })},
		{
			"zone", "failure zone of the node", text, "",
			setText(func(s *Settings) *string { return &s.Node.Zone }, checkZone),
		},
	}
}

// serviceOptions say how the node serves.
func serviceOptions() []option {
	return []option{
		{
			"cache-size", "block cache of the store (default: an eighth of memory, at most 1GiB)", text, "",
			setBytes(func(s *Settings) *int64 { return &s.Memory.Cache }, minCache),
		},
		{
			"memory-limit", "soft limit of the Go runtime (default: none)", text, "",
			setBytes(func(s *Settings) *int64 { return &s.Memory.Limit }, minMemoryLimit),
		},
		{"miss-limit", "unknown codes a second and address that the leader is asked about, then 429 (default: any number)", text, "", setMissLimit},
		{
			"rate-limit", "API calls a second per key, and per address without one; twice as many at once, then 429; each node counts for itself, and a bulk or " +
				"an import is one call; behind a balancer set --trusted-proxies, else all without a key are one address (default: any number)", text, "",
			setRateLimit,
		},
		{
			"anonymous-create", "whoever shows no key makes links too, one a call; --rate-limit bounds them", toggle, "false",
			setToggle(func(s *Settings) *bool { return &s.Limits.Anonymous }),
		},
		{"trusted-proxies", "proxies whose X-Forwarded-For tells a client's address: addresses or CIDRs; repeatable", list, "", setProxies},
		{
			"deny-file", "hosts that links may not lead to, nor to names below: one a line, # begins a comment; SIGHUP reads it again", text, "",
			setText(func(s *Settings) *string { return &s.Limits.DenyFile }, checkSet),
		},
		{"log-level", "debug, info, warn or error", text, "info", setLevel},
		{
			"log-format", "text or json", text, "text",
			setText(func(s *Settings) *string { return &s.Log.Format }, checkFormat),
		},
		{
			"redirect-addr", "extra listener that serves redirects and nothing else", text, "",
			setText(func(s *Settings) *string { return &s.Listen.Redirect }, checkListen),
		},
		{
			"ops-addr", "extra listener for health, metrics and pprof", text, "",
			setText(func(s *Settings) *string { return &s.Listen.Ops }, checkListen),
		},
		{
			"tls-cert", "PEM file with the certificate for HTTPS", text, "",
			setText(func(s *Settings) *string { return &s.Listen.TLSCert }, checkSet),
		},
		{
			"tls-key", "PEM file with its private key", text, "",
			setText(func(s *Settings) *string { return &s.Listen.TLSKey }, checkSet),
		},
	}
}

// Register adds a flag for every setting, and --config, to flags.
func Register(flags *pflag.FlagSet) {
	flags.String(configName, "", "YAML file with settings")
	for _, o := range options() {
		switch o.kind {
		case toggle:
			flags.Bool(o.name, o.fallback == "true", o.usage)
		case list:
			flags.StringSlice(o.name, nil, o.usage)
		case secret:
			flags.String(o.name, "", o.usage)
			flags.String(o.name+fileSuffix, "", "file that holds --"+o.name)
		default:
			flags.String(o.name, o.fallback, o.usage)
		}
	}
}

// variable is the environment variable of a setting.
func variable(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// setText stores a text that check accepts.
func setText(field func(*Settings) *string, check func(string) error) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if err := check(v); err != nil {
			return err
		}
		*field(s) = v
		return nil
	}
}

// setBytes stores a size of at least least bytes.
func setBytes(field func(*Settings) *int64, least int64) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		n, err := parseBytes(v)
		if err != nil {
			return err
		}
		if n < least {
			return fmt.Errorf("%q is less than the %s it takes", v, formatBytes(least))
		}
		*field(s) = n
		return nil
	}
}

func setPublicURL(s *Settings, v string) error {
	base, err := parseBase(v)
	s.Listen.PublicURL = base
	return err
}

func setJoin(s *Settings, v string) error {
	for seed := range strings.SplitSeq(v, ",") {
		parsed, err := parseSeed(strings.TrimSpace(seed))
		if err != nil {
			return err
		}
		s.Node.Join = append(s.Node.Join, parsed)
	}
	return nil
}

func setExpect(s *Settings, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxExpect {
		return fmt.Errorf("%q is not a number of nodes from 0 to %d", v, maxExpect)
	}
	s.Node.BootstrapExpect = n
	return nil
}

func setMissLimit(s *Settings, v string) (err error) {
	s.Limits.Misses, err = parseLimit(v, redirect.MaxMissLimit)
	return err
}

func setRateLimit(s *Settings, v string) (err error) {
	s.Limits.Calls, err = parseLimit(v, api.MaxRateLimit)
	return err
}

func setProxies(s *Settings, v string) error {
	for proxy := range strings.SplitSeq(v, ",") {
		parsed, err := parseProxy(strings.TrimSpace(proxy))
		if err != nil {
			return err
		}
		s.Limits.TrustedProxies = append(s.Limits.TrustedProxies, parsed)
	}
	if len(s.Limits.TrustedProxies) > maxProxies {
		return fmt.Errorf("there are more than %d proxies", maxProxies)
	}
	return nil
}

func setLogStore(s *Settings, v string) (err error) {
	s.Node.LogStore, err = cluster.ParseLogStore(v)
	return err
}

func setClusterSecret(s *Settings, v string) (err error) {
	s.Secrets.Cluster, err = identity.ParseSecret(v)
	return err
}

// setToggle stores a truth.
func setToggle(field func(*Settings) *bool) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		yes, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", v)
		}
		*field(s) = yes
		return nil
	}
}

func setLevel(s *Settings, v string) error {
	switch v {
	case "debug", "info", "warn", "error":
		return s.Log.Level.UnmarshalText([]byte(v))
	}
	return fmt.Errorf("%q is not one of debug, info, warn, error", v)
}
