package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"tinyurl/api/visits"
	"tinyurl/cluster/member"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
	"tinyurl/fsm/store"
)

// sinkNode is what a cluster.Node does with visits.
type sinkNode interface {
	stateNode
	Propose(ctx context.Context, actor string, commands []command.Command) ([]command.Result, error)
	ID() member.ID
	Boot() uint64
}

// visitSink has a node's visits counted; it is a visits.Sink.
type visitSink struct{ node sinkNode }

// sendPatience is how long a command may take. The node gives up sooner if it can say that nobody leads.
const sendPatience = 10 * time.Second

// Begin gives a boot above all that the cluster knows of this node. The node's own may be one of them: where its data directory was
// put back to an earlier state.
func (s visitSink) Begin(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	state, err := s.node.View(ctx, false)
	if err != nil {
		return 0, err
	}
	last, err := state.VisitMark(string(s.node.ID()))
	if err != nil {
		return 0, err
	}
	return max(s.node.Boot(), last.Boot+1), nil
}

// Send proposes visits.
func (s visitSink) Send(ctx context.Context, m visits.Mark, tallies []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	results, err := s.node.Propose(ctx, "", []command.Command{
		command.Visits{Node: string(s.node.ID()), Boot: m.Boot, Sequence: m.Sequence, Tallies: string(tallies)},
	})
	if err != nil {
		return err
	}
	return results[0].Err
}

// Tags looks links up. Where nobody uses tags that is one look for all of them.
func (s visitSink) Tags(codes []string) [][]string {
	state, err := s.node.View(context.Background(), true)
	if err != nil || len(codes) == 0 {
		return nil
	}
	if used, err := anyTag(state); err != nil || !used {
		return nil
	}
	tags := make([][]string, len(codes))
	for i, code := range codes {
		if found, err := state.Lookup(link.Code(code)); err == nil {
			tags[i] = slices.Collect(found.Tags.All())
		}
	}
	return tags
}

func anyTag(state *store.Store) (bool, error) {
	some, _, err := state.Tags(context.Background(), nil, "", 1)
	return len(some) > 0, err
}

// spoolName is the file in the data directory with visits that a stop could not send.
const spoolName = "visits.spool"

// maxSpool bounds that file, in bytes.
const maxSpool = 256 << 20

// spool is a directory's visits.Spool.
type spool struct{ dir directory }

// Load reads the file.
func (s spool) Load() ([]byte, error) {
	info, err := os.Stat(s.dir.path(spoolName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Size() > maxSpool:
		return nil, fmt.Errorf("%s has %d bytes", s.dir.path(spoolName), info.Size())
	}
	return os.ReadFile(s.dir.path(spoolName))
}

// Keep writes the file, or removes it.
func (s spool) Keep(b []byte) error {
	if len(b) > 0 {
		return s.dir.replace(spoolName, b)
	}
	err := os.Remove(s.dir.path(spoolName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
