package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	readyPoll    = 100 * time.Millisecond
	readyTimeout = 2 * time.Second // of one question
	// stopWait is how long a node may take to stop before it is killed; a little more than the node's own bound.
	stopWait = 35 * time.Second
)

// devCluster is the child processes of dev. Its methods are called by one goroutine.
type devCluster struct {
	logs     *prefixer
	children []*child
	// ended gets every child once, when it has ended; it has room for all of them.
	ended chan *child
	// running counts children whose end has not been taken from ended.
	running int
	client  *http.Client
}

func newDevCluster(logs io.Writer) *devCluster {
	return &devCluster{
		logs:   newPrefixer(logs),
		ended:  make(chan *child, maxDevNodes),
		client: &http.Client{Timeout: readyTimeout},
	}
}

// start runs one node.
func (d *devCluster) start(program string, n devNode, environ []string) error {
	c, err := startChild(program, n, environ, d.logs, d.ended)
	if err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	d.children = append(d.children, c)
	d.running++
	return nil
}

// waitReady waits until every node is ready. A node that ends first, or is not ready in time, is an error; the end of ctx is not.
func (d *devCluster) waitReady(ctx context.Context, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for _, c := range d.children {
		for !d.ready(ctx, c) {
			select {
			case dead := <-d.ended:
				d.running--
				return fmt.Errorf("%s did not start: %w (its last lines are above)", dead.name, dead.err)
			case <-tick.C:
			case <-ctx.Done():
				if errors.Is(ctx.Err(), context.DeadlineExceeded) {
					return fmt.Errorf("%s was not ready within %v", c.name, atMost)
				}
				return nil
			}
		}
	}
	return nil
}

// ready asks a node whether it is.
func (d *devCluster) ready(ctx context.Context, c *child) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := d.client.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// watch reports nodes that end, until ctx does. It is an error if none is left.
func (d *devCluster) watch(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case dead := <-d.ended:
			d.running--
			d.logs.line("dev", fmt.Sprintf("%s ended (%s); %d of %d nodes are left", dead.name, dead.how, d.running, len(d.children)))
			if d.running == 0 {
				return errors.New("no node is left")
			}
		}
	}
}

// stop ends all nodes that still run, kills those that do not end in time, and waits for all.
func (d *devCluster) stop() error {
	d.client.CloseIdleConnections()
	var wait sync.WaitGroup
	for _, c := range d.children {
		wait.Go(func() { c.stop(stopWait) })
	}
	wait.Wait()
	var errs []error
	for ; d.running > 0; d.running-- {
		if dead := <-d.ended; dead.err != nil {
			errs = append(errs, fmt.Errorf("%s did not stop well: %w", dead.name, dead.err))
		}
	}
	return errors.Join(errs...)
}
