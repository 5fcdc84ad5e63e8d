package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tinyurl/api/client"
)

func exportCommand(p process) *cobra.Command {
	var node remote
	var file format
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write all links to a file",
		Long: `Writes all links to a file, or to standard output, the oldest first.

ndjson loses nothing, and holds the hashes of the links' passwords; csv is for other programs. A file is there only once it is whole; into a pipe
or a device the links are written as they come.`,
		Example: "  tinyurl export links.ndjson",
		Args:    usage(cobra.MaximumNArgs(1)),
	}
	node.flags(cmd, p)
	file = format{words: []string{"ndjson", "csv"}, chosen: "ndjson"}
	cmd.Flags().Var(&file, "format", "format: ndjson or csv")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		api, err := node.connect(cmd, p)
		if err != nil {
			return err
		}
		if len(args) == 0 || args[0] == "-" {
			return node.explain(api.Export(cmd.Context(), cmd.OutOrStdout(), file.chosen))
		}
		return node.explain(exportFile(cmd.Context(), api, args[0], file.chosen, newGauge(p.stderr, "bytes", time.Now)))
	}
	return cmd
}

// exportFile writes into what is there and is no file, such as a pipe; else it puts a whole file in its place.
func exportFile(ctx context.Context, api *client.Client, path, format string, shown *gauge) error {
	defer shown.end()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is a link to a file that is not there", path)
		}
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory", path)
	case !info.Mode().IsRegular():
		return exportInto(ctx, api, path, format, shown)
	default:
		// The link stays, and what it leads to is replaced.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	return exportWhole(ctx, api, path, format, shown)
}

// exportInto writes straight into what is there.
func exportInto(ctx context.Context, api *client.Client, path, format string, shown *gauge) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(api.Export(ctx, shown.writer(file), format), file.Close())
}

// exportWhole writes beside the file, and puts it in its place when it is whole and on the disk. Like every temporary file it is its
// owner's alone.
func exportWhole(ctx context.Context, api *client.Client, path, format string, shown *gauge) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".tinyurl-export-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	err = api.Export(ctx, shown.writer(file), format)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err == nil {
		shown.say(fmt.Sprintf("%s: %d bytes", path, shown.count))
	}
	return err
}
