package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
)

// healthTimeout bounds the question: who asks every few seconds wants to know soon.
const healthTimeout = 5 * time.Second

// healthcheckCommand is for whoever cannot ask /readyz without a program, as in an image that has nothing else.
func healthcheckCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:     "healthcheck",
		Short:   "Ask whether a node is ready, for containers",
		Long:    "Asks /readyz of a node, which needs no key. Exits with 0 when it is ready, and with 1 when it is not or does not answer.",
		Example: "  tinyurl healthcheck --server http://127.0.0.1:8080",
		Args:    usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return node.ask(cmd, p, healthTimeout, func(ctx context.Context, api *client.Client) error {
			if err := api.Ready(ctx); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		})
	}
	return cmd
}
