package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
)

func linksCommand(p process) *cobra.Command {
	return groupCommand("links", "List, edit and delete links", linksListCommand(p), linksEditCommand(p), linksDeleteCommand(p), linksStatsCommand(p))
}

func linksListCommand(p process) *cobra.Command {
	var wanted client.ListOptions
	var anyTag bool
	cmd := listCommand(p, &cobra.Command{
		Short: "List links, the newest first",
		Example: "  tinyurl links list --search example.org --limit 50\n" +
			"  tinyurl links list --tag spring --tag sale -o json",
	}, func(api *client.Client, ctx context.Context, rows int) listing[v1.LinkPage, *v1.Link] {
		wanted.AllTags, wanted.PageSize = !anyTag && len(wanted.Tags) > 1, pageSize(rows)
		return listing[v1.LinkPage, *v1.Link]{
			pages:  api.List(ctx, wanted),
			part:   func(page v1.LinkPage) ([]*v1.Link, bool) { return page.Data, page.NextCursor != nil },
			header: []string{"CODE", "VISITS", "CREATED", "UNTIL", "STATE", "TAGS", "TITLE", "LONG URL"},
			row:    linkRow,
		}
	})
	f := cmd.Flags()
	f.StringVar(&wanted.Search, "search", "", "only links with this text in URL, title, code or a tag")
	f.StringArrayVar(&wanted.Tags, "tag", nil, "only links with this tag; several ask for all of them")
	f.BoolVar(&anyTag, "any-tag", false, "only one of the tags is needed")
	f.BoolVar(&wanted.OldestFirst, "oldest", false, "the oldest first")
	f.BoolVar(&wanted.Local, "local", false, "as the node itself knows them: needs no leader, and may miss the newest")
	return cmd
}

// linkRow is a link as a row of the table.
func linkRow(l *v1.Link) []string {
	return []string{
		l.ShortCode, strconv.FormatUint(l.Visits.Total, 10), moment(l.CreatedAt), someday(l.ValidUntil), linkState(l), strings.Join(l.Tags, ","), l.Title,
		l.LongURL,
	}
}

// linkState is what is special about a link, in a few words; whether its times are over is for the node to say.
func linkState(l *v1.Link) string {
	var words []string
	if !l.Enabled {
		words = append(words, "disabled")
	}
	if l.HasPassword {
		words = append(words, "password")
	}
	if l.MaxVisits != nil {
		words = append(words, fmt.Sprintf("%d visits", *l.MaxVisits))
	}
	if l.ValidSince != nil {
		words = append(words, "since "+moment(*l.ValidSince))
	}
	return strings.Join(words, ", ")
}

func linksDeleteCommand(p process) *cobra.Command {
	return eachCommand(p, &cobra.Command{
		Use:     "delete CODE...",
		Short:   "Delete links for ever: their codes are never used again",
		Example: "  tinyurl links delete spring 1Zx9aQb",
	}, "deleted", (*client.Client).Delete)
}
