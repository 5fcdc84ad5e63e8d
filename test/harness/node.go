package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// phase is what the harness knows of a node because it did it.
type phase int

const (
	down     phase = iota // never started, or ended
	starting              // started, and not seen ready since
	serving               // seen ready
	stopping              // told to end, or paused
)

// Addresses are a node's listeners, host:port each.
type Addresses struct{ HTTP, Cluster, Gossip string }

// Node is one node of a cluster, through all its lives. Methods that start, end or wait fail the test when they cannot; they
// belong to the test's own goroutine. The others may be called from anywhere.
type Node struct {
	cluster *Cluster
	name    string
	// Dir is the data directory, LogFile where all lives of the node log to.
	Dir, LogFile string
	// Secret is the cluster's secret as this node is told it, for the next start; empty means none is told.
	Secret string
	// Extra are more settings of this node, from the next start on.
	Extra []string
	// Environ is more of the environment of a process of this node, from the next start on.
	Environ []string
	// As is the user a process runs as from the next start on; nil is the test's own.
	As   *syscall.Credential
	verb []string // what comes before the settings: serve or join, and with whom

	mu      sync.Mutex
	at      Addresses
	phase   phase
	stretch uint64
	life    instance // the latest; nil before the first start
	lives   int
	logFrom int64 // where the latest life begins in LogFile
	api     *client.Client
}

var _ Endpoint = (*Node)(nil)

// Name is the node's name.
func (n *Node) Name() string { return n.name }

// Addresses are where the node listens, or will after the next start.
func (n *Node) Addresses() Addresses {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.at
}

// URL is the base of the node's HTTP listener.
func (n *Node) URL() string { return "http://" + n.Addresses().HTTP }

// Serving implements Endpoint.
func (n *Node) Serving() (stretch uint64, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stretch, n.phase == serving
}

// Running reports whether the node was started and has not ended, as far as known.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life != nil && !over(n.life)
}

func over(i instance) bool {
	select {
	case <-i.done():
		return true
	default:
		return false
	}
}

// Client talks to the node with the cluster's root key.
func (n *Node) Client() *client.Client {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.api
}

// Status is the cluster as the node sees it.
func (n *Node) Status(ctx context.Context) (v1.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return n.Client().Cluster(ctx)
}

// Log is what the node logged since its latest start.
func (n *Node) Log() string {
	n.mu.Lock()
	from := n.logFrom
	n.mu.Unlock()
	return readLog(n.LogFile, from)
}

// Args is the node's command line, without the program. It is the same for every start unless Move was called.
func (n *Node) Args() []string {
	at := n.Addresses()
	ip, _, err := net.SplitHostPort(at.Cluster)
	if err != nil {
		panic(err) // the harness made it
	}
	args := append([]string(nil), n.verb...)
	args = append(args,
		"--name", n.name, "--data-dir", n.Dir, "--advertise", ip,
		"--http-addr", at.HTTP, "--cluster-addr", at.Cluster, "--gossip-addr", at.Gossip,
		"--cache-size", "64MiB",
	)
	return slices.Concat(args, n.cluster.options.Args, n.Extra)
}

// Start starts the node and does not wait.
func (n *Node) Start() {
	n.cluster.tb.Helper()
	if n.Running() {
		n.cluster.tb.Fatalf("%s runs already", n.name)
	}
	if err := n.start(); err != nil {
		n.cluster.tb.Fatalf("start %s: %v", n.name, err)
	}
}

func (n *Node) start() error {
	log, err := openLog(n.LogFile)
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.lives++
	number := n.lives
	n.mu.Unlock()
	from, err := mark(log, fmt.Sprintf("%s, life %d: %s", time.Now().Format("15:04:05.000"), number, strings.Join(n.Args(), " ")))
	if err != nil {
		return errors.Join(err, log.Close())
	}
	n.change(starting)
	life, err := n.cluster.launcher.launch(n, n.Args(), n.environ(), log)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	n.mu.Lock()
	n.life, n.logFrom = life, from
	n.mu.Unlock()
	n.cluster.lives.Go(func() {
		<-life.done()
		_ = log.Close()
		n.ended(life)
	})
	return nil
}

// environ is all that a node's process has for an environment.
func (n *Node) environ() []string {
	environ := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.cluster.dir, "TMPDIR=" + n.cluster.dir}
	if n.Secret != "" {
		environ = append(environ, "TINYURL_CLUSTER_SECRET="+n.Secret)
	}
	return append(environ, n.Environ...)
}

// change sets the phase; everything that is done to a node begins a new stretch.
func (n *Node) change(to phase) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.phase = to
	n.stretch++
}

// ended notes the end of a life that the node has not gone beyond.
func (n *Node) ended(life instance) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life == life && over(life) && n.phase != down {
		n.phase = down
		n.stretch++
	}
}

