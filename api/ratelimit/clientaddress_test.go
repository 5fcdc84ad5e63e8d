package ratelimit

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func proxies(list ...string) Clients {
	var c Clients
	for _, p := range list {
		c.Trusted = append(c.Trusted, netip.MustParsePrefix(p))
	}
	return c
}

func TestTheClientIsTheLastAddressThatIsNoTrustedProxy(t *testing.T) {
	trusting := proxies("10.0.0.0/8", "192.0.2.7/32", "fd00::/8")
	for name, test := range map[string]struct {
		clients   Clients
		remote    string
		forwarded []string
		want      string
	}{
		"nobody is trusted":           {Clients{}, "10.0.0.1:5", []string{"198.51.100.1"}, "10.0.0.1"},
		"a stranger's word":           {trusting, "203.0.113.1:5", []string{"198.51.100.1"}, "203.0.113.1"},
		"a proxy's word":              {trusting, "10.0.0.1:5", []string{"198.51.100.1"}, "198.51.100.1"},
		"what the client wrote":       {trusting, "10.0.0.1:5", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		"a row of proxies":            {trusting, "10.0.0.1:5", []string{"1.1.1.1, 198.51.100.1,192.0.2.7 , 10.9.9.9"}, "198.51.100.1"},
		"in several lines":            {trusting, "10.0.0.1:5", []string{"1.1.1.1", "198.51.100.1, 10.1.1.1", "10.2.2.2"}, "198.51.100.1"},
		"proxies alone":               {trusting, "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"no word":                     {trusting, "10.0.0.1:5", nil, "10.0.0.1"},
		"an empty word":               {trusting, "10.0.0.1:5", []string{""}, "10.0.0.1"},
		"rubbish":                     {trusting, "10.0.0.1:5", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		"rubbish behind a proxy":      {trusting, "10.0.0.1:5", []string{"198.51.100.1, _hidden, 10.0.0.2"}, "10.0.0.2"},
		"rubbish that nobody reads":   {trusting, "10.0.0.1:5", []string{"<script>, 198.51.100.1"}, "198.51.100.1"},
		"a comma at the end":          {trusting, "10.0.0.1:5", []string{"198.51.100.1,"}, "10.0.0.1"},
		"a comma at the start":        {trusting, "10.0.0.1:5", []string{",10.0.0.2"}, "10.0.0.2"},
		"commas alone":                {trusting, "10.0.0.1:5", []string{",,,"}, "10.0.0.1"},
		"with a port":                 {trusting, "10.0.0.1:5", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"IPv6":                        {trusting, "[fd00::1]:5", []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets":            {trusting, "[fd00::1]:5", []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with a port":            {trusting, "[fd00::1]:5", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		"IPv6 half in brackets":       {trusting, "[fd00::1]:5", []string{"[2001:db8::1"}, "fd00::1"},
		"IPv4 in brackets":            {trusting, "[fd00::1]:5", []string{"[198.51.100.1]"}, "fd00::1"},
		"with a zone":                 {trusting, "[fd00::1%eth0]:5", []string{"fe80::1%eth0"}, "fe80::1"},
		"IPv4 as IPv6, at the socket": {trusting, "[::ffff:10.0.0.1]:5", []string{"198.51.100.1"}, "198.51.100.1"},
		"IPv4 as IPv6, in the header": {trusting, "10.0.0.1:5", []string{"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1"},
		"a Unix socket":               {trusting, "@", []string{"198.51.100.1"}, "invalid IP"},
		"many entries":                {trusting, "10.0.0.1:5", []string{strings.Repeat("10.0.0.2,", 1000) + "10.0.0.3"}, "10.0.0.2"},
	} {
		r := &http.Request{RemoteAddr: test.remote, Header: http.Header{"X-Forwarded-For": test.forwarded}}
		if got := test.clients.Of(r).String(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestAConnectionTellsTheClientUnlessAProxyIsAtItsEnd(t *testing.T) {
	trusting := proxies("10.0.0.0/8")
	for remote, known := range map[string]bool{"203.0.113.1": true, "10.0.0.1": false, "::ffff:10.0.0.1": false} {
		got, ok := trusting.OfConn(&net.TCPAddr{IP: net.ParseIP(remote), Port: 5})
		if ok != known || ok && got.String() != remote {
			t.Errorf("%s: %s, %v", remote, got, ok)
		}
		if _, ok := (Clients{}).OfConn(&net.TCPAddr{IP: net.ParseIP(remote), Port: 5}); !ok {
			t.Errorf("%s: unknown, though nobody is trusted", remote)
		}
	}
	if got, ok := trusting.OfConn(&net.UnixAddr{Name: "/socket"}); got.IsValid() || !ok {
		t.Errorf("a Unix socket: %s, %v", got, ok)
	}
}

// FuzzOf holds the walk to its end: what is found is the peer, or an address that a trusted proxy, or a row of them, has written.
func FuzzOf(f *testing.F) {
	for _, line := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.1", "[::1]:1,,", "unknown, 10.1.1.1", "[[::1]]", "10.0.0.1:99999"} {
		f.Add(line, line, true)
	}
	trusting := proxies("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, one, two string, proxied bool) {
		r := &http.Request{RemoteAddr: "203.0.113.9:1", Header: http.Header{"X-Forwarded-For": {one, two}}}
		if proxied {
			r.RemoteAddr = "10.0.0.1:1"
		}
		got := trusting.Of(r)
		if !got.IsValid() || !proxied && got.String() != "203.0.113.9" {
			t.Fatalf("%q, %q: %s", one, two, got)
		}
		if proxied && got.String() != "10.0.0.1" && !strings.Contains(one+two, ":") && !strings.Contains(one+two, got.String()) {
			t.Fatalf("%q, %q: %s was written by nobody", one, two, got)
		}
	})
}
