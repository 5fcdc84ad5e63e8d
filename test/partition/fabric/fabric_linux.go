package fabric

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Fabric is a network for one test. All of it is gone when the test ends. Its methods may be called from any goroutine; those
// that cannot do what is asked fail the test.
type Fabric struct {
	tb      testing.TB
	network netip.Prefix
	sw      *packetSwitch

	mu      sync.Mutex
	hosts   map[string]*Host
	order   []*Host
	numbers map[byte]bool // last bytes of the addresses that were ever given out
}

// networks are those in use: the test's process is in all of them.
var networks struct {
	sync.Mutex
	used [256]bool
}

// The last byte of the test's own address, and of the first that a moved host gets.
const (
	loadNumber  = 254
	movedNumber = 101
)

// New makes a network in which nothing goes wrong, without hosts but Load. The first fabric of a process is 10.99.0.0/24. The
// test is skipped where the kernel forbids namespaces.
func New(tb testing.TB) *Fabric {
	tb.Helper()
	return NewSeeded(tb, 1)
}

// NewSeeded is New with a seed for all that happens by chance.
func NewSeeded(tb testing.TB, seed uint64) *Fabric {
	tb.Helper()
	if err := Unavailable(); err != nil {
		tb.Skip(err)
	}
	f := &Fabric{tb: tb, hosts: make(map[string]*Host), numbers: make(map[byte]bool)}
	number, err := takeNetwork()
	if err != nil {
		tb.Fatal(err)
	}
	f.network = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 99, number, 0}), 24)
	tb.Cleanup(func() { freeNetwork(number) })
	if f.sw, err = newPacketSwitch(seed); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.close)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.add(Load); err != nil {
		tb.Fatal(err)
	}
	return f
}

func takeNetwork() (byte, error) {
	networks.Lock()
	defer networks.Unlock()
	for n, used := range networks.used {
		if !used {
			networks.used[n] = true
			return byte(n), nil
		}
	}
	return 0, errors.New("fabric: 256 networks are in use")
}

func freeNetwork(number byte) {
	networks.Lock()
	defer networks.Unlock()
	networks.used[number] = false
}

// Host gives the host of a name, which is made when it is first asked for. Hosts get the addresses .1, .2 and so on.
func (f *Fabric) Host(name string) *Host {
	f.tb.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	h, err := f.hosts[name], error(nil)
	if h == nil {
		h, err = f.add(name)
	}
	if err != nil {
		f.tb.Fatalf("host %s: %v", name, err)
	}
	return h
}

// Hosts are all hosts but Load, in the order in which they were made.
func (f *Fabric) Hosts() []*Host {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Host(nil), f.order[1:]...)
}

// IP is the address of a host. It implements harness.Place.
func (f *Fabric) IP(host string) string {
	f.tb.Helper()
	return f.Host(host).IP()
}

// Start starts a command on a host. It implements harness.Place; see Host.Start.
func (f *Fabric) Start(host string, cmd *exec.Cmd) error {
	f.tb.Helper()
	return f.Host(host).Start(cmd)
}

// Set makes a rule for all that goes from one host to another and replaces the one before. It holds at once; frames that are
// under way keep their time, unless they are cut off.
func (f *Fabric) Set(from, to string, q Quality) {
	f.tb.Helper()
	f.change(from, to, func(r *rules) *rules { return &rules{all: q, ports: r.ports} })
}

// SetPort makes a rule for TCP and UDP from or to a port of that number. It goes before the rule of Set, even if it is the zero
// Quality: then the port is spared.
func (f *Fabric) SetPort(from, to string, port int, q Quality) {
	f.tb.Helper()
	if port <= 0 || port > 65535 {
		f.tb.Fatalf("there is no port %d", port)
	}
	f.change(from, to, func(r *rules) *rules { return r.with(uint16(port), q) })
}

// Heal takes all rules away.
func (f *Fabric) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.sw.all() {
		d.rules.Store(&rules{})
	}
}

// change replaces the rules of a direction.
func (f *Fabric) change(from, to string, by func(*rules) *rules) {
	f.tb.Helper()
	d := f.direction(from, to)
	f.mu.Lock()
	defer f.mu.Unlock()
	d.rules.Store(by(d.rules.Load()))
}

func (f *Fabric) direction(from, to string) *direction {
	f.tb.Helper()
	if from == to {
		f.tb.Fatalf("nothing goes from %s to itself by the network", from)
	}
	return f.sw.direction(f.Host(from).port, f.Host(to).port)
}

// Counters tell what happened so far to what one host sent another. ARP is not counted.
func (f *Fabric) Counters(from, to string) Counters {
	f.tb.Helper()
	return f.direction(from, to).count.read()
}

// Swap gives two hosts each other's addresses. Connections of both are broken, though nobody tells their other ends.
func (f *Fabric) Swap(one, other string) {
	f.tb.Helper()
	a, b := f.Host(one), f.Host(other)
	f.mu.Lock()
	defer f.mu.Unlock()
	toA, toB := b.ip, a.ip
	err := errors.Join(a.drop(), b.drop())
	if err = errors.Join(err, a.take(toA), b.take(toB)); err != nil {
		f.tb.Fatalf("swap %s and %s: %v", one, other, err)
	}
}

// free gives an address that no host ever had, from a number on. The caller holds the lock.
func (f *Fabric) free(from byte) (netip.Addr, error) {
	for n := from; n < loadNumber; n++ {
		if !f.numbers[n] {
			return f.address(n), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address of %v is left", f.network)
}

func (f *Fabric) address(number byte) netip.Addr {
	four := f.network.Addr().As4()
	four[3] = number
	return netip.AddrFrom4(four)
}

// close ends the network. Its links go with their namespaces, but Load's.
func (f *Fabric) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.sw.close()
	for _, h := range f.order {
		if h.name == Load {
			err = errors.Join(err, h.in.do(func() error { return deleteLink(h.link) }))
		}
		err = errors.Join(err, h.in.close())
	}
	err = errors.Join(err, f.sw.in.close())
	if err != nil {
		f.tb.Errorf("fabric: %v", err)
	}
}

// Tmpfs gives an empty directory on a file system of its own of that many bytes in memory, which is full when they are used.
// The directory may be removed and made anew; beside it there is room for what is to fill the disk.
func (f *Fabric) Tmpfs(bytes int64) (dir string) {
	f.tb.Helper()
	root := f.tb.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d,mode=700", bytes)); err != nil {
		f.tb.Fatalf("mount a tmpfs of %d bytes: %v", bytes, err)
	}
	f.tb.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			f.tb.Errorf("unmount %s: %v", root, err)
		}
	})
	dir = filepath.Join(root, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		f.tb.Fatal(err)
	}
	return dir
}
