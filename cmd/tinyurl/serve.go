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
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, p) },
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
			return serve(cmd, p)
		},
	}
	server.Register(cmd.Flags())
	return cmd
}

// serve runs a node until a signal, a leave or damage ends it.
func serve(cmd *cobra.Command, p process) error {
	load := func() (server.Settings, error) { return server.Load(cmd.Flags(), p.environ, server.ThisMachine()) }
	settings, err := load()
	if err != nil {
		return err
	}
	server.TuneRuntime(settings.Memory)
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, err := server.Open(ctx, settings, server.Environment{
		Version: version(), LogOutput: p.stderr, Notifier: server.Systemd{},
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
	return app.Run(ctx)
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
