package server

import (
	"errors"
	"fmt"
	"io/fs"

	"tinyurl/cluster/identity"
)

// Token is what somebody needs to add a node to a cluster, read from a member's data directory.
type Token struct {
	// Secret is the cluster's secret.
	Secret identity.Secret
	// GossipAddr is where the member is reached, host:port.
	GossipAddr string
	// RootKey is the derived root key; empty when the node was given one of its own, which is kept nowhere.
	RootKey string
}

// ReadToken reads the token of the cluster that the data directory dir belongs to. No server has to run.
func ReadToken(dir string) (Token, error) {
	d := directory(dir)
	secret, err := d.secret()
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, fmt.Errorf("no node has run on the data directory %s (--data-dir names another): %w", dir, err)
	}
	if err != nil {
		return Token{}, err
	}
	r, err := d.record()
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, fmt.Errorf("no node has finished its first start on the data directory %s: %w", dir, err)
	}
	if err != nil {
		return Token{}, err
	}
	t := Token{Secret: secret, GossipAddr: r.GossipAddr}
	if !r.OwnRootKey {
		t.RootKey = secret.RootKey()
	}
	return t, nil
}
