//go:build linux

package fabric

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outer is this test binary as it is started outside, with a role for the inner one.
func outer(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	if err := Unavailable(); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("/proc/self/exe", args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, enteredVariable+"=") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, roleVariable+"="+role)
	return cmd
}

func TestEnterPassesArgumentsOnAndTheExitCodeBack(t *testing.T) {
	cmd := outer(t, "exit", "-one", "two three")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exited *exec.ExitError
	if !errors.As(err, &exited) || exited.ExitCode() != 7 {
		t.Errorf("it ended with %v, not with 7: %s", err, &stderr)
	}
	if got := string(out); got != "1 [-one two three]\n" {
		t.Errorf("the inner process is %q", got)
	}
}

// waiting starts an inner process that waits and gives what it has yet to say.
func waiting(t *testing.T) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := outer(t, "wait")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	out.(*os.File).SetReadDeadline(time.Now().Add(within))
	reader := bufio.NewReader(out)
	if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "1 ") {
		t.Fatalf("the inner process said %q, %v", line, err)
	}
	return cmd, reader
}

func TestEnterForwardsSignals(t *testing.T) {
	cmd, out := waiting(t)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(out)
	if err != nil || string(said) != "terminated\n" {
		t.Errorf("the inner process said %q, %v", said, err)
	}
	var exited *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exited) || exited.ExitCode() != 7 {
		t.Errorf("it ended with %v, not with 7", err)
	}
}

// The inner process holds the other end of the pipe, so that ends with it.
func TestTheInnerProcessEndsWithTheOuter(t *testing.T) {
	cmd, out := waiting(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(out); err != nil || len(said) > 0 {
		t.Errorf("the inner process goes on: %q, %v", said, err)
	}
}

func TestInsideNothingIsSeenOfTheOutside(t *testing.T) {
	if err := Unavailable(); err != nil {
		t.Skip(err)
	}
	if target, err := os.Readlink("/proc/self"); err != nil || target != "1" {
		t.Errorf("/proc/self is %q, %v", target, err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || bytes.Contains(mounts, []byte("shared:")) {
		t.Errorf("mounts made here may show outside: %v\n%s", err, mounts)
	}
}
