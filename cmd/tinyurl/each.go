package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// eachCommand is a verb that does something to each of its arguments.
func eachCommand(p process, verb *cobra.Command, done string, do func(*client.Client, context.Context, string) error) *cobra.Command {
	var node remote
	verb.Args = names(cobra.MinimumNArgs(1))
	node.flags(verb, p)
	verb.RunE = func(cmd *cobra.Command, args []string) error { return node.each(cmd, p, args, done, do) }
	return verb
}

// each asks a node to do something to every argument.
func (r *remote) each(cmd *cobra.Command, p process, args []string, done string, do func(*client.Client, context.Context, string) error) error {
	api, err := r.connect(cmd, p)
	if err != nil {
		return err
	}
	return r.explain(each(cmd, args, done, func(arg string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), callTimeout)
		defer cancel()
		return do(api, ctx, arg)
	}))
}

// each does something to every argument and prints it behind a word. It goes on past those that are refused, and says so on stderr; when no
// answer comes, it ends.
func each(cmd *cobra.Command, args []string, done string, do func(arg string) error) error {
	var last error
	for _, arg := range args {
		err := do(arg)
		if err == nil {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), done, arg); err != nil {
				return err
			}
			continue
		}
		_, refused := errors.AsType[*client.Error](err)
		if !refused || len(args) == 1 || errors.Is(err, v1.Unauthorized) {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "tinyurl: %s: %v\n", arg, err)
		last = exitCode(exitError)
	}
	return last
}
