package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	only   *regexp.Regexp
	list   bool
	budget time.Duration
	readme string
	keep   bool
	build  bool
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("mutations", flag.ContinueOnError)
	flags.SetOutput(out)
	only := flags.String("only", "", "run the mutations whose names match this regular expression")
	flags.BoolVar(&o.list, "list", false, "list the mutations and what each one breaks")
	flags.DurationVar(&o.budget, "budget", 35*time.Minute, "fail what has not been run after this time")
	flags.StringVar(&o.readme, "readme", "", "write the table to this file")
	flags.BoolVar(&o.build, "build", false, "only see whether the product still builds with each mutation")
	flags.BoolVar(&o.keep, "keep", false, "leave what was built, and say where")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}

// errMissed: at least one mutation was not caught, or a control failed.
var errMissed = errors.New("not every mutation was caught")

// run is the whole command.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parseOptions(args, out)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	all, err := readMutations(filepath.Join(root, "test", "mutations", "testdata"))
	if err != nil {
		return err
	}
	chosen := all[:0:0]
	for _, m := range all {
		if o.only.MatchString(m.Name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no mutation matches %q", o.only)
	}
	if o.list {
		for _, m := range chosen {
			fmt.Fprintf(out, "%-24s %-10s %s\n", m.Name, m.Runs[0].Ring, m.Fault)
		}
		return nil
	}
	work, err := os.MkdirTemp("", "mutations-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(out, "built in", work)
	} else {
		defer os.RemoveAll(work)
	}
	s := &session{product: product{root: root, work: work, tags: []string{"nomsgpack"}}, rings: rings, out: out, keep: o.keep}
	ctx, cancel := context.WithTimeout(ctx, o.budget)
	defer cancel()
	if o.build {
		return s.buildAll(ctx, chosen)
	}
	s.runAll(ctx, chosen)
	writeTable(out, s.rows)
	if o.readme != "" {
		if err := writeReadme(o.readme, s.rows); err != nil {
			return err
		}
	}
	if s.missed() {
		return errMissed
	}
	return nil
}

// moduleRoot is the directory of the module this program was made of.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory (%s, %s)", runtime.GOOS, runtime.GOARCH)
		}
		dir = parent
	}
}
