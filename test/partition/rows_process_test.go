//go:build linux

package partition

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"tinyurl/test/harness"
)

// killed ends processes as kill -9 does, all at once, and returns what starts them again.
func (w *world) killed(victims ...*harness.Node) (start func()) {
	victims = slices.DeleteFunc(victims, func(n *harness.Node) bool { return !n.Running() }) // another fault was first
	for _, n := range victims {
		n.KillNow()
		w.note("kill", "%s", n.Name())
	}
	for _, n := range victims {
		n.Wait(leaderWithin)
	}
	return func() {
		for _, n := range victims {
			w.start(n)
		}
	}
}

func (w *world) start(n *harness.Node) {
	n.Start()
	w.note("start", "%s", n.Name())
}

func killLeader(w *world) func()   { return w.killed(w.leader()) }
func killFollower(w *world) func() { return w.killed(following(w)) }

// killMajority kills the leader and as many others as it takes.
func killMajority(w *world) func() {
	leader := w.leader()
	return w.killed(append(w.followers(leader)[:len(w.nodes())/2], leader)...)
}

func killEverybody(w *world) func() { return w.killed(w.nodes()...) }

// queued is how many requests of each kind wait at a node that stands still.
const queued = 8

// pauseLeader stops the leader where it is. Clients go on asking it; what it answers when it goes on must be right.
func pauseLeader(w *world) func() {
	leader := w.leader()
	if !leader.Running() {
		return func() {}
	}
	w.load.Queue(leader, queued/2, 30*time.Second) // under way when it happens
	leader.Pause()
	w.note("pause", "%s", leader.Name())
	w.load.Queue(leader, queued, 30*time.Second)
	return func() {
		if leader.Running() { // another fault may have ended it
			leader.Resume()
			w.note("resume", "%s", leader.Name())
		}
	}
}

// rollingRestart stops and starts every node in order.
func rollingRestart(w *world) func() {
	for _, n := range w.shuffled() {
		n.Stop()
		w.note("stop", "%s", n.Name())
		w.start(n)
		n.WaitReady(harness.StartWithin)
	}
	return func() {}
}

// killInTransfer tells the leader to stop and kills it while it hands over; then the same to the next, whose successor is killed.
func killInTransfer(w *world) func() {
	leader := w.leader()
	w.terminate(leader)
	w.hold(w.between(0, 60*time.Millisecond))
	again := w.killed(leader)
	next := w.leader()
	again()
	if !leader.Running() { // it had stopped in order when the kill came
		w.start(leader)
	}
	w.current(recoverWithin)
	successor := w.followers(next)[0]
	w.terminate(next)
	w.hold(w.between(0, 60*time.Millisecond))
	successors := w.killed(successor)
	return func() {
		next.Wait(leaderWithin)
		w.start(next)
		successors()
	}
}

// terminate tells a node to stop in order, and does not wait.
func (w *world) terminate(n *harness.Node) {
	pid, err := processOf(n)
	if err != nil {
		w.Fatal(err)
	}
	n.Leaving()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		w.Fatalf("stop %s: %v", n.Name(), err)
	}
	w.note("stop", "%s", n.Name())
}

// shortLog is the tuning under which a snapshot is taken every few moments, and little is kept behind it.
const shortLog = "snapshotThreshold=100,trailingLogs=64,snapshotInterval=250ms"

// isolatedUntilSnapshot cuts a follower off until the others' logs no longer reach back to it.
func isolatedUntilSnapshot(w *world) func() {
	leader := w.leader()
	follower := w.followers(leader)[0]
	status, err := follower.Status(w.Context())
	if err != nil || len(status.Groups) == 0 {
		w.Fatalf("the status of %s: %v", follower.Name(), err)
	}
	left := status.Groups[0].LastIndex
	restored, err := metric(w.Context(), follower, restores)
	if err != nil {
		w.Fatal(err)
	}
	mend := w.spoil("cut", apart([]string{follower.Name()}, names(w.cluster.Others(follower))), "%s from all", follower.Name())
	w.eventually(60*time.Second, "logs that no longer reach back", func(ctx context.Context) error {
		for _, n := range w.cluster.Others(follower) {
			status, err := n.Status(ctx)
			if err != nil || len(status.Groups) == 0 {
				return fmt.Errorf("the status of %s: %w", n.Name(), err)
			}
			if at := status.Groups[0].Snapshot.Index; at < left+200 {
				return fmt.Errorf("%s has its snapshot at %d, and %s had left at %d", n.Name(), at, follower.Name(), left)
			}
		}
		return nil
	})
	return func() {
		mend()
		w.mended = time.Now() // not when the snapshot has arrived
		w.eventually(recoverWithin, "a snapshot on "+follower.Name(), func(ctx context.Context) error {
			if now, err := metric(ctx, follower, restores); err != nil || now <= restored {
				return fmt.Errorf("restored %v, before %v: %w", now, restored, err)
			}
			return nil
		})
		w.note("restored", "%s", follower.Name())
	}
}

// restores is the metric that counts the snapshots that were installed.
const restores = "tinyurl_fsm_restore_seconds_count"

// killInSnapshot kills nodes, the leader among them, at the moment when they take a snapshot.
func killInSnapshot(w *world) func() {
	for _, n := range w.shuffled() {
		seen := strings.Count(n.Log(), takesSnapshot)
		w.eventually(recoverWithin, "a snapshot begun by "+n.Name(), func(context.Context) error {
			if strings.Count(n.Log(), takesSnapshot) == seen {
				return errNotYet
			}
			return nil
		})
		start := w.killed(n)
		w.hold(500 * time.Millisecond)
		start()
		n.WaitCurrent(recoverWithin)
	}
	return func() {}
}

// takesSnapshot is what raft logs when it begins a snapshot.
const takesSnapshot = "starting snapshot up to"
