package server

import (
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/api"
	"tinyurl/cluster"
	"tinyurl/cluster/identity"
	"tinyurl/fsm/link"
)

// clusterConfig is what the cluster needs of the settings and the sockets.
func (a *App) clusterConfig(secret identity.Secret, registry *prometheus.Registry) cluster.Config {
	s, environment := a.settings, a.env.Cluster
	environment.Logger = a.log
	environment.Registerer = registry
	environment.Fatal = a.fail
	if environment.OpenLog == nil {
		environment.OpenLog = s.Node.LogStore.Open
	}
	return cluster.Config{
		Name: s.Node.Name, DataDir: s.Node.DataDir, Zone: s.Node.Zone, Version: a.env.Version,
		HTTPURL: a.HTTPURL(), Replica: s.Node.Replica, Join: s.Node.Join, BootstrapExpect: s.Node.BootstrapExpect,
		Secret: secret, CacheBytes: s.Memory.Cache, VisitsKept: s.Visits.Kept,
		Network: cluster.Network{
			Listener:        a.listeners.cluster,
			Advertise:       net.JoinHostPort(s.Node.Advertise, portOf(a.listeners.cluster)),
			Dial:            a.env.Dial,
			GossipBind:      a.listeners.gossip,
			GossipAdvertise: a.gossipAddr(),
			GossipTransport: a.env.GossipTransport,
		},
		Environment: environment,
		Tuning:      a.tuning(),
	}
}

// listenFirst is how long a lone node with a secret that was given to it listens for a cluster that has it already.
const listenFirst = 15 * time.Second

// tuning is the environment's. A lone node that was given a secret may be a wiped member of a living cluster; one that made
// its secret itself cannot be.
func (a *App) tuning() cluster.Tuning {
	t := a.env.Tuning
	if t.Listen == 0 && !a.settings.Secrets.Cluster.IsZero() {
		t.Listen = listenFirst
	}
	return t
}

// fail takes the first reason why the node must not go on to Run.
func (a *App) fail(err error) {
	select {
	case a.fatal <- err:
	default: // one is enough
	}
}

// gossipAddr is where joiners reach this node.
func (a *App) gossipAddr() string {
	_, port, _ := net.SplitHostPort(a.listeners.gossip)
	return net.JoinHostPort(a.settings.Node.Advertise, port)
}

// targetRules refuse long URLs that lead back here.
func (a *App) targetRules(urls ...string) link.TargetRules {
	return link.TargetRules{OwnHosts: ownHosts(urls...)}
}

// admission says who is let in.
func (a *App) admission() api.Admission {
	l := a.settings.Limits
	admission := api.Admission{RateLimit: l.Calls, TrustedProxies: l.TrustedProxies, Anonymous: l.Anonymous}
	if a.denied != nil {
		admission.Denied = a.denied.denies
		a.log.Info("links to the hosts of the deny file are refused here", "file", a.denied.path, "hosts", a.denied.size())
	}
	if l.Anonymous && l.Calls == 0 {
		a.log.Warn("anybody may make links, as many as they like: --rate-limit bounds them")
	}
	return admission
}
