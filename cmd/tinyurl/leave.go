package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// leaveTimeout is a little more than a node takes at most.
const leaveTimeout = time.Minute

func leaveCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Take the node at --server out of its cluster for good; it then exits",
		Long: "A node that only stops stays a member and is waited for; one that left is not. Started again with its data, it joins\n" +
			"again. The last voter cannot leave, nor one whose going would leave no quorum.",
		Example: "  tinyurl leave --server http://10.0.0.7:8080",
		Args:    usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return node.ask(cmd, p, leaveTimeout, func(ctx context.Context, api *client.Client) error {
			err := api.Leave(ctx)
			if errors.Is(err, v1.PreconditionFailed) {
				return fmt.Errorf("the node must not leave, as the last voter or because no quorum would be left: %w", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the node at %s has left its cluster\n", node.server)
			return err
		})
	}
	return cmd
}
