package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tinyurl/cmd/server"
)

func serveCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node; with no flags a cluster of one on this machine",
		Long: "Every setting can also be given as an environment variable (TINYURL_ and the flag in upper snake case, like\n" +
			"TINYURL_DATA_DIR) or as a key of the YAML file named by --config. Flags beat the environment, which beats the file.\n" +
			"The same command line serves the first start and every restart.",
		Example: "  tinyurl serve --data-dir /var/lib/tinyurl --http-addr :8080",
		Args:    usage(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return serve(cmd, p, nil) },
	}
	server.Register(cmd.Flags())
	return cmd
}

func joinCommand(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "join HOST[:PORT]",
		Short: "Run a node that joins the cluster of HOST",
		Long: "HOST is any member, PORT its gossip port (7946 if absent). The node needs the cluster's secret in\n" +
			"TINYURL_CLUSTER_SECRET: tinyurl token on a member prints the whole command. It takes the settings of serve.",
		Example: "  TINYURL_CLUSTER_SECRET=… tinyurl join 10.0.0.5",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmd.Flags().Set("join", args[0]); err != nil {
				return fmt.Errorf("%w: %w", server.ErrUsage, err)
			}
			return serve(cmd, p, func(app *server.App) {
				fmt.Fprintf(p.stdout, "joined through %s, serving %s\n", args[0], app.HTTPURL())
			})
		},
	}
	server.Register(cmd.Flags())
	return cmd
}

// serve runs a node until a signal, a leave or damage ends it. Once the node is ready it calls announce, if not nil.
func serve(cmd *cobra.Command, p process, announce func(*server.App)) error {
	p, tuning, err := p.underTest()
	if err != nil {
		return err
	}
	load := func() (server.Settings, error) { return server.Load(cmd.Flags(), p.environ, server.ThisMachine()) }
	settings, err := load()
	if err != nil {
		return err
	}
	server.TuneRuntime(settings.Memory)
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, err := server.Open(ctx, settings, server.Environment{
		Version: version(), LogOutput: p.stderr, Notifier: server.Systemd{}, Tuning: tuning,
	})
	if err != nil {
		return err
	}
	defer onHangup(ctx, func() {
		settings, err := load()
		if err == nil {
			err = app.Reload(settings)
		}
		if err != nil {
			app.Log().Error("not reloaded", "cause", err)
		}
	})()
	if announce != nil {
		defer whenReady(ctx, app, announce)()
	}
	return app.Run(ctx)
}

// whenReady calls announce once the node is ready. The function it returns gives up on that and waits for the call to end.
func whenReady(ctx context.Context, app *server.App, announce func(*server.App)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if app.WaitReady(ctx) == nil {
			announce(app)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// onHangup calls reload at every SIGHUP, until ctx ends or the function it returns is called.
func onHangup(ctx context.Context, reload func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangups)
		for {
			select {
			case <-hangups:
				reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}
