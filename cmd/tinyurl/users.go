package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/cmd/server"
)

func usersCommand(p process) *cobra.Command {
	return groupCommand("users", "Make, list, edit and delete users, who own links and keys",
		usersCreateCommand(p), usersListCommand(p), usersEditCommand(p), usersDeleteCommand(p))
}

// roles are what a user can be.
func roles() []string { return []string{"creator", "editor", "admin"} }

const (
	roleMeaning  = "creator (their own links), editor (all links) or admin"
	emailMeaning = "address of the user"
)

func usersCreateCommand(p process) *cobra.Command {
	var node remote
	var wanted v1.CreateUser
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a user and print their id",
		Example: "  tinyurl users create Ann --role editor --email ann@example.org",
		Args:    usage(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	cmd.Flags().StringVar(&wanted.Role, "role", "creator", roleMeaning)
	cmd.Flags().StringVar(&wanted.Email, "email", "", emailMeaning)
	offer(cmd, "role", roles()...)
	output := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wanted.Name = args[0]
		return question[v1.User]{
			atMost: callTimeout,
			call:   func(ctx context.Context, api *client.Client) (v1.User, error) { return api.CreateUser(ctx, wanted) },
			text: func(w io.Writer, made v1.User) error {
				_, err := fmt.Fprintln(w, made.ID)
				return err
			},
		}.put(cmd, p, &node, output)
	}
	return cmd
}

func usersListCommand(p process) *cobra.Command {
	return listCommand(p, &cobra.Command{Short: "List users", Example: "  tinyurl users list -o json"}, func(api *client.Client, ctx context.Context, rows int) listing[v1.UserPage, v1.User] {
		return listing[v1.UserPage, v1.User]{
			pages:  api.Users(ctx, paging(rows)),
			part:   func(page v1.UserPage) ([]v1.User, bool) { return page.Data, page.NextCursor != nil },
			header: userHeader(), row: userRow,
		}
	})
}

func userHeader() []string { return []string{"ID", "NAME", "EMAIL", "ROLE", "CREATED"} }

func userRow(u v1.User) []string { return []string{u.ID, u.Name, u.Email, u.Role, moment(u.CreatedAt)} }

func usersEditCommand(p process) *cobra.Command {
	var node remote
	var name, email, role string
	cmd := &cobra.Command{
		Use:     "edit ID",
		Short:   "Change a user",
		Long:    "What is not named stays as it is; an empty --email takes the address away.",
		Example: "  tinyurl users edit u_5kFd2x --role admin",
		Args:    names(cobra.ExactArgs(1)),
	}
	node.flags(cmd, p)
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "name of the user")
	f.StringVar(&email, "email", "", emailMeaning)
	f.StringVar(&role, "role", "", roleMeaning)
	offer(cmd, "role", roles()...)
	output := outputFlag(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var change v1.EditUser
		for flag, field := range map[string]struct {
			to   **string
			from *string
		}{"name": {&change.Name, &name}, "email": {&change.Email, &email}, "role": {&change.Role, &role}} {
			if f.Changed(flag) {
				*field.to = field.from
			}
		}
		if change == (v1.EditUser{}) {
			return fmt.Errorf("%w: nothing is to be changed: give --name, --email or --role", server.ErrUsage)
		}
		return question[v1.User]{
			atMost: callTimeout,
			call: func(ctx context.Context, api *client.Client) (v1.User, error) {
				return api.EditUser(ctx, args[0], change)
			},
			text: func(w io.Writer, changed v1.User) error {
				return (&table[v1.User]{w: w, header: userHeader(), row: userRow}).add([]v1.User{changed})
			},
		}.put(cmd, p, &node, output)
	}
	return cmd
}

func usersDeleteCommand(p process) *cobra.Command {
	return eachCommand(p, &cobra.Command{
		Use: "delete ID...", Short: "Delete users: their keys end with them, their links stay", Example: "  tinyurl users delete u_5kFd2x",
	}, "deleted", (*client.Client).DeleteUser)
}
