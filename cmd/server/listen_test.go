package server

import (
	"net"
	"strings"
	"testing"
)

// anyPorts are arguments that put every listener on a free loopback port.
func anyPorts() []string {
	return []string{"--http-addr=127.0.0.1:0", "--cluster-addr=127.0.0.1:0", "--gossip-addr=127.0.0.1:0"}
}

func TestListenersGetRealPorts(t *testing.T) {
	s := mustLoad(t, append(anyPorts(), "--ops-addr=127.0.0.1:0", "--redirect-addr=127.0.0.1:0"))
	l, err := bind(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for name, ln := range map[string]net.Listener{"http": l.http, "cluster": l.cluster, "ops": l.ops, "redirect": l.redirect} {
		if portOf(ln) == "0" || portOf(ln) == "" {
			t.Errorf("%s listens on %s", name, ln.Addr())
		}
	}
	if l.ofHTTP() != 3 {
		t.Errorf("%d listeners of HTTP", l.ofHTTP())
	}
	if strings.HasSuffix(l.gossip, ":0") || !strings.HasPrefix(l.gossip, "127.0.0.1:") {
		t.Errorf("gossip = %s", l.gossip)
	}
	if got, want := publicURL(s, l.http), "http://"+l.http.Addr().String(); got != want {
		t.Errorf("public URL = %s, want %s", got, want)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
}

func TestAPortInUseNamesTheFlagAndLeavesNothingBound(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	for flag, address := range map[string]string{
		"--http-addr": taken.Addr().String(), "--cluster-addr": taken.Addr().String(), "--ops-addr": taken.Addr().String(),
		"--redirect-addr": taken.Addr().String(),
		"--gossip-addr":   packets.LocalAddr().String(),
	} {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		first := free.Addr().String()
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		s := mustLoad(t, append(anyPorts(), "--http-addr="+first, flag+"="+address))
		_, err = bind(t.Context(), s)
		if err == nil || !strings.Contains(err.Error(), flag) || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: %v", flag, err)
		}
		again, err := net.Listen("tcp", first)
		if err != nil {
			t.Errorf("%s: the HTTP listener was left open: %v", flag, err)
			continue
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAForeignAddressNamesTheFlag(t *testing.T) {
	_, err := bind(t.Context(), mustLoad(t, append(anyPorts(), "--cluster-addr=192.0.2.1:0")))
	if err == nil || !strings.Contains(err.Error(), "--cluster-addr") || !strings.Contains(err.Error(), "not one of this machine's") {
		t.Errorf("error = %v", err)
	}
}

func TestThePublicURLIsThatOfTheHTTPListenerUnlessSet(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := portOf(ln)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "http://10.1.2.3:" + port},
		{[]string{"--http-addr=127.0.0.1:0"}, "http://127.0.0.1:" + port},
		{[]string{"--http-addr=0.0.0.0:0"}, "http://10.1.2.3:" + port},
		{[]string{"--advertise=fd00::1"}, "http://[fd00::1]:" + port},
		{[]string{"--advertise=n1.example.org", "--tls-cert=c", "--tls-key=k"}, "https://n1.example.org:" + port},
		{[]string{"--public-url=https://s.example.org/x/"}, "https://s.example.org/x"},
	} {
		if got := publicURL(mustLoad(t, tc.args), ln); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.args, got, tc.want)
		}
	}
}
