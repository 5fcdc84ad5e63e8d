package transport

import (
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"

	"tinyurl/test/bubble"
)

// messages are what commits sends to one follower, which acknowledges as the test wants.
type messages struct {
	sent    []raft.AppendEntriesRequest
	refuses bool
	hangs   chan struct{} // until it is closed; nil for not at all
}

func (m *messages) send(_ raft.ServerID, r *raft.AppendEntriesRequest) bool {
	m.sent = append(m.sent, *r)
	if m.hangs != nil {
		<-m.hangs
	}
	return !m.refuses
}

// told gives prev, its term and the commit index of each message, and forgets them.
func (m *messages) told() [][3]uint64 {
	synctest.Wait()
	var told [][3]uint64
	for _, r := range m.sent {
		told = append(told, [3]uint64{r.PrevLogEntry, r.PrevLogTerm, r.LeaderCommitIndex})
	}
	m.sent = nil
	return told
}

func appending(term uint64, commit uint64, indexes ...uint64) *raft.AppendEntriesRequest {
	r := &raft.AppendEntriesRequest{Term: term, PrevLogEntry: indexes[0], PrevLogTerm: term, LeaderCommitIndex: commit}
	for _, index := range indexes[1:] {
		r.Entries = append(r.Entries, &raft.Log{Index: index, Term: term})
	}
	return r
}

const followerID = "b-000002"

// sends has raft send a message, and the follower answer it.
func sends(c *commits, m *raft.AppendEntriesRequest, acknowledged bool) {
	c.begins(followerID)
	c.ends(followerID, m, acknowledged)
}

func TestFollowersAreToldOfACommit(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*commits, *messages)
		want [][3]uint64
	}{
		"what it holds": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 4, 5, 6), true)
			c.reached(3, 6)
		}, [][3]uint64{{6, 3, 6}}},
		// It would take itself to be up to date.
		"nothing while it lacks some": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 4, 5), true)
			c.reached(3, 6)
		}, nil},
		"once": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 4, 5), true)
			c.reached(3, 5)
			synctest.Wait()
			c.reached(3, 5)
			c.reached(3, 4)
		}, [][3]uint64{{5, 3, 5}}},
		"not what raft has told": {func(c *commits, _ *messages) {
			sends(c, appending(3, 5, 5), true)
			c.reached(3, 5)
		}, nil},
		"not while raft is telling": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 4, 5), true)
			c.begins(followerID)
			c.reached(3, 5)
		}, nil},
		"after raft, of what raft did not know": {func(c *commits, _ *messages) {
			c.begins(followerID)
			sends(c, appending(3, 4, 4, 5), true)
			c.reached(3, 5)
			c.ends(followerID, appending(3, 4, 5, 6), true)
		}, [][3]uint64{{6, 3, 5}}},
		"nothing it did not acknowledge": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 4, 5), false)
			c.reached(3, 5)
		}, nil},
		"nothing older than it holds": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 6, 7), true)
			sends(c, appending(3, 4, 4, 5), true) // late
			c.reached(3, 7)
		}, [][3]uint64{{7, 3, 7}}},
		"in the new term": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 8, 9), true)
			sends(c, appending(4, 4, 4, 5), true)
			sends(c, appending(3, 9, 9), true) // late
			c.reached(4, 5)
		}, [][3]uint64{{5, 4, 5}}},
		"nothing for a term that is over": {func(c *commits, _ *messages) {
			sends(c, appending(4, 4, 4, 5), true)
			c.reached(3, 5)
		}, nil},
		"nothing more to who does not hear": {func(c *commits, m *messages) {
			m.refuses = true
			sends(c, appending(3, 4, 4, 5), true)
			c.reached(3, 5)
			synctest.Wait()
			m.refuses = false
			c.reached(3, 6)
		}, [][3]uint64{{5, 3, 5}}},
		"again to who heard raft since": {func(c *commits, m *messages) {
			m.refuses = true
			sends(c, appending(3, 4, 4, 5), true)
			c.reached(3, 5)
			synctest.Wait()
			m.refuses = false
			sends(c, appending(3, 5, 5, 6), true)
			c.reached(3, 6)
		}, [][3]uint64{{5, 3, 5}, {6, 3, 6}}},
		"one message at a time, then the latest": {func(c *commits, m *messages) {
			m.hangs = make(chan struct{})
			sends(c, appending(3, 4, 4, 5, 6, 7), true)
			c.reached(3, 5)
			synctest.Wait()
			c.reached(3, 6)
			c.reached(3, 7)
			close(m.hangs)
		}, [][3]uint64{{7, 3, 5}, {7, 3, 7}}},
		"nothing after the end": {func(c *commits, _ *messages) {
			sends(c, appending(3, 4, 4, 5), true)
			c.close()
			c.reached(3, 5)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				var m messages
				commits := newCommits(m.send)
				c.do(commits, &m)
				if got := m.told(); !reflect.DeepEqual(got, c.want) {
					t.Errorf("told %v, want %v", got, c.want)
				}
				commits.close()
			})
		})
	}
}
