package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestProxiesAreAddressesAndNetworks(t *testing.T) {
	for given, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", "fd00::/8": "fd00::/8", "2001:db8::1": "2001:db8::1/128",
		"::ffff:192.0.2.1": "192.0.2.1/32", "::ffff:10.0.0.0/104": "10.0.0.0/8", "0.0.0.0/0": "0.0.0.0/0", "::/0": "::/0", "::ffff:0.0.0.0/96": "0.0.0.0/0",
	} {
		if got, err := parseProxy(given); err != nil || got != netip.MustParsePrefix(want) {
			t.Errorf("%s: %v, %v", given, got, err)
		}
	}
}

// call sends a create, with a key unless that is empty, for a client behind a proxy.
func call(t *testing.T, n *testNode, key, client string) *http.Response {
	t.Helper()
	request, err := http.NewRequest("POST", n.HTTPURL()+"/api/v1/links", strings.NewReader(`{"longUrl":"https://example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Forwarded-For", client)
	if key != "" {
		request.Header.Set("X-Api-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response
}

func TestALimitReachesWhoCallsThroughATrustedProxy(t *testing.T) {
	n := runNode(t, "--rate-limit=1", "--anonymous-create", "--trusted-proxies=127.0.0.0/8,::1")
	n.ready(t)
	const many = 50
	for i := range many {
		response := call(t, n, "", "198.51.100.1")
		if response.Header.Get("RateLimit-Limit") != "2" {
			t.Fatalf("header %v", response.Header)
		}
		if response.StatusCode == http.StatusTooManyRequests {
			if response.Header.Get("Retry-After") != "1" {
				t.Errorf("header %v", response.Header)
			}
			break
		}
		if response.StatusCode != http.StatusCreated || i == many-1 {
			t.Fatalf("call %d: status %d", i, response.StatusCode)
		}
	}
	if response := call(t, n, "", "198.51.100.2"); response.StatusCode != http.StatusCreated {
		t.Errorf("another client: status %d", response.StatusCode)
	}
	if response := call(t, n, "wrong", "198.51.100.3"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong key: status %d", response.StatusCode)
	}
}

func TestWithoutTheSettingTheAnonymousMakeNothing(t *testing.T) {
	n := runNode(t)
	n.ready(t)
	if response := call(t, n, "", "198.51.100.1"); response.StatusCode != http.StatusUnauthorized || response.Header.Get("RateLimit-Limit") != "" {
		t.Errorf("status %d, header %v", response.StatusCode, response.Header)
	}
}
