package server

import (
	"net"
	"net/url"
)

// ownHosts lists the hosts, with ports, whose URLs would lead back to this node. A public URL on a default port owns both
// default ports, since plain HTTP is commonly sent on to HTTPS.
func ownHosts(urls ...string) []string {
	defaults := map[string]string{"http": "80", "https": "443"}
	var own []string
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" {
			continue
		}
		if port := u.Port(); port != "" && port != defaults[u.Scheme] {
			own = append(own, net.JoinHostPort(u.Hostname(), port))
			continue
		}
		own = append(own, net.JoinHostPort(u.Hostname(), "80"), net.JoinHostPort(u.Hostname(), "443"))
	}
	return own
}
