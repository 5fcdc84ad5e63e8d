package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tinyurl/cmd/server"
)

// Exit codes of every verb but status, which has words of its own for 1 and 2.
const (
	exitOK = iota
	exitError
	exitUsage
)

// exitCode ends the process with a code and no message: what there was to say has been printed.
type exitCode int

// Error is for the case that somebody prints it after all.
func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// run is the whole program, without the process around it.
func run(p process) int {
	root := rootCommand(p)
	root.SetArgs(p.args)
	verb, err := root.ExecuteC()
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, server.ErrUsage):
		fmt.Fprintf(p.stderr, "tinyurl: %s\nTry '%s --help'.\n", strings.TrimPrefix(err.Error(), server.ErrUsage.Error()+": "), verb.CommandPath())
		return exitUsage
	}
	fmt.Fprintln(p.stderr, "tinyurl:", err)
	return exitError
}

// rootCommand puts the verbs together.
func rootCommand(p process) *cobra.Command {
	root := &cobra.Command{
		Use:           "tinyurl",
		Short:         "A replicated URL shortener in one binary",
		Long:          "tinyurl runs a node of a URL-shortening cluster, or talks to one.",
		Args:          usage(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", server.ErrUsage, err) })
	root.AddCommand(
		serveCommand(p), joinCommand(p), devCommand(p), tokenCommand(p),
		statusCommand(p), shortenCommand(p), resolveCommand(p), linksCommand(p), leaveCommand(p), clusterCommand(p),
		keysCommand(p), usersCommand(p), denyCommand(p), reportsCommand(p),
		importCommand(p), exportCommand(p),
		benchCommand(p), healthcheckCommand(p), versionCommand(), completionCommand(),
	)
	return root
}

// groupCommand is a verb that has verbs of its own.
func groupCommand(name, short string, verbs ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: name, Short: short, Args: usage(cobra.NoArgs), RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, verb := range verbs {
		if verb.ValidArgsFunction == nil {
			verb.ValidArgsFunction = cobra.NoFileCompletions
		}
		group.AddCommand(verb)
	}
	return group
}

// usage makes what a check of arguments refuses an error of usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w: %w", server.ErrUsage, err)
		}
		return nil
	}
}

// names has a check of arguments refuse those that name nothing: what stands in a path as nothing, or as a way up, asks for something else.
func names(check cobra.PositionalArgs) cobra.PositionalArgs {
	return usage(func(cmd *cobra.Command, args []string) error {
		for _, arg := range args {
			if arg == "" || arg == "." || arg == ".." {
				return fmt.Errorf("%q is no %s", arg, strings.Trim(strings.Fields(cmd.Use)[1], "[.]"))
			}
		}
		return check(cmd, args)
	})
}

// getenv is the value of a variable in the environment the process was given.
func (p process) getenv(name string) string {
	for i := len(p.environ) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(p.environ[i], name+"="); ok {
			return value
		}
	}
	return ""
}
