//go:build failpoints

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tinyurl/cluster"
)

// The variables of a binary built with -tags failpoints that no other binary knows: the control file of the raft log's
// failpoints (package raftlog reads it), and a tuning of the cluster, as in "snapshotThreshold=100,snapshotInterval=250ms".
const (
	failpointsVariable = "TINYURL_FAILPOINTS"
	tuningVariable     = "TINYURL_TUNING"
)

// underTest takes the variables of tests out of the environment, which has to hold nothing but settings.
func (p process) underTest() (process, cluster.Tuning, error) {
	var tuning cluster.Tuning
	var rest []string
	for _, pair := range p.environ {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case failpointsVariable:
		case tuningVariable:
			if err := tune(&tuning, value); err != nil {
				return p, tuning, fmt.Errorf("%s: %w", tuningVariable, err)
			}
		default:
			rest = append(rest, pair)
		}
	}
	p.environ = rest
	return p, tuning, nil
}

// tune reads a list of name=value.
func tune(t *cluster.Tuning, list string) error {
	counts := map[string]*uint64{
		"snapshotThreshold": &t.SnapshotThreshold, "trailingLogs": &t.TrailingLogs, "freeSpace": &t.FreeSpace,
	}
	times := map[string]*time.Duration{
		"snapshotInterval": &t.SnapshotInterval, "heartbeat": &t.Heartbeat, "stabilization": &t.Stabilization,
		"replaceAfter": &t.ReplaceAfter, "digestExchange": &t.DigestExchange,
	}
	for pair := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(pair, "=")
		var err error
		if count, ok := counts[name]; ok {
			*count, err = strconv.ParseUint(value, 10, 64)
		} else if length, ok := times[name]; ok {
			*length, err = time.ParseDuration(value)
		} else {
			err = fmt.Errorf("there is no %q", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
