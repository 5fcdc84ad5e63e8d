package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tinyurl/cluster/peer"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// sent is a batch as it travels.
func sent(t *testing.T, node string, commands ...command.Command) []byte {
	t.Helper()
	b := command.Batch{Origin: command.Origin{Node: node, Boot: 1 << 62}}
	for i, c := range commands {
		b.Operations = append(b.Operations, command.Operation{Sequence: uint64(i + 1), Command: c})
	}
	encoded, err := command.EncodeBatch(b)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestOnlyANodesOwnWritesAreTakenFromIt(t *testing.T) {
	create := command.Create{Draft: link.Draft{Fields: link.Fields{Target: "https://example.com/"}}}
	for name, c := range map[string]struct {
		encoded []byte
		taken   bool
	}{
		"its own":                   {sent(t, "n1-000001", create, command.Delete{Code: "abc"}), true},
		"another node's":            {sent(t, "n2-000002", create), false},
		"those of a leader":         {sent(t, "leader/n1-000001", create), false},
		"a leader's command":        {sent(t, "n1-000001", create, command.Lead{ClusterVersion: 1}), false},
		"a version from the future": {sent(t, "n1-000001", command.Lead{ClusterVersion: 48}), false},
		"noise":                     {[]byte("noise"), false},
	} {
		batch, err := readBatch("n1-000001", c.encoded)
		if c.taken != (err == nil) || err != nil && !peer.Unprocessed(err) {
			t.Errorf("%s: %+v, %v", name, batch, err)
		}
	}
}

// What one member sends by mistake must not stop the others.
func TestAWrongBatchOfAMemberHarmsNobody(t *testing.T) {
	inVirtualTime(t, 3, func(v *virtualCluster) {
		v.founded()
		leader, wrong := v.leader(), v.follower()
		for _, encoded := range [][]byte{
			sent(t, string(wrong.ID()), command.Lead{ClusterVersion: 48}),
			sent(t, string(leader.ID()), command.Delete{Code: "abc"}),
			[]byte("noise"),
		} {
			ctx, cancel := context.WithTimeout(v.t.Context(), time.Second)
			_, _, err := wrong.plane.calls().sendBatch(ctx, leader.ID(), encoded)
			cancel()
			if !errors.Is(err, peer.ErrMalformed) || !notProcessed(err) {
				t.Errorf("answered with %v", err)
			}
		}
		for _, n := range v.nodes {
			v.create(n, 1)
			if len(n.fatal) > 0 {
				t.Errorf("%s: %v", n.config.Name, <-n.fatal)
			}
		}
	})
}

func TestRaftsErrorsAreSortedByWhatTheyLeaveOpen(t *testing.T) {
	for _, err := range []error{raft.ErrNotLeader, raft.ErrLeadershipTransferInProgress, raft.ErrEnqueueTimeout} {
		if sorted := outcome(err); !errors.Is(sorted, ErrNotLeader) || !notProcessed(sorted) {
			t.Errorf("%v never reached the log, and is told as %v", err, sorted)
		}
	}
	for _, err := range []error{raft.ErrLeadershipLost, raft.ErrRaftShutdown, raft.ErrAbortedByRestore, errors.New("anything else")} {
		if sorted := outcome(err); !errors.Is(sorted, ErrUnknownOutcome) || notProcessed(sorted) {
			t.Errorf("%v may have left an entry in the log, and is told as %v", err, sorted)
		}
	}
}
