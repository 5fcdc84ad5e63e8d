package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"tinyurl/cluster/member"
	"tinyurl/fsm/store"
)

// dataFormat is the format of the files below; a higher one was written by a newer binary.
const dataFormat = 1

// dataDir is a node's memory of who it is and which cluster it belongs to. Every write is durable when it returns.
type dataDir struct {
	fs  store.FS
	dir string
}

// nodeRecord is node.json.
type nodeRecord struct {
	Format int       `json:"format"`
	ID     member.ID `json:"id"`
	// Boot is the number of the last start: greater at each, and never used twice, also by a copy of this directory or by an
	// older state of it. It is the time of the start in Unix milliseconds, or, where the clock is behind, a number by chance above
	// the last.
	Boot uint64 `json:"boot"`
}

// clusterRecord is cluster.json; it exists once the node has founded or joined a cluster.
type clusterRecord struct {
	Format    int              `json:"format"`
	ClusterID member.ClusterID `json:"clusterId"`
	// Founders is the founding set of a founder; empty for a node that joined.
	Founders []member.ID `json:"founders,omitempty"`
	// HasState says that raft has kept something here. A node that once voted must never start without its votes.
	HasState bool `json:"hasState"`
	// CaughtUp says that this node once had all that the leader had.
	CaughtUp bool `json:"caughtUp"`
}

// node reads node.json, or makes a new identity where there is none. Nothing is written yet.
func (d dataDir) node(name string, rand io.Reader) (nodeRecord, error) {
	var r nodeRecord
	switch err := d.read("node.json", &r); {
	case errors.Is(err, fs.ErrNotExist):
		id, err := member.NewID(name, rand)
		return nodeRecord{Format: dataFormat, ID: id}, err
	case err != nil:
		return r, err
	}
	if err := d.known("node.json", r.Format); err != nil {
		return r, err
	}
	if r.ID.Name() != name {
		return r, fmt.Errorf("the data directory %s belongs to the node %q, but this node is called %q: give it another --data-dir, or --name %s",
			d.dir, r.ID.Name(), name, r.ID.Name())
	}
	return r, nil
}

// cluster reads cluster.json; nil means that this node belongs to no cluster yet.
func (d dataDir) cluster() (*clusterRecord, error) {
	var r clusterRecord
	switch err := d.read("cluster.json", &r); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &r, d.known("cluster.json", r.Format)
}

func (d dataDir) known(name string, format int) error {
	if format > dataFormat {
		return fmt.Errorf("%s is of format %d, newer than this binary knows (%d): start a newer tinyurl on this data directory",
			path.Join(d.dir, name), format, dataFormat)
	}
	return nil
}

// load returns a file's content, or an error that wraps fs.ErrNotExist.
func (d dataDir) load(name string) ([]byte, error) {
	f, err := d.fs.Open(path.Join(d.dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const limit = 1 << 20
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(d.dir, name), err)
	}
	return data, nil
}

func (d dataDir) read(name string, into any) error {
	data, err := d.load(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is damaged (%w): wipe this data directory and start the node again, it will join as a new member",
			path.Join(d.dir, name), err)
	}
	return nil
}

// write replaces a file: whole or not at all, whenever the power goes.
func (d dataDir) write(name string, from any) error {
	data, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	if err := d.replace(name, append(data, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", path.Join(d.dir, name), err)
	}
	return nil
}

func (d dataDir) replace(name string, data []byte) error {
	if err := store.MakeDir(d.fs, d.dir); err != nil {
		return err
	}
	fresh := path.Join(d.dir, name+".tmp")
	f, err := d.fs.Create(fresh, "tinyurl-node")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := d.fs.Rename(fresh, path.Join(d.dir, name)); err != nil {
		return err
	}
	return store.SyncDir(d.fs, d.dir)
}
