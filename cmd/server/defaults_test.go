package server

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spf13/pflag"
)

// loadOn is Load on a machine of the test's making.
func loadOn(t *testing.T, m Machine, args ...string) (Settings, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	Register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, nil, m)
}

func TestAdvertiseIsTheAddressThatOthersCanReach(t *testing.T) {
	for _, tc := range []struct {
		name  string
		addrs []string
		args  []string
		want  string // empty: refused
	}{
		{"first private", []string{"127.0.0.1/8", "8.8.8.8/24", "192.168.1.5/24", "10.0.0.1/8"}, nil, "192.168.1.5"},
		{"private IPv6", []string{"::1/128", "fe80::1/64", "fd00::7/64"}, nil, "fd00::7"},
		{"alone without one", []string{"127.0.0.1/8", "8.8.8.8/24"}, nil, "127.0.0.1"},
		{"joining without one", []string{"127.0.0.1/8", "8.8.8.8/24"}, []string{"--join=a"}, ""},
		{"forming without one", []string{"127.0.0.1/8"}, []string{"--bootstrap-expect=3"}, ""},
		{"bound to one address", []string{"10.0.0.1/8"}, []string{"--cluster-addr=127.0.0.1:7000"}, "127.0.0.1"},
		{"gossip bound to one address", []string{"10.0.0.1/8"}, []string{"--gossip-addr=[::1]:7946"}, "::1"},
		{"bound to every address", []string{"10.0.0.1/8"}, []string{"--cluster-addr=0.0.0.0:7000"}, "10.0.0.1"},
		{"told", []string{"10.0.0.1/8"}, []string{"--advertise=n1.example.org"}, "n1.example.org"},
	} {
		m := testMachine()
		m.Addresses = func() ([]net.Addr, error) { return addresses(tc.addrs...), nil }
		s, err := loadOn(t, m, tc.args...)
		if tc.want == "" {
			if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--advertise") {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if err != nil || s.Node.Advertise != tc.want {
			t.Errorf("%s: advertise = %q, %v", tc.name, s.Node.Advertise, err)
		}
	}
}

func TestInterfacesThatCannotBeReadAskForAdvertise(t *testing.T) {
	m := testMachine()
	m.Addresses = func() ([]net.Addr, error) { return nil, errors.New("no netlink") }
	if _, err := loadOn(t, m); err == nil || !strings.Contains(err.Error(), "--advertise") {
		t.Errorf("error = %v", err)
	}
}

func TestAHostNameThatIsNoNodeNameAsksForName(t *testing.T) {
	m := testMachine()
	m.Hostname = func() (string, error) { return "büro", nil }
	if _, err := loadOn(t, m); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--name") {
		t.Errorf("error = %v", err)
	}
	if s, err := loadOn(t, m, "--name=n1"); err != nil || s.Node.Name != "n1" {
		t.Errorf("name = %q, %v", s.Node.Name, err)
	}
}

func TestTheCacheIsAnEighthOfMemoryAndAtMostAGibibyte(t *testing.T) {
	for memory, want := range map[int64]int64{
		0: unknownMemoryCache, 4 << 20: minCache, 1 << 30: 128 << 20, 8 << 30: 1 << 30, 64 << 30: 1 << 30,
	} {
		if got := defaultCache(memory); got != want {
			t.Errorf("memory %d: cache %d, want %d", memory, got, want)
		}
	}
}

func TestMemoryIsTheLeastOfMachineAndCgroups(t *testing.T) {
	const meminfo = "MemTotal:       16384 kB\nMemFree:        1 kB\n"
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no files", nil, 0},
		{"machine alone", map[string]string{"proc/meminfo": meminfo}, 16 << 20},
		{"unlimited", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a.slice\n", "sys/fs/cgroup/a.slice/memory.max": "max\n"}, 16 << 20},
		{"limited above", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a.slice/b.service\n",
			"sys/fs/cgroup/a.slice/memory.max": "4194304\n", "sys/fs/cgroup/a.slice/b.service/memory.max": "8388608\n",
		}, 4 << 20},
		{"in a container", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../docker/1\n", "sys/fs/cgroup/memory.max": "2097152"}, 2 << 20},
		{"version 1", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu:/x\n4:memory:/docker/1\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "3145728",
		}, 3 << 20},
		{"version 1 unlimited", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
		}, 16 << 20},
		{"garbage", map[string]string{"proc/meminfo": "MemTotal: x kB\nMem", "proc/self/cgroup": "what\n\n"}, 0},
	} {
		root := fstest.MapFS{}
		for name, content := range tc.files {
			root[name] = &fstest.MapFile{Data: []byte(content)}
		}
		if got := memoryOf(root); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestSizesAreReadAndWrittenAlike(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "2k": 2 << 10, "2KB": 2 << 10, "64MiB": 64 << 20, "64 MiB": 64 << 20, "1g": 1 << 30, "3TiB": 3 << 40,
	} {
		got, err := parseBytes(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
		if again, err := parseBytes(formatBytes(want)); err != nil || again != want {
			t.Errorf("%d is written as %s", want, formatBytes(want))
		}
	}
	for _, text := range []string{"", "MiB", "1.5GiB", "1XB", "0x10", "1GiB2", "8388608TiB"} {
		if n, err := parseBytes(text); err == nil {
			t.Errorf("%q is taken as %d", text, n)
		}
	}
}
