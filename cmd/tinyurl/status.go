package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

// The exit codes of status; a node that cannot be asked is exitError, as with every verb.
const (
	exitDegraded exitCode = 1
	exitNoQuorum exitCode = 2
)

func statusCommand(p process) *cobra.Command {
	var node remote
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show the members of the cluster, their roles and how far they are",
		Long:    "Exit codes: 0 healthy, 1 degraded or the node cannot be asked, 2 no quorum.",
		Example: "  tinyurl status --server http://10.0.0.5:8080",
		Args:    usage(cobra.NoArgs),
	}
	node.flags(cmd, p)
	output := outputFlag(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var status v1.Cluster
		err := question[v1.Cluster]{
			atMost: callTimeout,
			call: func(ctx context.Context, api *client.Client) (_ v1.Cluster, err error) {
				status, err = api.Cluster(ctx)
				return status, err
			},
			text: writeStatus,
		}.put(cmd, p, &node, output)
		if err != nil {
			return err
		}
		return verdict(status)
	}
	return cmd
}

// hasQuorum reports whether every group can commit.
func hasQuorum(status v1.Cluster) bool {
	for _, g := range status.Groups {
		if !g.Quorum {
			return false
		}
	}
	return len(status.Groups) > 0
}

// verdict is the exit code of a status.
func verdict(status v1.Cluster) error {
	switch {
	case !hasQuorum(status):
		return exitNoQuorum
	case !status.Healthy:
		return exitDegraded
	}
	return nil
}

// writeStatus prints a summary, a table of the members and the warnings.
func writeStatus(w io.Writer, status v1.Cluster) error {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster %s, seen from %s: %s", orDash(status.ClusterID), status.Node.Name, summary(status))
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\n\nNAME\tID\tROLE\tVOTER\tSTATUS\tHEALTHY\tTRAILS\tCONTACT\tADDRESS\tHTTP\tVERSION\tZONE\tERROR")
	for _, m := range status.Members {
		fmt.Fprintln(table, strings.Join([]string{
			m.Name, m.ID, orDash(m.Role), yesNo(m.Voter), orDash(m.Status), yesNo(m.Healthy), fmt.Sprint(m.TrailsBy),
			contact(m.LastContactMs), orDash(m.Address), orDash(m.HTTPURL), orDash(m.Version), orDash(m.Zone), orDash(m.Error),
		}, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, warning := range status.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// summary is the state of the cluster in a few words.
func summary(status v1.Cluster) string {
	if !hasQuorum(status) {
		if len(status.Groups) == 0 {
			return "not formed yet"
		}
		return "no quorum: nothing can be written"
	}
	word := "degraded"
	if status.Healthy {
		word = "healthy"
	}
	leader := "unknown"
	if l := status.Groups[0].Leader; l != nil {
		leader = l.Name
	}
	return fmt.Sprintf("%s, leader %s, %d links, tolerates the loss of %d voters", word, leader, status.Groups[0].Links, status.FailureTolerance)
}

// contact words a time since the last contact.
func contact(ms int64) string {
	if ms < 0 {
		return "never"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return strings.ReplaceAll(s, "\n", " ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
