// Check judges histories that the rings have kept:
//
//	go run ./test/check [-html out.html] history.jsonl...
//
// It prints each verdict, and what could not be judged; where a run that says it is complete lacks the evidence, that is a violation.
// The first violation about a link is drawn by Porcupine beside its history (history.html), or where -html says. It exits with 1 if
// there are violations, and with 2 if a history cannot be read.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tinyurl/test/history"
	"tinyurl/test/judge"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// What the program exits with.
const (
	kept       = 0
	broken     = 1
	unreadable = 2
)

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: check [flags] history.jsonl...")
		flags.PrintDefaults()
	}
	picture := flags.String("html", "", "where to draw the first violation about a link (default: beside its history)")
	var options judge.Options
	flags.DurationVar(&options.Stale, "stale", 0, "how late a redirect may be when nothing is broken (default 10s)")
	flags.DurationVar(&options.Writable, "writable", 0, "how soon after the last fault every node must accept writes (default 10s)")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return kept
	case err != nil:
		return unreadable
	case flags.NArg() == 0:
		flags.Usage()
		return unreadable
	case *picture != "" && flags.NArg() > 1:
		fmt.Fprintln(stderr, "check: -html draws one history only")
		return unreadable
	}
	exit := kept
	for _, path := range flags.Args() {
		found, err := check(path, *picture, options, stdout)
		if err != nil {
			fmt.Fprintf(stderr, "check: %s: %v\n", path, err)
			found = unreadable
		}
		exit = max(exit, found)
	}
	return exit
}

// check judges one history.
func check(path, picture string, options judge.Options, stdout io.Writer) (int, error) {
	h, err := read(path)
	if err != nil {
		return unreadable, err
	}
	v := judge.JudgeWith(h, options)
	total := 0
	for _, n := range v.Figures.Found {
		total += n
	}
	fmt.Fprintf(stdout, "%s: %s, seed %d, %d nodes: %d violations\n", path, strings.TrimSpace(h.Run.Ring+" "+h.Run.Name), h.Run.Seed, len(h.Run.Nodes), total)
	if err := judge.Report(stdout, h, v); err != nil {
		return unreadable, err
	}
	if v.OK() {
		return kept, nil
	}
	if picture == "" {
		picture = strings.TrimSuffix(path, filepath.Ext(path)) + ".html"
	}
	for _, violation := range v.Violations {
		if violation.Code == "" {
			continue
		}
		if err := draw(picture, h, violation.Code); err != nil {
			return broken, err
		}
		fmt.Fprintf(stdout, "%s is drawn in %s\n", violation.Code, picture)
		break
	}
	return broken, nil
}

func read(path string) (history.History, error) {
	f, err := os.Open(path)
	if err != nil {
		return history.History{}, err
	}
	defer f.Close()
	return history.Read(f)
}

func draw(path string, h history.History, code string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(judge.WriteHTML(f, h, code), f.Close())
}
