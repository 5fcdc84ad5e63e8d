package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/api"
	"tinyurl/cluster"
	"tinyurl/fsm/link"
)

// App is one running node: its listeners, its part of the cluster and the HTTP servers over it.
type App struct {
	settings Settings
	env      Environment
	log      *slog.Logger
	level    *slog.LevelVar

	// These are opened in this order and closed in the opposite one; those not reached yet are nil.
	listeners   *listeners
	certificate *certificate // nil without HTTPS
	denied      *denyFile    // nil without one
	lock        io.Closer
	node        *cluster.Node
	recording   *recording // nil where visits are not recorded
	servers     []*serving

	health *health // nil until the HTTP servers are made
	// fatal gets the reason why the node must not go on.
	fatal   chan error
	closing sync.Once
	closed  error // set by closing
}

// Open makes a node of the settings: it binds the listeners, prepares the data directory and opens the cluster, in that
// order, so that a port in use changes nothing on disk. Errors that wrap ErrUsage are the user's to mend. Run serves; an App
// that is not run must be closed.
func Open(ctx context.Context, s Settings, env Environment) (_ *App, err error) {
	a := &App{settings: s, env: env.withDefaults(), fatal: make(chan error, 1)}
	a.log, a.level = newLogger(env.LogOutput, s.Log)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close(context.WithoutCancel(ctx)))
		}
	}()
	for _, flag := range s.exposed() {
		a.log.Warn("a secret on the command line can be read by every user of this machine: give it as a file or in the environment",
			"flag", flag, "file", flag+fileSuffix, "variable", variable(strings.TrimPrefix(flag, "--")))
	}
	dir := directory(s.Node.DataDir)
	secret, fresh, err := clusterSecret(s, dir, a.env.Cluster.Rand)
	if err != nil {
		return nil, err
	}
	if s.Listen.TLSCert != "" {
		if a.certificate, err = loadCertificate(s.Listen.TLSCert, s.Listen.TLSKey); err != nil {
			return nil, err
		}
	}
	if s.Limits.DenyFile != "" {
		if a.denied, err = loadDenyFile(s.Limits.DenyFile); err != nil {
			return nil, err
		}
	}
	if s.Visits.Record {
		a.recording = &recording{}
		if err = a.recording.openFiles(s.Visits, a); err != nil {
			return nil, err
		}
	}
	if a.listeners, err = bind(ctx, s); err != nil {
		return nil, err
	}
	if a.lock, err = dir.claim(a.log); err != nil {
		return nil, err
	}
	if fresh {
		if err = dir.keepSecret(secret); err != nil {
			return nil, fmt.Errorf("keeping the cluster's secret: %w", err)
		}
		a.log.Info("the cluster's secret is kept; tinyurl token prints it and the root key", "file", dir.path(secretName))
	}
	registry, err := newRegistry(env.Version)
	if err != nil {
		return nil, err
	}
	if a.node, err = cluster.Open(a.clusterConfig(secret, registry)); err != nil {
		return nil, err
	}
	// Only now: a directory that the cluster refuses stays as it is.
	if err = dir.keepRecord(record{GossipAddr: a.gossipAddr(), OwnRootKey: s.Secrets.RootKey != ""}); err != nil {
		return nil, fmt.Errorf("keeping the record of this start: %w", err)
	}
	if a.recording != nil {
		if err = a.recording.begin(a, a.node, secret, registry); err != nil {
			return nil, err
		}
	}
	rootKey := s.Secrets.RootKey
	if rootKey == "" {
		rootKey = secret.RootKey()
	}
	return a, a.openHTTP(rootKey, registry)
}

// openHTTP makes the HTTP servers. They answer once Run is called; until then connections wait in the kernel.
func (a *App) openHTTP(rootKey string, registry *prometheus.Registry) error {
	public, own := publicURL(a.settings, a.listeners.http), httpURL(a.settings, a.listeners.http)
	started := time.Now()
	a.health = &health{node: a.node}
	handler, err := api.New(api.Config{
		Links: links{a.node}, Cluster: a, Health: a.health,
		Authority: authority{a.node}.all(a.env.Cluster.Rand), Admission: a.admission(),
		Authenticator: authenticator{api.RootKey(rootKey), a.node},
		Resolver:      resolver{a.node, func() time.Duration { return time.Since(started) }},
		PublicURL:     public, TargetRules: a.targetRules(public, own, a.redirectURL()), MissLimit: a.settings.Limits.Misses,
		Recorder: a.recording.taker(), Statistics: statistics{a.node},
		Words:  func() link.Words { return link.WordsFor(a.node.ClusterVersion()) },
		Logger: a.log.With("room", "api"), Now: a.env.Cluster.Now, Registerer: registry, Gatherer: registry,
	})
	if err != nil {
		return err
	}
	var certificate api.GetCertificate
	if a.certificate != nil {
		certificate = a.certificate.get
	}
	log := func(name string) *slog.Logger { return a.log.With("listener", name) }
	a.serve("HTTP", newMain(handler, certificate, log("HTTP")), a.listeners.http)
	if l := a.listeners.redirect; l != nil {
		a.serve(redirectListener, api.NewRedirectServer(handler, certificate, log(redirectListener)), l)
	}
	if l := a.listeners.ops; l != nil {
		a.serve("operations", api.NewHTTPServer(opsHandler(handler), api.Limits{}, nil, log("operations")), l)
		a.servers[len(a.servers)-1].last = true
	}
	return nil
}

