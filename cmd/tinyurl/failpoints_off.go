//go:build !failpoints

package main

import "tinyurl/cluster"

// underTest gives the process as it is and the usual tuning: this build has no failpoints.
func (p process) underTest() (process, cluster.Tuning, error) { return p, cluster.Tuning{}, nil }
