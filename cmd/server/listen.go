package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listeners are the sockets of a node, all bound before anything is written to disk.
type listeners struct {
	http, cluster net.Listener
	// redirect and ops are nil unless they are set.
	redirect, ops net.Listener
	// gossip is the address whose TCP and UDP ports were found free; the gossip room binds it itself.
	gossip string
}

// redirectListener is what the listener of --redirect-addr is called.
const redirectListener = "redirect"

// bind opens the listeners of s. On an error none is left open.
func bind(ctx context.Context, s Settings) (_ *listeners, err error) {
	l := new(listeners)
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.http, err = listen(ctx, s.Listen.HTTP, "HTTP", "http-addr"); err != nil {
		return nil, err
	}
	if l.cluster, err = listen(ctx, s.Listen.Cluster, "cluster", "cluster-addr"); err != nil {
		return nil, err
	}
	if s.Listen.Redirect != "" {
		if l.redirect, err = listen(ctx, s.Listen.Redirect, redirectListener, "redirect-addr"); err != nil {
			return nil, err
		}
	}
	if s.Listen.Ops != "" {
		if l.ops, err = listen(ctx, s.Listen.Ops, "operations", "ops-addr"); err != nil {
			return nil, err
		}
	}
	l.gossip, err = probeGossip(ctx, s.Listen.Gossip)
	return l, err
}

// ofHTTP is how many of them take HTTP connections.
func (l *listeners) ofHTTP() int {
	n := 0
	for _, ln := range []net.Listener{l.http, l.redirect, l.ops} {
		if ln != nil {
			n++
		}
	}
	return n
}

// close closes what is open.
func (l *listeners) close() error {
	var errs []error
	for _, ln := range []net.Listener{l.http, l.cluster, l.redirect, l.ops} {
		if ln != nil {
			if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func listen(ctx context.Context, address, what, flag string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, bindError(err, address, what, flag)
	}
	return ln, nil
}

// bindError says which listener failed and which flag moves it.
func bindError(err error, address, what, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the %s address %s is in use by another process: stop it, or choose another with --%s: %w", what, address, flag, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("the %s address %s is not one of this machine's: choose another with --%s: %w", what, address, flag, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("no right to listen on the %s address %s: choose a port above 1023 with --%s: %w", what, address, flag, err)
	}
	return fmt.Errorf("cannot listen on the %s address %s (--%s): %w", what, address, flag, err)
}

// probeGossip checks that both ports of the gossip address are free, and picks a number if the port is 0. It lets go of
// them again, since the gossip room binds its own pair: a port lost in between is only reported later.
func probeGossip(ctx context.Context, address string) (string, error) {
	var config net.ListenConfig
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	// A free TCP port may be taken for UDP; with port 0 a few attempts find a pair.
	for attempt := 1; ; attempt++ {
		var taken string
		taken, err = probePair(ctx, config, address, host)
		if err == nil {
			return taken, nil
		}
		if port != "0" || attempt == maxProbes {
			return "", bindError(err, address, "gossip", "gossip-addr")
		}
	}
}

// maxProbes bounds the search for a free pair of ports.
const maxProbes = 10

// probePair binds TCP and UDP on one port and closes both.
func probePair(ctx context.Context, config net.ListenConfig, address, host string) (string, error) {
	tcp, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	ip, port, _ := net.SplitHostPort(tcp.Addr().String())
	if host != "" {
		host = ip // a name is looked up once, here
	}
	udp, err := config.ListenPacket(ctx, "udp", net.JoinHostPort(host, port))
	if err != nil {
		return "", errors.Join(err, tcp.Close())
	}
	return net.JoinHostPort(host, port), errors.Join(udp.Close(), tcp.Close())
}

// portOf is the port a listener got.
func portOf(ln net.Listener) string {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// publicURL is the base of short URLs: as set, or the HTTP listener as others reach it.
func publicURL(s Settings, http net.Listener) string {
	if s.Listen.PublicURL != "" {
		return s.Listen.PublicURL
	}
	return httpURL(s, http)
}

// httpURL is where other nodes and operators reach the HTTP listener.
func httpURL(s Settings, http net.Listener) string { return listenerURL(s, s.Listen.HTTP, http) }

// redirectURL is where the redirect listener is reached; empty without one.
func (a *App) redirectURL() string {
	if a.listeners.redirect == nil {
		return ""
	}
	return listenerURL(a.settings, a.settings.Listen.Redirect, a.listeners.redirect)
}

// listenerURL is where others reach a listener that was set to an address.
func listenerURL(s Settings, address string, ln net.Listener) string {
	scheme := "http"
	if s.Listen.TLSCert != "" {
		scheme = "https"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil || checkHost(host) != nil {
		host = s.Node.Advertise
	}
	return scheme + "://" + net.JoinHostPort(host, portOf(ln))
}