// Run serves until ctx ends, the node has left its cluster, or something fatal happens, and then closes the App within
// StopTimeout. It returns nil after an orderly stop.
func (a *App) Run(ctx context.Context) error {
	failed := make(chan error, len(a.servers))
	for _, s := range a.servers {
		go func() { failed <- s.run() }()
	}
	a.log.Info("serving", "url", a.URL(), "gossip", a.gossipAddr(), "name", a.settings.Node.Name, "version", a.env.Version)
	a.notify(daemon.SdNotifyReady)
	var cause error
	select {
	case <-ctx.Done():
		a.log.Info("stopping")
	case <-a.node.Left():
		a.log.Info("left the cluster, stopping")
	case cause = <-a.fatal:
		a.log.Error("stopping for good", "cause", cause)
	case cause = <-failed:
		a.log.Error("stopping", "cause", cause)
	}
	return errors.Join(cause, a.Close(context.WithoutCancel(ctx)))
}

// Close stops the node in order: it turns not ready, hands leadership over, finishes the requests under way and closes the
// cluster, all within StopTimeout. Further calls return what the first did.
func (a *App) Close(ctx context.Context) error {
	a.closing.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, a.env.StopTimeout)
		defer cancel()
		a.closed = a.close(ctx)
	})
	return a.closed
}

func (a *App) close(ctx context.Context) error {
	if a.health != nil {
		a.health.stopping.Store(true)
	}
	a.notify(daemon.SdNotifyStopping)
	var errs []error
	// A slow client may use up a part of the time only; the cluster needs the rest. The operations listener stays to the end,
	// so that operators can see what a slow stop waits for.
	drain, cancel := context.WithTimeout(ctx, a.env.StopTimeout/3)
	defer cancel()
	errs = append(errs, a.drain(drain)...)
	// After the last visit, and while the node still has a leader to send to.
	sending, cancelSending := context.WithTimeout(ctx, a.env.StopTimeout/6)
	defer cancelSending()
	errs = append(errs, a.recording.close(sending))
	if a.node != nil {
		errs = append(errs, a.closeNode(ctx))
	}
	for _, s := range a.servers {
		errs = append(errs, s.shutdown(ctx))
	}
	if a.listeners != nil {
		errs = append(errs, a.listeners.close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}

// closeNode closes the cluster, and gives up waiting when ctx ends: a disk that hangs must not keep the process.
func (a *App) closeNode(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- a.node.Close(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		select {
		case err := <-done:
			return err
		case <-time.After(time.Second):
			return errors.New("the cluster did not close in time")
		}
	}
}

// Reload takes the log level of s and reads the certificate and the deny file again; one that cannot be read keeps neither the other
// nor the log level from being taken. What else differs takes a restart.
func (a *App) Reload(s Settings) error {
	a.notify(daemon.SdNotifyReloading)
	defer a.notify(daemon.SdNotifyReady)
	a.level.Set(s.Log.Level)
	var errs []error
	if a.certificate != nil {
		errs = append(errs, a.certificate.reload())
	}
	if a.denied != nil {
		errs = append(errs, a.denied.reload())
	}
	errs = append(errs, a.recording.reload())
	if err := errors.Join(errs...); err != nil {
		return err
	}
	a.log.Info("reloaded", "level", s.Log.Level.String())
	return nil
}

// readyPoll is how often WaitReady looks.
const readyPoll = 100 * time.Millisecond

// WaitReady returns nil once the node is ready for redirects, or the error of ctx if that ends first.
func (a *App) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for a.node.Ready() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// URL is the base of short URLs.
func (a *App) URL() string { return publicURL(a.settings, a.listeners.http) }

// HTTPURL is where the HTTP listener is reached, whatever the public URL.
func (a *App) HTTPURL() string { return httpURL(a.settings, a.listeners.http) }

// Log is the App's logger.
func (a *App) Log() *slog.Logger { return a.log }

// notify tells the service manager; a node runs as well without one.
func (a *App) notify(state string) {
	if err := a.env.Notifier.Notify(state); err != nil {
		a.log.Warn("the service manager was not told", "cause", err)
	}
}
