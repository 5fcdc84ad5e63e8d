package server

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"tinyurl/cluster"
	"tinyurl/cluster/identity"
)

// testMachine is a machine called host1 with 4 GiB of memory, a loopback, a public and a private address.
func testMachine() Machine {
	return Machine{
		Hostname: func() (string, error) { return "host1", nil },
		Addresses: func() ([]net.Addr, error) {
			return addresses("127.0.0.1/8", "203.0.113.9/24", "10.1.2.3/16", "10.9.9.9/16"), nil
		},
		Memory: func() int64 { return 4 << 30 },
	}
}

func addresses(cidrs ...string) []net.Addr {
	var all []net.Addr
	for _, c := range cidrs {
		ip, network, err := net.ParseCIDR(c)
		if err != nil {
			panic(err)
		}
		all = append(all, &net.IPNet{IP: ip, Mask: network.Mask})
	}
	return all
}

// load is Load on the test machine, with a command line and an environment.
func load(t *testing.T, args []string, environ ...string) (Settings, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	Register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatalf("parsing %q: %v", args, err)
	}
	return Load(flags, environ, testMachine())
}

func mustLoad(t *testing.T, args []string, environ ...string) Settings {
	t.Helper()
	s, err := load(t, args, environ...)
	if err != nil {
		t.Fatalf("loading %q with %q: %v", args, environ, err)
	}
	return s
}

// write puts content into a file of a temporary directory and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func parsed(t *testing.T, secret string) identity.Secret {
	t.Helper()
	s, err := identity.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	secretA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	secretB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestNothingGivenIsALoneNodeWithTheDocumentedDefaults(t *testing.T) {
	got := mustLoad(t, nil)
	want := Settings{
		Node:   NodeSettings{Name: "host1", DataDir: "./tinyurl-data", LogStore: cluster.LogBolt, Advertise: "10.1.2.3", BootstrapExpect: 1},
		Listen: ListenSettings{HTTP: ":8080", Cluster: ":7000", Gossip: ":7946"},
		Memory: MemorySettings{Cache: 512 << 20},
		Visits: VisitSettings{Record: true, Kept: 400, LogBytes: 100 << 20, LogFiles: 10},
		Log:    LogSettings{Level: slog.LevelInfo, Format: "text"},
	}
	got.origins = nil
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Settings{})); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if !got.Lone() {
		t.Error("the node is not lone")
	}
}

