package server

import (
	"context"
	"errors"
	"sync/atomic"

	"tinyurl/api"
)

// errStopping is what /readyz says once a stop has begun.
var errStopping = errors.New("the node is stopping")

// health answers /healthz and /readyz.
type health struct {
	node     nodeHealth
	stopping atomic.Bool
}

// nodeHealth is what a cluster.Node says of itself.
type nodeHealth interface {
	// Opened returns nil while the store is open and sound.
	Opened() error
	// Ready returns nil once the node had caught up with a leader, until it stops or finds damage.
	Ready() error
	// Writable returns nil when a leader has just confirmed itself.
	Writable(context.Context) error
}

// Live is asked by /healthz: the process answers, and that is all it promises.
func (h *health) Live(context.Context) []api.Check {
	return []api.Check{{Name: "process"}}
}

// Ready is asked by /readyz.
func (h *health) Ready(ctx context.Context, need api.Need) []api.Check {
	process := api.Check{Name: "process"}
	if h.stopping.Load() {
		process.Err = errStopping
	}
	checks := []api.Check{process, {Name: "store", Err: h.node.Opened()}}
	if need == api.NeedRedirect {
		return checks
	}
	checks = append(checks, api.Check{Name: "raft", Err: h.node.Ready()})
	if need == api.NeedWrite {
		checks = append(checks, api.Check{Name: "leader", Err: h.node.Writable(ctx)})
	}
	return checks
}
