//go:build linux

package partition

import "time"

// short are the rows of a change that is about to land: about a minute.
var short = []string{"leader-isolated", "one-way-in", "kill-leader", "pause-3s", "delay-and-loss"}

// usual is how long most faults last: a leader is missed after a second or two, and another is there a second later.
const usual = 7 * time.Second

// groups are all rows, by the clusters that live through them.
func groups() []group {
	return []group{
		{name: "three", nodes: 3, rows: []row{
			{name: "leader-isolated", lasts: usual, begin: leaderIsolated},
			{name: "each-isolated", begin: eachIsolated, alone: true},
			{name: "one-way-out", lasts: usual, begin: oneWayOut},
			{name: "one-way-in", lasts: usual, begin: oneWayIn},
			{name: "flapping", lasts: 2 * usual, begin: flapping},
			{name: "delay", lasts: usual, begin: delayed},
			{name: "loss", lasts: usual, begin: lossy},
			{name: "delay-and-loss", lasts: usual, begin: delayedAndLossy},
			{name: "duplicate-and-reorder", lasts: usual, begin: doubledAndReordered},
			{name: "gossip-cut", lasts: 2 * usual, begin: planeCut(gossipPort)},
			{name: "raft-cut", lasts: usual, begin: planeCut(clusterPort)},
		}},
		{name: "processes", nodes: 3, rows: []row{
			{name: "kill-leader", lasts: usual, begin: killLeader},
			{name: "kill-follower", lasts: usual, begin: killFollower},
			{name: "kill-majority", lasts: usual / 2, begin: killMajority},
			{name: "kill-all", lasts: time.Second, begin: killEverybody},
			{name: "pause-300ms", lasts: 300 * time.Millisecond, begin: pauseLeader},
			{name: "pause-1s", lasts: time.Second, begin: pauseLeader},
			{name: "pause-3s", lasts: 3 * time.Second, begin: pauseLeader},
			{name: "pause-10s", lasts: 10 * time.Second, begin: pauseLeader},
			{name: "rolling-restart", begin: rollingRestart, alone: true},
			{name: "kill-in-transfer", lasts: 2 * time.Second, begin: killInTransfer, alone: true},
		}},
		{name: "five", nodes: 5, rows: []row{
			{name: "random-halves", lasts: usual, begin: randomHalves},
			{name: "leader-in-minority", lasts: usual, begin: leaderInMinority},
			{name: "bridge", lasts: usual, begin: bridge},
			{name: "ring-of-majorities", lasts: usual, begin: ringOfMajorities},
		}},
		{name: "snapshots", nodes: 3, faulty: true, environ: []string{"TINYURL_TUNING=" + shortLog}, rows: []row{
			{name: "isolated-until-snapshot", begin: isolatedUntilSnapshot},
			{name: "kill-in-snapshot", begin: killInSnapshot},
		}},
		{name: "failpoints", nodes: 3, faulty: true, rows: []row{
			{name: "log-eio-leader", lasts: usual, begin: logFails("eio", leading)},
			{name: "log-eio-follower", lasts: usual, begin: logFails("eio", following)},
			{name: "log-stall-leader", lasts: 2 * usual, begin: logFails("stall", leading)},
			{name: "log-stall-follower", lasts: 2 * usual, begin: logFails("stall", following)},
		}},
		{name: "disks", nodes: 3, disk: diskSize, rows: []row{
			{name: "disk-low-leader", lasts: usual, begin: diskFills(leading, lowSpace), diskMayFill: true},
			{name: "disk-low-follower", lasts: usual, begin: diskFills(following, lowSpace), diskMayFill: true},
			{name: "disk-full-leader", lasts: usual, begin: diskFills(leading, 0), diskMayFill: true},
			{name: "disk-full-follower", lasts: usual, begin: diskFills(following, 0), diskMayFill: true},
		}},
		{name: "members", nodes: 3, rows: []row{
			{name: "addresses-change", begin: addressesChange, alone: true},
			{name: "addresses-swapped", lasts: time.Second, begin: addressesSwapped, alone: true},
			{name: "kill-in-join", begin: killInJoin, alone: true},
			{name: "wipe-and-rejoin", begin: wipeAndRejoin, alone: true},
		}},
	}
}
