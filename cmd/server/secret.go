package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"tinyurl/cluster/identity"
)

// clusterSecret finds the secret a node is to use, and says whether it has yet to be kept in the directory. It changes
// nothing on disk.
func clusterSecret(s Settings, d directory, random io.Reader) (secret identity.Secret, fresh bool, err error) {
	given := s.Secrets.Cluster
	kept, err := d.secret()
	switch {
	case err == nil && !given.IsZero() && !given.Equal(kept):
		return identity.Secret{}, false, fmt.Errorf("%s differs from the secret this node was started with, %s: give that one or none, "+
			"or start on an empty data directory to join another cluster",
			s.Origin("cluster-secret"), d.path(secretName))
	case err == nil:
		return kept, false, nil
	case errors.Is(err, syscall.ENOTDIR):
		return identity.Secret{}, false, fmt.Errorf("the data directory cannot be made (--data-dir chooses another): %w", err)
	case !errors.Is(err, fs.ErrNotExist):
		return identity.Secret{}, false, err
	case !given.IsZero():
		return given, true, nil
	case !s.Lone():
		return identity.Secret{}, false, fmt.Errorf("%w: a node with --join or --bootstrap-expect above 1 needs the cluster's secret: "+
			"set TINYURL_CLUSTER_SECRET to it (tinyurl token on a member prints it), or for a new cluster to the same %d random "+
			"characters or more on every node", ErrUsage, identity.MinSecret)
	}
	// A used directory without a secret has lost it: a new one would shut the node out of its own cluster.
	used, err := d.used()
	if err != nil {
		return identity.Secret{}, false, err
	}
	if used {
		return identity.Secret{}, false, fmt.Errorf("%s is missing though %s is in use: give the cluster's secret with --cluster-secret-file, or "+
			"choose an empty --data-dir", d.path(secretName), d)
	}
	secret, err = identity.NewSecret(random)
	return secret, true, err
}
