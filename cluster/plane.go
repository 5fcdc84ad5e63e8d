package cluster

import (
	"errors"
	"fmt"

	"tinyurl/cluster/forming"
	"tinyurl/cluster/gossip"
	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
	"tinyurl/cluster/peer"
	"tinyurl/cluster/transport"
	"tinyurl/fsm"
)

// plane is a node's side of the cluster plane: gossip, the listener, and what dials out.
type plane struct {
	gossip   *gossip.Gossip
	dialer   *transport.Dialer
	client   *peer.Client
	former   *forming.Former
	listener *transport.Listener
}

// openPlane starts to listen and to gossip. The listener of the configuration is the plane's from here on, also when it fails.
func openPlane(n *Node) (_ *plane, err error) {
	c, p := n.config, &plane{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
			if p.listener == nil {
				err = errors.Join(err, closeListener(c))
			}
		}
	}()
	authority, err := identity.NewAuthority(identity.Config{
		ID: n.record.ID, Secrets: []identity.Secret{c.Secret}, Now: c.Environment.Now, Rand: c.Environment.Rand,
	})
	if err != nil {
		return nil, err
	}
	if p.gossip, err = gossip.Open(n.life.ctx, gossipConfig(n)); err != nil {
		return nil, err
	}
	p.dialer = &transport.Dialer{
		Authority: authority, Resolver: addressBook{p.gossip}, Changed: p.gossip.Changed, Missed: p.gossip.Seek,
		DialContext: c.Network.Dial, Logger: n.log(),
	}
	if p.client, err = peer.NewClient(peer.ClientConfig{Dial: p.dialer.DialRPC, ClusterID: n.clusterID, Codes: wireErrors()}); err != nil {
		return nil, err
	}
	if p.former, err = openFormer(n, p); err != nil {
		return nil, err
	}
	mux, err := newMux(n, p.former)
	if err != nil {
		return nil, err
	}
	p.listener, err = transport.Listen(transport.ListenerConfig{
		Listener: c.Network.Listener, Authority: authority, Handler: mux, Logger: n.log(), Registerer: c.Environment.Registerer,
	})
	return p, err
}

// gossipConfig is what the others are told about this node, and where they are looked for.
func gossipConfig(n *Node) gossip.Config {
	c := n.config
	return gossip.Config{
		Self: member.Member{
			ID: n.record.ID, Name: c.Name, Boot: n.record.Boot, ClusterID: n.clusterID(), ClusterAddr: c.Network.Advertise,
			HTTPURL: c.HTTPURL, Version: c.Version, Zone: c.Zone, Replica: c.Replica, Expect: c.BootstrapExpect,
			MaxClusterVersion: fsm.MaxClusterVersion,
		},
		BindAddr: c.Network.GossipBind, AdvertiseAddr: c.Network.GossipAdvertise, Transport: c.Network.GossipTransport,
		Key: c.Secret.GossipKey(), Seeds: c.Join, Known: keptFile{n.dir, peersName},
		Logger: n.log(), Now: c.Environment.Now, Registerer: c.Environment.Registerer, Tuning: c.Tuning.Gossip,
	}
}

// addressBook tells where a node's cluster listener is. Only gossip knows; there is no fallback, as an address kept anywhere
// else may belong to another node by now.
type addressBook struct{ gossip *gossip.Gossip }

// Resolve implements transport.Resolver.
func (b addressBook) Resolve(id member.ID) (string, error) {
	m, ok := b.gossip.Member(id)
	if !ok || m.ClusterAddr == "" {
		return "", fmt.Errorf("gossip knows no address of node %s", id)
	}
	return m.ClusterAddr, nil
}

// calls is what this node asks of others.
func (p *plane) calls() calls { return calls{client: p.client, gossip: p.gossip} }

// close leaves nothing running. Groups are closed before: their streams are the listener's.
func (p *plane) close() error {
	var errs []error
	// Gossip first, so that no address is looked up any more; the listener last, as it waits for the handlers, which call others.
	if p.gossip != nil {
		errs = append(errs, p.gossip.Close())
	}
	if p.client != nil {
		errs = append(errs, p.client.Close())
	}
	if p.listener != nil {
		errs = append(errs, p.listener.Close())
	}
	return errors.Join(errs...)
}

func closeListener(c Config) error {
	if c.Network.Listener == nil {
		return nil
	}
	return c.Network.Listener.Close()
}
