//go:build linux

package partition

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"tinyurl/test/harness"
	"tinyurl/test/partition/fabric"
)

// What is run, and how. Nothing is, but for the tests of this package's own parts, unless rowsVariable is set.
const (
	// rowsVariable: "all", "short", "pairs", or names of rows, separated by commas.
	rowsVariable = "PARTITION_ROWS"
	seedVariable = "PARTITION_SEED" // by the clock if it is not set
	// minutesVariable: how long rows, and then pairs of them, are played again and again; once each if it is not set.
	minutesVariable = "PARTITION_MINUTES"
	// slackVariable: how many times longer than promised nodes may take to accept again, for a machine that is busy; 1 if not set.
	slackVariable = "PARTITION_SLACK"
	// artifactsVariable: where histories and logs of rows that failed are left; below the directory for temporary files if not set.
	artifactsVariable = "PARTITION_ARTIFACTS"
	// keepVariable: when it is set, the histories of rows that went well are left there, too.
	keepVariable = "PARTITION_KEEP"
	// binaryVariable is the program; failpointsVariable the same, built with failpoints.
	binaryVariable     = "TINYURL_BINARY"
	failpointsVariable = "PARTITION_FAILPOINTS_BINARY"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the programs, outside, and then goes inside. Without rows there is no need for either.
func run(m *testing.M) int {
	if os.Getenv(rowsVariable) == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "tinyurl-binary-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code, inside := fabric.Enter()
	if inside {
		code = m.Run()
		summary.print(os.Stdout)
	}
	return code
}

// build makes the programs that are not given.
func build(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if os.Getenv(binaryVariable) == "" {
		path, err := harness.Build(ctx, dir)
		if err != nil {
			return err
		}
		if err := os.Setenv(binaryVariable, path); err != nil {
			return err
		}
	}
	if os.Getenv(failpointsVariable) != "" || !wantsFailpoints(os.Getenv(rowsVariable)) {
		return nil
	}
	path := filepath.Join(dir, "tinyurl-failpoints")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "nomsgpack,failpoints", "-o", path, "tinyurl/cmd/tinyurl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program with failpoints: %w\n%s", err, out)
	}
	return os.Setenv(failpointsVariable, path)
}

// number reads a variable.
func number(t *testing.T, variable string, otherwise float64) float64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, which is no number", variable, text)
	}
	return n
}
