package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

func clusterCommand(p process) *cobra.Command {
	return groupCommand("cluster", "Remove members, hand leadership over, see who may vote",
		clusterRemoveCommand(p), clusterTransferCommand(p), clusterAutopilotCommand(p))
}

func clusterRemoveCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:   "remove ID",
		Short: "Take a member out of the cluster for good",
		Long: "ID is the member's, as status shows it; any node may be asked. A member that runs is told to leave, finishes its writes and\n" +
			"exits. A dead one is no member any more: do this when it will not come back. Either joins again if it is started again with\n" +
			"its data. It is refused where too few living voters would be left.",
		Example: "  tinyurl cluster remove n2-90b1d4",
		Args:    names(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return node.ask(cmd, p, leaveTimeout, func(ctx context.Context, api *client.Client) error {
			if err := api.RemoveMember(ctx, args[0]); err != nil {
				return aboutMember(err)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), args[0], "is no member any more")
			return err
		})
	}
	return cmd
}

func clusterTransferCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:     "transfer [ID]",
		Short:   "Have another node lead",
		Long:    "ID is that of a voter that has caught up; without it the one with the longest log is taken. Any node may be asked.",
		Example: "  tinyurl cluster transfer\n  tinyurl cluster transfer n2-90b1d4",
		Args:    names(cobra.MaximumNArgs(1)),
	}
	node.flags(cmd, p)
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return question[v1.Leader]{
			atMost: leaveTimeout,
			call: func(ctx context.Context, api *client.Client) (v1.Leader, error) {
				leader, err := api.TransferLeadership(ctx, strings.Join(args, ""))
				return leader, aboutMember(err)
			},
			text: func(w io.Writer, leader v1.Leader) error {
				_, err := fmt.Fprintf(w, "%s (%s) leads\n", leader.Name, leader.ID)
				return err
			},
		}.put(cmd, p, &node, output)
	}
	return cmd
}

func clusterAutopilotCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:     "autopilot",
		Short:   "Show what the leader makes of the members",
		Long:    "A member that has been healthy for a while gets a vote, if there is one to be had.",
		Example: "  tinyurl cluster autopilot -o json",
		Args:    usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	output := outputFlag(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return question[v1.Autopilot]{
			atMost: callTimeout,
			call:   func(ctx context.Context, api *client.Client) (v1.Autopilot, error) { return api.Autopilot(ctx) },
			text:   writeAutopilot,
		}.put(cmd, p, &node, output)
	}
	return cmd
}

// writeAutopilot prints a summary and a table of the members.
func writeAutopilot(w io.Writer, judged v1.Autopilot) error {
	word := "degraded"
	if judged.Healthy {
		word = "healthy"
	}
	if _, err := fmt.Fprintf(w, "%s, as %s sees it, tolerates the loss of %d voters\n\n", word, judged.Leader, judged.FailureTolerance); err != nil {
		return err
	}
	return (&table[v1.AutopilotServer]{
		w: w, header: []string{"NAME", "ID", "VOTER", "STATUS", "HEALTHY", "SINCE", "CONTACT", "LAST TERM", "LAST INDEX", "VERSION"},
		row: func(s v1.AutopilotServer) []string {
			return []string{
				s.Name, s.ID, yesNo(s.Voter), s.Status, yesNo(s.Healthy), moment(s.StableSince), contact(s.LastContactMs),
				strconv.FormatUint(s.LastTerm, 10), strconv.FormatUint(s.LastIndex, 10), s.Version,
			}
		},
	}).add(judged.Servers)
}

// aboutMember adds where ids are to be found.
func aboutMember(err error) error {
	if errors.Is(err, v1.NotFound) {
		return fmt.Errorf("%w (tinyurl status shows the ids)", err)
	}
	return err
}
