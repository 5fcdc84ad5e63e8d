package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

func linksEditCommand(p process) *cobra.Command {
	var node remote
	var fields fieldFlags
	var url string
	var cleared []string
	var version uint64
	cmd := &cobra.Command{
		Use:   "edit CODE",
		Short: "Change a link",
		Long: "Fields that are not named stay as they are; tags given replace those that were there. With --if-version the link is changed only\n" +
			"if that is its version, as links list -o json shows it: nobody else has changed it since then.",
		Example: "  tinyurl links edit spring --url https://example.org/sale --title 'Spring sale'\n" +
			"  tinyurl links edit spring --enabled=false\n" +
			"  tinyurl links edit spring --clear valid-until --clear tag --if-version 3",
		Args: names(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	fields.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&url, "url", "", "where the link leads")
	f.StringSliceVar(&cleared, "clear", nil, "field that goes back to its default: "+strings.Join(clearable(), ", ")+"; may be given again")
	f.Uint64Var(&version, "if-version", 0, "version that the link must have")
	offer(cmd, "clear", clearable()...)
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.Changed("if-version") && version == 0 {
			return fmt.Errorf("%w: --if-version must be 1 or more", server.ErrUsage)
		}
		change, err := fields.edit(cmd, p)
		if err != nil {
			return err
		}
		if f.Changed("url") {
			change.LongURL = v1.Set(url)
		}
		if err := clearFields(cmd, &change, cleared); err != nil {
			return err
		}
		if change == (v1.EditLink{}) {
			return fmt.Errorf("%w: nothing is to be changed: name a field", server.ErrUsage)
		}
		return question[v1.Link]{
			atMost: callTimeout,
			call: func(ctx context.Context, api *client.Client) (v1.Link, error) {
				return api.Edit(ctx, args[0], change, version)
			},
			text: writeShortURL,
		}.put(cmd, p, &node, output)
	}
	return cmd
}

// edit makes a change of the flags that were given.
func (f *fieldFlags) edit(cmd *cobra.Command, p process) (change v1.EditLink, err error) {
	since, err := timeFlag("valid-since", f.since)
	if err != nil {
		return change, err
	}
	until, err := timeFlag("valid-until", f.until)
	if err != nil {
		return change, err
	}
	life, err := f.life(cmd)
	if err != nil {
		return change, err
	}
	password, err := f.password.read(cmd, p.stdin)
	if err != nil {
		return change, err
	}
	set(cmd, "title", &change.Title, f.title)
	set(cmd, "tag", &change.Tags, f.tags)
	if since != nil {
		change.ValidSince = v1.Set(*since)
	}
	if until != nil {
		change.ValidUntil = v1.Set(*until)
	}
	set(cmd, "expires", &change.ExpiresIn, life)
	set(cmd, "max-visits", &change.MaxVisits, f.maxVisits)
	set(cmd, "redirect-status", &change.RedirectStatus, f.status)
	set(cmd, "forward-query", &change.ForwardQuery, f.forward)
	set(cmd, "enabled", &change.Enabled, f.enabled)
	if f.password.given(cmd) {
		change.Password = v1.Set(password)
	}
	return change, nil
}

// set changes a field if its flag was given.
func set[T any](cmd *cobra.Command, flag string, field *v1.Change[T], value T) {
	if cmd.Flags().Changed(flag) {
		*field = v1.Set(value)
	}
}

// clearable are the fields that can go back to their defaults, by their flags.
func clearable() []string {
	return []string{"title", "tag", "valid-since", "valid-until", "max-visits", "redirect-status", "forward-query", "enabled", "password"}
}

// clearFields takes the values of fields away.
func clearFields(cmd *cobra.Command, change *v1.EditLink, fields []string) error {
	for _, name := range fields {
		if !slices.Contains(clearable(), name) {
			return fmt.Errorf("%w: --clear takes %s", server.ErrUsage, strings.Join(clearable(), ", "))
		}
		if cmd.Flags().Changed(name) || name == "valid-until" && cmd.Flags().Changed("expires") || name == "password" && cmd.Flags().Changed("password-file") {
			return fmt.Errorf("%w: %s cannot be given and cleared at once", server.ErrUsage, name)
		}
		switch name {
		case "title":
			change.Title = v1.Clear[string]()
		case "tag":
			change.Tags = v1.Clear[[]string]()
		case "valid-since":
			change.ValidSince = v1.Clear[v1.Time]()
		case "valid-until":
			change.ValidUntil = v1.Clear[v1.Time]()
		case "max-visits":
			change.MaxVisits = v1.Clear[uint64]()
		case "redirect-status":
			change.RedirectStatus = v1.Clear[int]()
		case "forward-query":
			change.ForwardQuery = v1.Clear[bool]()
		case "enabled":
			change.Enabled = v1.Clear[bool]()
		case "password":
			change.Password = v1.Clear[string]()
		}
	}
	return nil
}
