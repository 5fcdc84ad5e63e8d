package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tinyurl/cluster/identity"
)

// The files of this room in the data directory; all else in it belongs to the cluster's rooms.
const (
	secretName = "secret"
	recordName = "serve.json"
	lockName   = "lock"
)

// directory is a node's data directory as far as this room uses it.
type directory string

// record is what serve leaves for verbs that work on a data directory without a server.
type record struct {
	// GossipAddr is where a joiner reaches this node, host:port.
	GossipAddr string `json:"gossipAddr"`
	// OwnRootKey says that the root key was given and is not the one derived from the secret.
	OwnRootKey bool `json:"ownRootKey"`
}

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

// secret returns the kept secret, or an error that wraps fs.ErrNotExist.
func (d directory) secret() (identity.Secret, error) {
	b, err := os.ReadFile(d.path(secretName))
	if err != nil {
		return identity.Secret{}, err
	}
	kept, err := identity.ParseSecret(string(b))
	if err != nil {
		return identity.Secret{}, fmt.Errorf("%s is damaged: %w; put the cluster's secret there again (tinyurl token prints it on any other node)",
			d.path(secretName), err)
	}
	return kept, nil
}

// keepSecret writes the secret for the next start, readable by the owner alone.
func (d directory) keepSecret(secret identity.Secret) error {
	return d.replace(secretName, []byte(secret.Reveal()+"\n"))
}

// record returns what the last serve left, or an error that wraps fs.ErrNotExist.
func (d directory) record() (record, error) {
	var r record
	b, err := os.ReadFile(d.path(recordName))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%s is damaged (serve writes it again): %w", d.path(recordName), err)
	}
	return r, nil
}

// keepRecord writes the record unless it stands there already.
func (d directory) keepRecord(r record) error {
	if old, err := d.record(); err == nil && old == r {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return d.replace(recordName, append(b, '\n'))
}

// replace writes a file so that a crash leaves the old or the new one, and syncs it.
func (d directory) replace(name string, content []byte) (err error) {
	f, err := os.CreateTemp(string(d), name+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), d.path(name)); err != nil {
		return err
	}
	return d.sync()
}

// sync makes the names in the directory durable.
func (d directory) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// used reports whether the directory holds anything of a node. What serve itself leaves before there is a node, and the
// lost+found of a fresh volume, does not count.
func (d directory) used() (bool, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		if !slices.Contains([]string{lockName, recordName, "lost+found"}, e.Name()) && !strings.HasSuffix(e.Name(), ".tmp") {
			return true, err
		}
	}
	return false, err
}

// claim makes the directory, proves that it can be written and locks it against other processes until the lock is closed.
// From then on it is the owner's alone.
func (d directory) claim(log *slog.Logger) (io.Closer, error) {
	if err := os.MkdirAll(string(d), ownerOnly); err != nil {
		return nil, fmt.Errorf("the data directory cannot be made (--data-dir chooses another): %w", err)
	}
	lock, err := lockFile(d.path(lockName))
	switch {
	case errors.Is(err, errLocked):
		return nil, fmt.Errorf("another process uses the data directory %s: stop it, or choose another with --data-dir", d)
	case err != nil:
		return nil, fmt.Errorf("the data directory cannot be written (--data-dir chooses another): %w", err)
	}
	d.restrict(os.Chmod, log)
	return lock, nil
}

// ownerOnly is the mode of the data directory: all links and the cluster's secret are in it.
const ownerOnly fs.FileMode = 0o700

// restrict keeps other users out of a directory that was made for us, such as a volume, whatever the modes of the files in it.
// Where that cannot be, as on a volume of another owner, the node runs all the same and says so.
func (d directory) restrict(chmod func(string, fs.FileMode) error, log *slog.Logger) {
	if runtime.GOOS == "windows" {
		return // the mode says nothing there
	}
	info, err := os.Stat(string(d))
	if err != nil || info.Mode().Perm()&^ownerOnly == 0 {
		return // what cannot be seen cannot be used either, and that is told soon
	}
	log = log.With("dir", string(d), "mode", info.Mode().String())
	if info.Mode()&fs.ModeSticky != 0 {
		log.Warn("the data directory is one that is shared: other users of this machine may read all links in it")
		return
	}
	if err := chmod(string(d), ownerOnly); err != nil {
		log.Warn("other users of this machine may read all links in the data directory", "cause", err)
		return
	}
	log.Info("the data directory was open to other users and is the owner's alone now")
}