// WaitReady waits until the node says that it is ready.
func (n *Node) WaitReady(within time.Duration) {
	n.cluster.tb.Helper()
	began := time.Now()
	err := poll(n.cluster.tb.Context(), within, func(ctx context.Context) error {
		if !n.Running() {
			return nil
		}
		return n.Client().Ready(ctx)
	})
	if err == nil && !n.Running() {
		err = fmt.Errorf("it has ended: %+v", n.exit())
	}
	if err != nil {
		n.cluster.tb.Fatalf("%s is not ready after %v: %v", n.name, time.Since(began).Round(time.Millisecond), err)
	}
	n.change(serving)
}

// WaitCurrent waits until the node has all that its leader has committed, as a node that was paused or cut off says all the
// while that it is ready. It returns how long that took.
func (n *Node) WaitCurrent(within time.Duration) time.Duration {
	n.cluster.tb.Helper()
	began := time.Now()
	Eventually(n.cluster.tb, within, n.name+" to be current", func(ctx context.Context) error {
		// Absence is proven by the leader's word and by having applied all that it had.
		if _, err := n.Client().Get(ctx, "a-code-that-nobody-makes", false); !errors.Is(err, v1.NotFound) {
			return fmt.Errorf("it cannot prove an absence: %w", err)
		}
		return nil
	})
	n.change(serving)
	return time.Since(began)
}

// exit is how the latest life ended.
func (n *Node) exit() Exit {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life == nil || !over(n.life) {
		return Exit{}
	}
	return n.life.exit()
}

// Wait waits until the node has ended by itself and tells how.
func (n *Node) Wait(within time.Duration) Exit {
	n.cluster.tb.Helper()
	n.mu.Lock()
	life := n.life
	n.mu.Unlock()
	exit, ended := await(life, within)
	if !ended {
		n.cluster.tb.Fatalf("%s has not ended within %v", n.name, within)
	}
	n.ended(life)
	return exit
}

// Stop ends the node in order, as SIGTERM does, and fails the test if its exit code is not 0.
func (n *Node) Stop() {
	n.cluster.tb.Helper()
	if err := n.stop(); err != nil {
		n.cluster.tb.Fatal(err)
	}
}

func (n *Node) stop() error {
	n.change(stopping)
	n.mu.Lock()
	life := n.life
	n.mu.Unlock()
	if err := life.stop(); err != nil {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	exit, ended := await(life, endWithin)
	n.ended(life)
	if !ended || exit.Code != 0 {
		return fmt.Errorf("%s was stopped: ended within %v: %v, with %+v", n.name, endWithin, ended, exit)
	}
	return nil
}

// await waits for the end of a life.
func await(life instance, within time.Duration) (Exit, bool) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-life.done():
		return life.exit(), true
	case <-timer.C:
		return Exit{}, false
	}
}

// Leaving notes that the node is about to be told to leave: it may end from now on.
func (n *Node) Leaving() { n.change(stopping) }

// Kill ends the node as kill -9 does, and waits until it is gone.
func (n *Node) Kill() {
	n.cluster.tb.Helper()
	n.KillNow()
	n.Wait(endWithin)
}

// KillNow is Kill without waiting, to end several nodes at once.
func (n *Node) KillNow() {
	n.cluster.tb.Helper()
	n.send(stopping, syscall.SIGKILL)
}

// Pause stops the process where it is, without a chance to notice.
func (n *Node) Pause() {
	n.cluster.tb.Helper()
	n.send(stopping, syscall.SIGSTOP)
}

// Resume lets a paused process go on. The node counts as starting until WaitCurrent.
func (n *Node) Resume() {
	n.cluster.tb.Helper()
	n.send(starting, syscall.SIGCONT)
}

func (n *Node) send(to phase, s os.Signal) {
	n.cluster.tb.Helper()
	n.change(to)
	n.mu.Lock()
	life := n.life
	n.mu.Unlock()
	if err := life.signal(s); err != nil {
		n.cluster.tb.Fatalf("send %v to %s: %v", s, n.name, err)
	}
}

// Wipe removes all that a stopped node keeps.
func (n *Node) Wipe() {
	n.cluster.tb.Helper()
	if n.Running() {
		n.cluster.tb.Fatalf("%s runs; it cannot be wiped", n.name)
	}
	if err := os.RemoveAll(n.Dir); err != nil {
		n.cluster.tb.Fatal(err)
	}
}

// Move gives a stopped node other ports for its next start, or the address that its machine has now.
func (n *Node) Move() {
	n.cluster.tb.Helper()
	if n.Running() {
		n.cluster.tb.Fatalf("%s runs; it cannot be moved", n.name)
	}
	n.cluster.assign(n)
}

// DataFile is the path of a file in the data directory.
func (n *Node) DataFile(name ...string) string {
	return filepath.Join(append([]string{n.Dir}, name...)...)
}
