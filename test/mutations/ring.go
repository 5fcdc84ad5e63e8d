package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ring is a kind of run that can catch a mutation.
type ring struct {
	name string
	// tests is the package whose test binary is run, below the root; empty for none.
	tests string
	// program is a package that is built with the same fault, and its path is given to the tests in programEnv; empty for
	// rings that run the product in their own process.
	program, programEnv string
	// limit bounds one run. A run that reaches it has caught nothing.
	limit time.Duration
	// verdict matches what a checker's violation looks like; its groups are named checker, and after where it is told.
	verdict *regexp.Regexp
}

// rings are the rings of this project.
var rings = []ring{
	{
		name: "sim", tests: "./test/sim", limit: 4 * time.Minute,
		verdict: regexp.MustCompile(`(?m)^\s+violation (?P<checker>\S+) at (?P<after>[^\s:]+): `),
	},
	{name: "scenario", tests: "./test/sim/scenario", limit: 2 * time.Minute, verdict: directed},
	{
		name: "partition", tests: "./test/partition", program: "./cmd/tinyurl", programEnv: "TINYURL_BINARY", limit: 4 * time.Minute,
		verdict: regexp.MustCompile(`(?m)^.*: judge, (?P<checker>[a-z-]+): `),
	},
}

// directed is how a scenario of ring 1 tells of a violation.
var directed = regexp.MustCompile(`(?m)^.*\bviolation (?P<checker>\S+) after (?P<after>[^\s:,]+)`)

// buildLimit bounds the building of one mutation.
const buildLimit = 5 * time.Minute

// product is the source that is broken and built.
type product struct {
	root string   // the module's directory
	work string   // for what is built; whoever made it removes it
	tags []string // build tags
}

// build makes a ring's binaries with the given files in the place of the tree's, and gives the directory they are in.
func (p product) build(ctx context.Context, r ring, name string, changed map[string]string) (string, error) {
	dir := filepath.Join(p.work, r.name+"-"+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	overlay, err := p.overlay(dir, changed)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	tags := "-tags=" + strings.Join(p.tags, ",")
	var commands [][]string
	if r.tests != "" {
		commands = append(commands, []string{"test", "-c", "-vet=off", tags, "-overlay=" + overlay, "-o", filepath.Join(dir, "tests"), r.tests})
	}
	if r.program != "" {
		commands = append(commands, []string{"build", "-buildvcs=false", tags, "-overlay=" + overlay, "-o", filepath.Join(dir, "program"), r.program})
	}
	for _, args := range commands {
		command := exec.CommandContext(ctx, "go", args...)
		command.Dir = p.root
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("it does not build: %w\n%s", err, tail(out))
		}
	}
	return dir, nil
}

// overlay writes the changed files and the list of what they stand for.
func (p product) overlay(dir string, changed map[string]string) (string, error) {
	replace := map[string]string{}
	for file, text := range changed {
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(p.root, filepath.FromSlash(file))] = path
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o644)
}

// finding is what a run came to.
type finding struct {
	caught  bool
	checker string        // who saw it, or the text that showed it
	after   string        // how far into the run, as the ring tells it: virtual time in the simulation
	detail  string        // a seed or a scenario, as the ring tells it
	took    time.Duration // real time
	failed  bool          // the run failed, caught or not
	why     string        // of a miss, for people
}

// place finds where in the ring it was: the seed of a life, or the name of a test.
var place = regexp.MustCompile(`(?m)\bseed (\d+), |^\s*--- FAIL: (\S+)`)

// variable matches NAME=value.
var variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`)

// noCheckers are names in a verdict that speak of the ring itself: its process ended or hung, its record was no record.
var noCheckers = []string{"process", "history"}

// run gives the arguments to a ring that was built in dir, and judges what comes of it. shows may be empty.
func (r ring) run(ctx context.Context, dir, at string, args []string, shows string) finding {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	environment := 0
	for environment < len(args) && variable.MatchString(args[environment]) {
		environment++
	}
	command := exec.CommandContext(ctx, filepath.Join(dir, "tests"), args[environment:]...)
	command.Dir = filepath.Join(at, filepath.FromSlash(r.tests)) // as go test has it
	command.Env = append(os.Environ(), args[:environment]...)
	if r.program != "" {
		command.Env = append(command.Env, r.programEnv+"="+filepath.Join(dir, "program"))
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	command.WaitDelay = 10 * time.Second // for what the tests have left running
	err := command.Run()
	f := r.judge(out.Bytes(), err, shows)
	f.took = time.Since(began)
	if f.failed && !f.caught && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.why = fmt.Sprintf("no verdict within %v", r.limit)
	}
	return f
}

// judge reads the output of a run that ended with err.
func (r ring) judge(out []byte, err error, shows string) finding {
	if err == nil {
		return finding{why: "the run passed"}
	}
	for _, line := range r.verdict.FindAllSubmatch(out, -1) {
		f := finding{failed: true, caught: true, checker: string(line[r.verdict.SubexpIndex("checker")]), after: "-"}
		if slices.Contains(noCheckers, f.checker) {
			continue
		}
		if i := r.verdict.SubexpIndex("after"); i > 0 {
			f.after = string(line[i])
		}
		if where := place.FindSubmatch(out); where != nil && len(where[1]) > 0 {
			f.detail = "seed " + string(where[1])
		} else if where != nil {
			f.detail = string(where[2])
		}
		return f
	}
	if shows != "" && bytes.Contains(out, []byte(shows)) {
		return finding{failed: true, caught: true, checker: fmt.Sprintf("%q", shows), after: "-"}
	}
	return finding{failed: true, why: fmt.Sprintf("the run failed, but no checker told of a violation: %v\n%s", err, tail(out))}
}

// tail is the end of an output, for people.
func tail(out []byte) string {
	const most = 3000
	return string(out[max(0, len(out)-most):])
}
