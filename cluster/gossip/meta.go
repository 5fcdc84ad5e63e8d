package gossip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/hashicorp/memberlist"

	"tinyurl/cluster/member"
)

// MaxMeta is how much a node can tell about itself, in bytes, encoded.
const MaxMeta = memberlist.MetaMaxSize

// ErrMetaTooLong means that what a node tells about itself exceeds MaxMeta.
var ErrMetaTooLong = errors.New("too much to tell the other nodes")

// meta is what travels with a node's name. The keys are short, since all of it
// fits in MaxMeta bytes; unknown ones are of newer versions and skipped.
type meta struct {
	Name       string            `json:"n,omitempty"` // if not the id's own
	Cluster    *member.ClusterID `json:"c,omitempty"`
	Addr       string            `json:"a,omitempty"`
	URL        string            `json:"u,omitempty"`
	Version    string            `json:"v,omitempty"`
	Zone       string            `json:"z,omitempty"`
	Replica    bool              `json:"r,omitempty"`
	Expect     int               `json:"e,omitempty"`
	MaxCluster uint32            `json:"m,omitempty"`
	// Started is when the process began, Unix milliseconds by its own clock:
	// of two processes with one data directory the later is the copy.
	Started int64 `json:"s,omitempty"`
	// Leaving tells a goodbye from a failure, which memberlist does not let
	// its events tell.
	Leaving bool `json:"l,omitempty"`
}

// peer is a node as its own words describe it.
type peer struct {
	member.Member
	started int64
	leaving bool
}

// encode makes the metadata of p, or fails with ErrMetaTooLong.
func (p peer) encode() ([]byte, error) {
	m := meta{
		Addr: p.ClusterAddr, URL: p.HTTPURL, Version: p.Version, Zone: p.Zone, Replica: p.Replica,
		Expect: p.Expect, MaxCluster: p.MaxClusterVersion, Started: p.started, Leaving: p.leaving,
	}
	if p.Name != p.ID.Name() {
		m.Name = p.Name
	}
	if !p.ClusterID.IsZero() {
		m.Cluster = &p.ClusterID
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode gossip metadata: %w", err)
	}
	if len(b) > MaxMeta {
		return nil, fmt.Errorf("%w: %d bytes of at most %d: the cluster address takes %d, the HTTP URL %d, the zone %d, the version %d",
			ErrMetaTooLong, len(b), MaxMeta, len(m.Addr), len(m.URL), len(m.Zone), len(m.Version))
	}
	return b, nil
}

// checkSize fails with ErrMetaTooLong if p could not say all, and goodbye.
func (p peer) checkSize() error {
	p.leaving = true
	_, err := p.encode()
	return err
}

// decodePeer reads a node's name and metadata.
func decodePeer(n *memberlist.Node) (peer, error) {
	id, boot, err := parseNodeName(n.Name)
	if err != nil {
		return peer{}, err
	}
	var m meta
	if err := json.Unmarshal(n.Meta, &m); err != nil {
		return peer{}, fmt.Errorf("metadata of %s: %w", id, err)
	}
	p := peer{
		Member: member.Member{
			ID: id, Name: m.Name, Boot: boot, ClusterAddr: m.Addr, GossipAddr: n.Address(), HTTPURL: m.URL,
			Version: m.Version, Zone: m.Zone, Replica: m.Replica, Expect: m.Expect, MaxClusterVersion: m.MaxCluster,
		},
		started: m.Started,
		leaving: m.Leaving,
	}
	if p.Name == "" {
		p.Name = id.Name()
	}
	if m.Cluster != nil {
		p.ClusterID = *m.Cluster
	}
	if host, port, err := net.SplitHostPort(p.ClusterAddr); err == nil && host == "" {
		p.ClusterAddr = net.JoinHostPort(n.Addr.String(), port)
	}
	return p, nil
}

// nodeName is what memberlist calls one boot of a node. It refuses a known
// name at a new address, so each boot has a name of its own.
func nodeName(id member.ID, boot uint64) string {
	return string(id) + "#" + strconv.FormatUint(boot, 10)
}

func parseNodeName(name string) (member.ID, uint64, error) {
	idText, bootText, _ := strings.Cut(name, "#")
	id, err := member.ParseID(idText)
	if err != nil {
		return "", 0, fmt.Errorf("node name %q: %w", name, err)
	}
	boot, err := strconv.ParseUint(bootText, 10, 64)
	if err != nil || boot == 0 || nodeName(id, boot) != name {
		return "", 0, fmt.Errorf("node name %q has no boot number", name)
	}
	return id, boot, nil
}