func TestEverySettingCanBeGivenInEachOfThreeWays(t *testing.T) {
	given := map[string]string{
		"name": "n7", "data-dir": "/data", "http-addr": "127.0.0.1:81", "cluster-addr": "127.0.0.1:82",
		"gossip-addr": "127.0.0.1:83", "advertise": "n7.example.org", "public-url": "https://s.example.org/", "join": "a,b:9,srv://c.d",
		"bootstrap-expect": "3", "cluster-secret": secretA, "root-key": secretB, "replica": "false", "zone": "eu-1",
		"cache-size": "64MiB", "memory-limit": "1GiB", "log-level": "debug", "log-format": "json", "ops-addr": ":9090",
		"log-store": "wal", "tls-cert": "c.pem", "tls-key": "k.pem", "miss-limit": "50", "redirect-addr": ":8000",
		"rate-limit": "20", "anonymous-create": "true", "trusted-proxies": "10.0.0.0/8,192.0.2.1", "deny-file": "/etc/denied",
		"record-visits": "false", "visits-retention": "30d", "geoip-db": "/etc/geo.mmdb", "visit-log": "/log/visits", "visit-log-size": "1MiB",
		"visit-log-files": "3", "visit-log-addresses": "true",
	}
	want := Settings{
		Node: NodeSettings{
			Name: "n7", DataDir: "/data", LogStore: cluster.LogWAL, Advertise: "n7.example.org", Zone: "eu-1",
			Join: []string{"a:7946", "b:9", "srv://c.d"}, BootstrapExpect: 3,
		},
		Listen: ListenSettings{
			HTTP: "127.0.0.1:81", Cluster: "127.0.0.1:82", Gossip: "127.0.0.1:83", Ops: ":9090", Redirect: ":8000",
			PublicURL: "https://s.example.org", TLSCert: "c.pem", TLSKey: "k.pem",
		},
		Secrets: SecretSettings{Cluster: parsed(t, secretA), RootKey: secretB},
		Memory:  MemorySettings{Cache: 64 << 20, Limit: 1 << 30},
		Limits: LimitSettings{
			Misses: 50, Calls: 20, Anonymous: true, DenyFile: "/etc/denied",
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")},
		},
		Visits: VisitSettings{Kept: 30, GeoIP: "/etc/geo.mmdb", Log: "/log/visits", LogBytes: 1 << 20, LogFiles: 3, LogAddresses: true},
		Log:    LogSettings{Level: slog.LevelDebug, Format: "json"},
	}
	var args, environ []string
	var yaml strings.Builder
	for _, o := range options() {
		value, ok := given[o.name]
		if !ok {
			t.Fatalf("the test gives no --%s", o.name)
		}
		args = append(args, "--"+o.name+"="+value)
		environ = append(environ, variable(o.name)+"="+value)
		yaml.WriteString(o.name + ": " + value + "\n")
	}
	for name, got := range map[string]Settings{
		"flags":       mustLoad(t, args),
		"environment": mustLoad(t, nil, environ...),
		"file":        mustLoad(t, []string{"--config", write(t, "c.yaml", yaml.String())}),
	} {
		if len(got.origins) != len(given) {
			t.Errorf("%s: %d origins for %d settings", name, len(got.origins), len(given))
		}
		got.origins = nil
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Settings{}), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFlagsBeatTheEnvironmentBeatsTheFileBeatsTheDefault(t *testing.T) {
	config := write(t, "tinyurl.yaml", "name: from-file\nzone: from-file\nadvertise: from-file\n")
	s := mustLoad(t, []string{"--name=from-flag"},
		"TINYURL_CONFIG="+config, "TINYURL_NAME=from-env", "TINYURL_ZONE=from-env", "OTHER_NAME=x")
	got := []string{s.Node.Name, s.Node.Zone, s.Node.Advertise, s.Listen.HTTP}
	if diff := cmp.Diff([]string{"from-flag", "from-env", "from-file", ":8080"}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	origins := []string{s.Origin("name"), s.Origin("zone"), s.Origin("advertise"), s.Origin("http-addr")}
	want := []string{"--name", "TINYURL_ZONE", "advertise in tinyurl.yaml", "the default of --http-addr"}
	if diff := cmp.Diff(want, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

func TestTheConfigFlagBeatsItsVariable(t *testing.T) {
	s := mustLoad(t, []string{"--config", write(t, "a.yaml", "zone: a\n")}, "TINYURL_CONFIG="+write(t, "b.yaml", "zone: b\n"))
	if s.Node.Zone != "a" {
		t.Errorf("zone = %q", s.Node.Zone)
	}
}

func TestTheFileTakesListsAndNullsAndAnEmptyVariableIsNotGiven(t *testing.T) {
	config := write(t, "c.yaml", "join:\n- a\n- '[2001:db8::1]:7000'\n- 2001:db8::2\nzone:\nreplica: true\n")
	s := mustLoad(t, []string{"--config", config}, "TINYURL_NAME=")
	want := []string{"a:7946", "[2001:db8::1]:7000", "[2001:db8::2]:7946"}
	if diff := cmp.Diff(want, s.Node.Join); diff != "" {
		t.Errorf("join (-want +got):\n%s", diff)
	}
	if !s.Node.Replica || s.Node.Name != "host1" || s.Node.BootstrapExpect != 0 {
		t.Errorf("node = %+v", s.Node)
	}
}

func TestJoinIsRepeatable(t *testing.T) {
	s := mustLoad(t, []string{"--join=a", "--join", "b,c"})
	if diff := cmp.Diff([]string{"a:7946", "b:7946", "c:7946"}, s.Node.Join); diff != "" {
		t.Errorf("join (-want +got):\n%s", diff)
	}
}

func TestBootstrapExpectIsOneOnlyWithoutJoin(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want int
		lone bool
	}{
		{nil, 1, true},
		{[]string{"--join=a"}, 0, false},
		{[]string{"--join=a", "--bootstrap-expect=3"}, 3, false},
		{[]string{"--bootstrap-expect=3"}, 3, false},
		{[]string{"--bootstrap-expect=0"}, 0, false},
		{[]string{"--join=a", "--bootstrap-expect=3", "--replica"}, 0, false},
	} {
		s := mustLoad(t, tc.args)
		if s.Node.BootstrapExpect != tc.want || s.Lone() != tc.lone {
			t.Errorf("%q: expect = %d, lone = %v", tc.args, s.Node.BootstrapExpect, s.Lone())
		}
	}
	if _, err := loadOn(t, Machine{}, "--join=a", "--bootstrap-expect=1"); !errors.Is(err, ErrUsage) {
		t.Errorf("a lone founder that joins: %v", err)
	}
}

func TestSecretsCanComeFromFiles(t *testing.T) {
	a, b := write(t, "a", secretA+"\n"), write(t, "b", secretB+"\r\n")
	config := write(t, "c.yaml", "cluster-secret-file: "+a+"\nroot-key-file: "+b+"\n")
	for name, s := range map[string]Settings{
		"flags":       mustLoad(t, []string{"--cluster-secret-file", a, "--root-key-file", b}),
		"environment": mustLoad(t, nil, "TINYURL_CLUSTER_SECRET_FILE="+a, "TINYURL_ROOT_KEY_FILE="+b),
		"file":        mustLoad(t, []string{"--config", config}),
	} {
		if s.Secrets.Cluster.Reveal() != secretA || s.Secrets.RootKey != secretB {
			t.Errorf("%s: %+v", name, s.Secrets)
		}
	}
}

func TestASecretOfAStrongerSourceBeatsTheFileOfAWeakerOne(t *testing.T) {
	s := mustLoad(t, []string{"--cluster-secret", secretB}, "TINYURL_CLUSTER_SECRET_FILE="+write(t, "a", secretA))
	if s.Secrets.Cluster.Reveal() != secretB || s.Origin("cluster-secret") != "--cluster-secret" {
		t.Errorf("secret %q from %s", s.Secrets.Cluster.Reveal(), s.Origin("cluster-secret"))
	}
	s = mustLoad(t, []string{"--cluster-secret-file", write(t, "a", secretA)}, "TINYURL_CLUSTER_SECRET="+secretB)
	if s.Secrets.Cluster.Reveal() != secretA || s.Origin("cluster-secret") != "--cluster-secret-file" {
		t.Errorf("secret %q from %s", s.Secrets.Cluster.Reveal(), s.Origin("cluster-secret"))
	}
}

func TestTheClientsVariablesAreKnownToANode(t *testing.T) {
	mustLoad(t, nil, "TINYURL_SERVER=http://x", "TINYURL_KEY=k", "TINYURL_KEY_FILE=f")
}

func TestSettingsThatCannotBeTakenAreUsageErrorsThatNameTheirSource(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, tc := range []struct {
		args, environ []string
		config        string
		want          string
	}{
		{args: []string{"--name=-x"}, want: "--name: "},
		{args: []string{"--name=" + long}, want: "--name: "},
		{environ: []string{"TINYURL_NAME=a/b"}, want: "TINYURL_NAME: "},
		{config: "name: a b", want: "name in c.yaml: "},
		{args: []string{"--data-dir="}, want: "--data-dir: it is empty"},
		{args: []string{"--http-addr=8080"}, want: "is not host:port"},
		{args: []string{"--http-addr=:http"}, want: "the port is not a number"},
		{args: []string{"--cluster-addr=:65536"}, want: "the port is not a number"},
		{args: []string{"--gossip-addr=a b:1"}, want: "neither an address nor a name"},
		{args: []string{"--advertise=1.2.3.4:80"}, want: "only the host is wanted"},
		{args: []string{"--advertise=0.0.0.0"}, want: "no address that other nodes could dial"},
		{args: []string{"--advertise=a_b!"}, want: "neither an IP address nor a host name"},
		{args: []string{"--public-url=s.example.org"}, want: "not a URL like"},
		{args: []string{"--public-url=ftp://s.example.org"}, want: "not a URL like"},
		{args: []string{"--public-url=http://u:p@s.example.org"}, want: "more than scheme"},
		{args: []string{"--public-url=http://s.example.org?a=1"}, want: "more than scheme"},
		{args: []string{"--join=a,,b"}, want: "--join: "},
		{args: []string{"--join=a:0"}, want: "--join: "},
		{args: []string{"--join=srv://"}, want: "srv://"},
		{args: []string{"--bootstrap-expect=x"}, want: "from 0 to 5"},
		{args: []string{"--bootstrap-expect=6"}, want: "from 0 to 5"},
		{config: "bootstrap-expect: 1.5", want: "bootstrap-expect in c.yaml"},
		{config: "join: {a: b}", want: "join in c.yaml"},
		{args: []string{"--cluster-secret=short"}, want: "it has 5 characters"},
		{args: []string{"--cluster-secret="}, want: "it is empty"},
		{args: []string{"--root-key=" + secretA + " "}, want: "printable"},
		{args: []string{"--root-key=" + strings.Repeat("é", 32)}, want: "printable"},
		{args: []string{"--cluster-secret-file=/no/such/file"}, want: "--cluster-secret-file: "},
		{args: []string{"--cluster-secret", secretA, "--cluster-secret-file=x"}, want: "exclude each other"},
		{environ: []string{"TINYURL_ROOT_KEY=" + secretA, "TINYURL_ROOT_KEY_FILE=x"}, want: "exclude each other"},
		{environ: []string{"TINYURL_REPLICA=maybe"}, want: "TINYURL_REPLICA"},
		{args: []string{"--replica"}, want: "--replica needs --join"},
		{args: []string{"--zone=" + long}, want: "--zone"},
		{args: []string{"--cache-size=1"}, want: "less than the 1MiB it takes"},
		{args: []string{"--cache-size=many"}, want: "not a size"},
		{args: []string{"--cache-size=-5MiB"}, want: "not a size"},
		{args: []string{"--cache-size=9999999999TiB"}, want: "not a size"},
		{args: []string{"--memory-limit=1MiB"}, want: "less than the 32MiB"},
		{args: []string{"--miss-limit=-1"}, want: "not a number from 0"},
		{args: []string{"--miss-limit=1000001"}, want: "not a number from 0"},
		{args: []string{"--rate-limit=-1"}, want: "not a number from 0"},
		{args: []string{"--rate-limit=1000001"}, want: "not a number from 0"},
		{args: []string{"--rate-limit=1.5"}, want: "not a number from 0"},
		{environ: []string{"TINYURL_ANONYMOUS_CREATE=maybe"}, want: "TINYURL_ANONYMOUS_CREATE"},
		{args: []string{"--trusted-proxies=proxy.example"}, want: "neither an IP address nor a network"},
		{args: []string{"--trusted-proxies=10.0.0.0/33"}, want: "neither an IP address nor a network"},
		{args: []string{"--trusted-proxies=10.0.0.1,"}, want: "neither an IP address nor a network"},
		{args: []string{"--trusted-proxies=fe80::1%eth0"}, want: "neither an IP address nor a network"},
		{args: []string{"--trusted-proxies=::ffff:10.0.0.0/80"}, want: "more than IPv4 addresses"},
		{args: []string{"--trusted-proxies=" + strings.Repeat("10.0.0.1,", 256) + "10.0.0.1"}, want: "more than 256 proxies"},
		{args: []string{"--deny-file="}, want: "it is empty"},
		{args: []string{"--log-store=raft.db"}, want: "neither bolt nor wal"},
		{args: []string{"--log-level=loud"}, want: "not one of debug"},
		{args: []string{"--log-format=xml"}, want: "neither text nor json"},
		{args: []string{"--ops-addr="}, want: "--ops-addr"},
		{args: []string{"--tls-cert=c.pem"}, want: "go together"},
		{args: []string{"--config=/no/such/file"}, want: "--config"},
		{config: "name: [", want: "c.yaml"},
		{config: "- name", want: "c.yaml"},
		{config: "nick: x\nlog.level: y", want: "c.yaml: no such setting: log.level, nick"},
		{config: "log_store: wal", want: "no such setting: log_store"},
		{config: "config: x", want: "no such setting: config"},
		{config: "server: http://x", want: "no such setting: server"},
		{environ: []string{"TINYURL_NICK=x"}, want: "TINYURL_NICK"},
		{environ: []string{"TINYURL_name=x"}, want: "TINYURL_name"},
	} {
		args := tc.args
		if tc.config != "" {
			args = append(args, "--config", write(t, "c.yaml", tc.config))
		}
		_, err := load(t, args, tc.environ...)
		switch {
		case !errors.Is(err, ErrUsage):
			t.Errorf("%q %q %q: not a usage error: %v", tc.args, tc.environ, tc.config, err)
		case !strings.Contains(err.Error(), tc.want):
			t.Errorf("%q %q %q: %q does not say %q", tc.args, tc.environ, tc.config, err, tc.want)
		}
	}
}

func TestARefusedSecretIsNotRepeatedInTheMessage(t *testing.T) {
	for _, args := range [][]string{{"--cluster-secret=hush"}, {"--root-key=hush hush hush hush hush hush hush"}} {
		if _, err := load(t, args); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestASecretThatIsNoTextIsNotRepeatedInTheMessage(t *testing.T) {
	for value, typ := range map[string]string{
		"12345678901234567890123456789012345": "a very long one",
		"1234567890123456":                    "a number",
		"0x1234567890123456":                  "a number",
		"1234567.8901234":                     "a number",
		"[a1234567, b1234567]":                "a list",
		"{a1234567: b1234567}":                "a mapping",
		"2001-02-03T01:23:45.67Z":             "a time",
		"true":                                "true or false",
	} {
		for _, name := range []string{"cluster-secret", "root-key"} {
			_, err := load(t, []string{"--config", write(t, "c.yaml", name+": "+value+"\n")})
			if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), name+" in c.yaml: it is ") || !strings.Contains(err.Error(), typ) {
				t.Errorf("%s: %s: %v", name, value, err)
			} else if strings.Contains(err.Error(), "234567") || strings.Contains(err.Error(), "2001") {
				t.Errorf("%s: %s: repeated in %v", name, value, err)
			}
		}
	}
	// Nor anything else that may be a secret in the wrong place.
	for _, config := range []string{"name: {cluster-secret: hush}", "join: [[1.5], {a: hush}]", "zone: 1234567.5"} {
		_, err := load(t, []string{"--config", write(t, "c.yaml", config)})
		if err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "234567") {
			t.Errorf("%s: %v", config, err)
		}
	}
}

func TestSecretsOnTheCommandLineAreFound(t *testing.T) {
	file := write(t, "a", secretA)
	for _, tc := range []struct {
		args, environ, want []string
	}{
		{nil, nil, nil},
		{[]string{"--name=a", "--cluster-secret-file", file, "--root-key-file", file}, nil, nil},
		{nil, []string{"TINYURL_CLUSTER_SECRET=" + secretA, "TINYURL_ROOT_KEY=" + secretB}, nil},
		{[]string{"--config", write(t, "c.yaml", "root-key: "+secretA)}, nil, nil},
		{[]string{"--cluster-secret", secretA}, []string{"TINYURL_ROOT_KEY=" + secretB}, []string{"--cluster-secret"}},
		{[]string{"--cluster-secret", secretA, "--root-key", secretB}, nil, []string{"--cluster-secret", "--root-key"}},
	} {
		if diff := cmp.Diff(tc.want, mustLoad(t, tc.args, tc.environ...).exposed()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.args, diff)
		}
	}
}
