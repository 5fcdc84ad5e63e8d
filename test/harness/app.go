package harness

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"tinyurl/cluster"
	"tinyurl/cmd/server"
)

// apps is the launcher of nodes inside this process.
type apps struct {
	tuning cluster.Tuning
	wires  *wires
}

// app is one of them.
type app struct {
	cancel context.CancelFunc
	ended  chan struct{}
	how    Exit // set before ended is closed
}

// launch implements launcher: what cmd/tinyurl does with a command line, but for signals.
func (a apps) launch(n *Node, args, environ []string, log *os.File) (instance, error) {
	verb, args := args[0], args[1:]
	if verb == "join" {
		args = append([]string{"--join", args[0]}, args[1:]...)
	}
	flags := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	server.Register(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	settings, err := server.Load(flags, environ, server.ThisMachine())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	started := &app{cancel: cancel, ended: make(chan struct{})}
	opened, err := server.Open(ctx, settings, server.Environment{
		Version: "test", LogOutput: log, Tuning: a.tuning, Dial: a.wires.dialer(n.name),
	})
	if err != nil { // as a process would: it ran, and ended with 1
		fmt.Fprintln(log, err)
		cancel()
		started.end(err)
		return started, nil
	}
	go func() {
		defer cancel()
		started.end(opened.Run(ctx))
	}()
	return started, nil
}

func (a *app) end(err error) {
	a.how = Exit{Err: err}
	if err != nil {
		a.how.Code = 1
		if errors.Is(err, server.ErrUsage) {
			a.how.Code = 2
		}
	}
	close(a.ended)
}

func (a *app) stop() error {
	a.cancel()
	return nil
}

func (a *app) signal(os.Signal) error { return errNoProcess }

func (a *app) done() <-chan struct{} { return a.ended }

func (a *app) exit() Exit { return a.how }
