//go:build linux

// Command bench compares the product with others and with itself, by turns on one machine, and prints a line a row:
// "name ratio R (min–max)". README.md says what the rows are and how to read them.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tinyurl/test/bench/rounds"
	"tinyurl/test/bench/rows"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // the signals need no giving back
	}
}

// settings are the flags.
type settings struct {
	options    rows.Options
	rows, with string
	seconds    float64
	dir        string
	list, keep bool
	probe      string
	join       bool
	printed    []string // what runs printed, to be joined
}

func read(args []string, out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.rows, "rows", "", "rows to measure, separated by commas: names, beginnings with *, families, or all (default: all)")
	flags.StringVar(&s.with, "with", "", "more settings of every node of ours, as in --log-store wal")
	flags.IntVar(&s.options.Rounds, "rounds", 5, "how often each pair is measured")
	flags.Float64Var(&s.seconds, "seconds", 3, "how long one side is measured")
	flags.StringVar(&s.options.Tinyurl, "tinyurl", "bin/tinyurl", "the program")
	flags.IntVar(&s.options.Stock, "stock", 1_000_000, "links of the redirect rows")
	flags.IntVar(&s.options.Links, "links", 10_000_000, "links of the state rows")
	flags.StringVar(&s.options.URLs, "urls", os.Getenv("TINYURL_BENCH_URLS"), "file of one URL a line (TINYURL_BENCH_URLS; default: made up, of about 110 bytes)")
	flags.StringVar(&s.dir, "dir", os.TempDir(), "where the data goes, on the disk to be measured")
	flags.BoolVar(&s.options.Install, "install", true, "fetch peers that are missing from Debian")
	flags.BoolVar(&s.options.Shared, "shared", false, "let servers and load generator share all processors in the redirect, noise and elastic rows, too")
	flags.BoolVar(&s.keep, "keep", false, "keep the data and the logs")
	flags.BoolVar(&s.list, "list", false, "list the rows")
	flags.BoolVar(&s.join, "join", false, "measure nothing: put together what other runs printed, into the files that follow")
	flags.StringVar(&s.probe, "probe", "", "only time the syncs of this file; the program calls itself so")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.printed = flags.Args()
	if s.join != (flags.NArg() > 0) {
		if s.join {
			return s, errors.New("-join wants files")
		}
		return s, fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	if s.options.Rounds < 1 || s.seconds < 0.1 || s.options.Stock < 1 || s.options.Links < 1 {
		return s, errors.New("-rounds, -stock and -links are 1 or more, -seconds 0.1 or more")
	}
	s.options.For = time.Duration(s.seconds * float64(time.Second))
	s.options.Warm = min(s.options.For/4, time.Second)
	s.options.With = strings.Fields(s.with)
	if s.rows != "" {
		s.options.Rows = strings.Split(s.rows, ",")
	}
	return s, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := read(args, out)
	if err != nil {
		return err
	}
	switch {
	case s.list:
		fmt.Fprintln(out, strings.Join(rows.List(), "\n"))
		return nil
	case s.join:
		return join(out, s.printed)
	case s.probe != "":
		took, err := rows.Probe(s.probe)
		fmt.Fprintln(out, took)
		return err
	}
	return measure(ctx, s, out)
}

// join puts together what runs have printed.
func join(out io.Writer, paths []string) error {
	var runs []io.Reader
	for _, path := range paths {
		printed, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		runs = append(runs, bytes.NewReader(printed))
	}
	return rounds.Join(out, runs...)
}

// measure runs the rows in a directory of their own.
func measure(ctx context.Context, s settings, out io.Writer) (err error) {
	if s.options.Tinyurl, err = filepath.Abs(s.options.Tinyurl); err != nil {
		return err
	}
	if s.options.URLs != "" {
		if s.options.URLs, err = filepath.Abs(s.options.URLs); err != nil {
			return err
		}
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	s.options.Module = strings.TrimSpace(string(module))
	if s.options.Dir, err = os.MkdirTemp(s.dir, "tinyurl-bench-"); err != nil {
		return err
	}
	if s.keep {
		fmt.Fprintln(out, "# data and logs stay in", s.options.Dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(s.options.Dir)) }()
	}
	// Some peers run as users of their own, and have their data in it.
	if err := os.Chmod(s.options.Dir, 0o711); err != nil { //nolint:gosec // nobody may list it
		return err
	}
	bench, err := rows.New(s.options, rounds.NewReport(out))
	if err != nil {
		return err
	}
	return bench.Run(ctx)
}
