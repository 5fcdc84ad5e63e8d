package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

// statsFlags say which visits are asked for.
type statsFlags struct {
	all, orphans bool
	tag          string
	from, to     string
	query        client.StatsQuery
}

func linksStatsCommand(p process) *cobra.Command {
	var node remote
	var wanted statsFlags
	cmd := &cobra.Command{
		Use:   "stats [CODE]",
		Short: "Show how often a link was visited, and from where",
		Long: "Times are in UTC. Visitors are estimated, and who comes on three days counts three times; the lists are of visits that are\n" +
			"not of bots. Hours are kept for 31 days.",
		Example: "  tinyurl links stats spring\n" +
			"  tinyurl links stats spring --from 2030-01-01 --to 2030-01-31 -o csv\n" +
			"  tinyurl links stats --all --interval month --from 2029-01-01\n" +
			"  tinyurl links stats --tag sale --top 20",
		Args: names(cobra.MaximumNArgs(1)),
	}
	node.flags(cmd, p)
	f := cmd.Flags()
	f.BoolVar(&wanted.all, "all", false, "the visits of all links")
	f.BoolVar(&wanted.orphans, "orphans", false, "the visits that led nowhere")
	f.StringVar(&wanted.tag, "tag", "", "the visits of the links with this tag")
	f.StringVar(&wanted.from, "from", "", "first day, or moment (2030-01-31T12:00:00Z) (default 30 days before the last)")
	f.StringVar(&wanted.to, "to", "", "last day, or the moment that is the end (default now)")
	f.StringVar(&wanted.query.Interval, "interval", "day", "hour, day or month")
	f.IntVar(&wanted.query.Top, "top", 10, "how many entries the lists have at most")
	f.BoolVar(&wanted.query.Local, "local", false, "as the node itself knows them: needs no leader")
	offer(cmd, "interval", "hour", "day", "month")
	output := outputFlag(cmd, "table", "json", "csv")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		call, err := wanted.call(cmd, args)
		if err != nil {
			return err
		}
		q := question[v1.Statistics]{atMost: callTimeout, call: call, text: writeStats}
		if output.chosen == "csv" {
			q.text = writeStatsCSV
		}
		return q.put(cmd, p, &node, output)
	}
	return cmd
}

// call is the question that the flags and arguments ask.
func (s *statsFlags) call(cmd *cobra.Command, args []string) (func(context.Context, *client.Client) (v1.Statistics, error), error) {
	tagged, given := cmd.Flags().Changed("tag"), 0
	for _, is := range []bool{len(args) > 0, s.all, s.orphans, tagged} {
		if is {
			given++
		}
	}
	if given != 1 || tagged && s.tag == "" {
		return nil, fmt.Errorf("%w: one of CODE, --all, --orphans and --tag is needed", server.ErrUsage)
	}
	var bad [2]error
	s.query.From, bad[0] = dayFlag("from", s.from, 0)
	s.query.To, bad[1] = dayFlag("to", s.to, 24*time.Hour)
	if err := errors.Join(bad[:]...); err != nil {
		return nil, err
	}
	if s.query.Top < 1 {
		return nil, fmt.Errorf("%w: --top must be 1 or more", server.ErrUsage)
	}
	return func(ctx context.Context, api *client.Client) (v1.Statistics, error) {
		switch {
		case s.all:
			return api.ClusterStats(ctx, s.query)
		case s.orphans:
			return api.OrphanStats(ctx, s.query)
		case tagged:
			return api.TagStats(ctx, s.tag, s.query)
		}
		return api.Stats(ctx, args[0], s.query)
	}, nil
}

// dayFlag reads a flag that is a moment, or a day: its beginning, and what is added to that.
func dayFlag(name, text string, added time.Duration) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.Add(added), nil
	}
	moment, err := timeFlag(name, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w, or a day like 2030-01-31", err)
	}
	if moment == nil {
		return time.Time{}, nil
	}
	return moment.Time, nil
}
