package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

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
		Args: usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		api, err := node.connect(cmd, p)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(cmd, leaveTimeout)
		defer cancel()
		if err := api.Leave(ctx); errors.Is(err, v1.PreconditionFailed) {
			return fmt.Errorf("the node must not leave, as the last voter or because no quorum would be left: %w", err)
		} else if err != nil {
			return node.explain(err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the node at %s has left its cluster\n", node.server)
		return err
	}
	return cmd
}
