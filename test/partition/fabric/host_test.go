//go:build linux

package fabric

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestTheTestReachesEveryHostAndHostsReachEachOther(t *testing.T) {
	f := New(t)
	for _, name := range []string{"n1", "n2", "n3", "n4", "n5", "n6", "n7"} {
		echo(t, f.Host(name), 7)
	}
	if got := f.IP("n3"); got != "10.99.0.3" {
		t.Errorf("n3 is %s", got)
	}
	hosts := append(f.Hosts(), f.Host(Load))
	var all sync.WaitGroup
	for _, from := range hosts {
		for _, to := range f.Hosts() {
			all.Go(func() { // a host reaches itself, too, by its loopback
				conn, err := dial(from, "udp4", to.IP(), 7, within)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(within))
				if _, err := conn.Write([]byte("x")); err != nil {
					t.Error(err)
				} else if _, err := conn.Read(make([]byte, 1)); err != nil {
					t.Errorf("from %s to %s: %v", from.Name(), to.Name(), err)
				}
			})
		}
	}
	all.Wait()
	if missed := f.Host("n1").Missed(); missed != 0 {
		t.Errorf("the switch missed %d frames", missed)
	}
}

func TestAPlainHTTPClientReachesAHost(t *testing.T) {
	f := New(t)
	host := f.Host("n1")
	server := &http.Server{
		ReadHeaderTimeout: within,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(r.RemoteAddr))
		}),
	}
	l := listen(t, host, 8080)
	go server.Serve(l)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: within}).Get("http://" + host.IP() + ":8080/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body bytes.Buffer
	body.ReadFrom(response.Body)
	if from, _, _ := net.SplitHostPort(body.String()); from != f.IP(Load) {
		t.Errorf("the host saw a client at %s, not at %s", &body, f.IP(Load))
	}
}

func TestFabricsBesideEachOtherDoNotMeet(t *testing.T) {
	one, other := New(t), New(t)
	a, b := one.Host("a"), other.Host("a")
	if a.IP() == b.IP() {
		t.Fatalf("both hosts are %s", a.IP())
	}
	echo(t, a, 7)
	echo(t, b, 7)
	roundTrip(t, connect(t, one.Host(Load), "udp4", a.IP(), 7))
	roundTrip(t, connect(t, other.Host(Load), "udp4", b.IP(), 7))
	if conn, err := dial(a, "udp4", b.IP(), 7, within); err == nil {
		conn.Close()
		t.Error("one network knows a way into the other")
	}
}

// started runs a shell command on a host as the harness does and gives its output.
func started(t *testing.T, h *Host, command string) string {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := h.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	return strings.TrimSpace(out.String())
}

func TestACommandRunsOnItsHost(t *testing.T) {
	f := New(t)
	const where = "readlink /proc/self/ns/net"
	one, other, again := started(t, f.Host("a"), where), started(t, f.Host("b"), where), started(t, f.Host("a"), where)
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if one == other || one == here || other == here || one != again {
		t.Errorf("commands ran in %s, %s, %s; the test is in %s", one, other, again, here)
	}
	if load := started(t, f.Host(Load), where); load != here {
		t.Errorf("a command of the test's own host ran in %s", load)
	}
	if err := f.Start("a", exec.Command("/nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestAHostMoves(t *testing.T) {
	f, a, b, _ := two(t)
	c := f.Host("c")
	was := b.IP()
	is := b.Move()
	if is == was || b.IP() != is || f.IP("b") != is {
		t.Fatalf("%s has moved to %s, and says %s", was, is, b.IP())
	}
	echo(t, b, 8)
	roundTrip(t, connect(t, a, "udp4", is, 8))
	if answered(t, connect(t, a, "udp4", was, 7), aMoment) {
		t.Error("somebody answers at the old address")
	}
	c.MoveTo(was)
	echo(t, c, 7)
	roundTrip(t, connect(t, a, "udp4", was, 7))
	f.Set("a", "c", Quality{Cut: true})
	if answered(t, connect(t, a, "udp4", was, 7), aMoment) {
		t.Error("the rules did not move with the host")
	}
	roundTrip(t, connect(t, a, "udp4", is, 8))
	if again := b.Move(); again == was || again == is {
		t.Errorf("the address %s was given out twice", again)
	}
}

func TestHostsSwapAddresses(t *testing.T) {
	f, a, b, _ := two(t)
	c := f.Host("c")
	ipB, ipC := b.IP(), c.IP()
	f.Swap("b", "c")
	if b.IP() != ipC || c.IP() != ipB {
		t.Fatalf("after the swap of %s and %s they are %s and %s", ipB, ipC, b.IP(), c.IP())
	}
	echo(t, c, 7)
	roundTrip(t, connect(t, a, "udp4", ipB, 7))
	if c := f.Counters("a", "c"); c.Passed == 0 {
		t.Errorf("from a to c: %v", c)
	}
}

func TestATmpfsIsFullWhenItIsUsedUp(t *testing.T) {
	f := New(t)
	dir := f.Tmpfs(1 << 20)
	file := filepath.Join(dir, "data")
	if err := os.WriteFile(file, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("2 MiB on a disk of 1 MiB: %v", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(file, make([]byte, 1<<19), 0o600)); err != nil {
		t.Error(err)
	}
}

func TestAfterAFabricNothingIsLeft(t *testing.T) {
	if err := Unavailable(); err != nil {
		t.Skip(err)
	}
	links := func() []net.Interface {
		all, err := net.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := links()
	var root string
	t.Run("a fabric", func(t *testing.T) {
		f := New(t)
		f.Host("a")
		root = filepath.Dir(f.Tmpfs(1 << 20))
		if len(links()) != len(before)+1 {
			t.Errorf("the test has the links %v", links())
		}
	})
	if len(links()) != len(before) {
		t.Errorf("links are left: %v", links())
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), root) {
		t.Errorf("%s is still mounted: %v", root, err)
	}
}
