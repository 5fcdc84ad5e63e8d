package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// leaveTimeout is a little more than a node takes at most.
const leaveTimeout = time.Minute

func leaveCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Take the node at --server out of its cluster for good; it then exits",
		Long:  "A node that only stops stays a member and comes back; one that left starts anew, on an empty data directory.",
		Args:  usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		api, err := node.connect(cmd, p)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(cmd, leaveTimeout)
		defer cancel()
		if err := api.Leave(ctx); err != nil {
			return node.explain(err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the node at %s has left its cluster\n", node.server)
		return err
	}
	return cmd
}
