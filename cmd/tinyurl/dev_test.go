package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/cluster/identity"
)

func TestLinesOfSeveralProcessesStayWhole(t *testing.T) {
	var out bytes.Buffer
	logs := newPrefixer(&out)
	a, b := logs.writer("n0"), logs.writer("n1")
	for _, step := range []struct {
		to   *prefixWriter
		text string
	}{{a, "one\ntw"}, {b, "three\n"}, {a, "o\n\n"}, {b, "cut off"}} {
		if n, err := step.to.Write([]byte(step.text)); n != len(step.text) || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	b.flush()
	b.flush()
	want := "n0 | one\nn1 | three\nn0 | two\nn0 | \nn1 | cut off\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestALineWithoutEndIsNotHeldForEver(t *testing.T) {
	var out bytes.Buffer
	w := newPrefixer(&out).writer("n0")
	for range 3 {
		if _, err := w.Write(make([]byte, maxLogLine/2)); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() <= maxLogLine {
		t.Errorf("%d bytes came out", out.Len())
	}
}

func TestEveryNodeOfDevJoinsTheOthersAndFiveFormTheCluster(t *testing.T) {
	s := devSettings{nodes: 7, httpPort: 8080, clusterPort: 7000, gossPort: 7946, dir: "d"}
	first, last := s.node(0), s.node(6)
	if first.name != "n0" || first.url != "http://127.0.0.1:8080" || last.url != "http://127.0.0.1:8086" {
		t.Errorf("first %+v, last %+v", first, last)
	}
	value := func(args []string, flag string) string { return args[slices.Index(args, flag)+1] }
	if got := value(first.args, "--bootstrap-expect"); got != "5" {
		t.Errorf("node 0 expects %s", got)
	}
	if got := value(last.args, "--bootstrap-expect"); got != "0" {
		t.Errorf("node 6 expects %s", got)
	}
	line := strings.Join(last.args, " ")
	if strings.Count(line, "--join") != 6 || strings.Contains(line, "--join 127.0.0.1:7952") || !strings.Contains(line, "--join 127.0.0.1:7946") {
		t.Errorf("node 6: %s", line)
	}
	if one := (devSettings{nodes: 1}).node(0); value(one.args, "--bootstrap-expect") != "1" || slices.Contains(one.args, "--join") {
		t.Errorf("a single node: %q", one.args)
	}
}

func TestSecretsReachTheNodesByTheEnvironmentAlone(t *testing.T) {
	secret, err := identity.ParseSecret(strings.Repeat("s", 32))
	if err != nil {
		t.Fatal(err)
	}
	s := devSettings{nodes: 3, rootKey: "the-root-key"}
	got := s.environ([]string{"PATH=/bin", "TINYURL_HTTP_ADDR=:1", "TINYURL_KEY=k", "NOTIFY_SOCKET=/run/x"}, secret)
	want := []string{"PATH=/bin", "TINYURL_CLUSTER_SECRET=" + secret.Reveal(), "TINYURL_ROOT_KEY=the-root-key"}
	if !slices.Equal(got, want) {
		t.Errorf("environment %q", got)
	}
	if line := strings.Join(s.node(0).args, " "); strings.Contains(line, "the-root-key") {
		t.Errorf("the command line shows the key: %s", line)
	}
}

func TestTheSecretOfDevIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir() + "/dev"
	first, err := devSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := devSecret(dir)
	if err != nil || !again.Equal(first) {
		t.Errorf("again: %q, %v", again.Reveal(), err)
	}
	if err := os.WriteFile(dir+"/secret", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devSecret(dir); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damaged: %v", err)
	}
}

// shell starts a script as a child.
func shell(t *testing.T, script string, out *bytes.Buffer) (*child, chan *child) {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	ended := make(chan *child, 1)
	c, err := startChild(path, devNode{name: "sh", args: []string{"-c", script}}, os.Environ(), newPrefixer(out), ended)
	if err != nil {
		t.Fatal(err)
	}
	return c, ended
}

func TestAChildThatEndsIsReportedWithItsExitCode(t *testing.T) {
	var out bytes.Buffer
	_, ended := shell(t, "echo said; echo cut >&2; exit 3", &out)
	c := <-ended
	if failed, ok := errors.AsType[*exec.ExitError](c.err); !ok || failed.ExitCode() != 3 || c.how != "exit status 3" {
		t.Errorf("ended with %v, %s", c.err, c.how)
	}
	if out.String() != "sh | said\nsh | cut\n" {
		t.Errorf("output %q", out.String())
	}
}

func TestAChildIsAskedToStopAndKilledOnlyIfItDoesNot(t *testing.T) {
	var out bytes.Buffer
	polite, ended := shell(t, "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done", &out)
	polite.stop(time.Minute)
	if c := <-ended; c.err != nil && c.how != "signal: terminated" { // the signal may come before the trap
		t.Errorf("polite: %v", c.err)
	}
	stubborn, ended := shell(t, "trap '' TERM; while :; do sleep 0.01; done", &out)
	stubborn.stop(100 * time.Millisecond)
	if c := <-ended; c.how != "signal: killed" && c.how != "signal: terminated" {
		t.Errorf("stubborn: %s", c.how)
	}
	stubborn.stop(time.Minute) // has ended: returns at once
}

func TestAProgramThatIsNotThereDoesNotStart(t *testing.T) {
	if _, err := startChild("/no/such/program", devNode{name: "n0"}, nil, newPrefixer(new(bytes.Buffer)), make(chan *child, 1)); err == nil {
		t.Error("it started")
	}
}

// shellCluster is a devCluster whose nodes are shell scripts; none of them ever answers.
func shellCluster(t *testing.T, out *bytes.Buffer, scripts ...string) *devCluster {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	cluster := newDevCluster(out)
	for i, script := range scripts {
		n := devNode{name: fmt.Sprintf("n%d", i), url: "http://127.0.0.1:1", args: []string{"-c", script}}
		if err := cluster.start(path, n, os.Environ()); err != nil {
			t.Fatal(err)
		}
	}
	return cluster
}

func TestANodeThatEndsBeforeItIsReadyEndsTheWait(t *testing.T) {
	cluster := shellCluster(t, new(bytes.Buffer), "exec sleep 600", "exit 1")
	err := cluster.waitReady(t.Context(), time.Minute)
	if err == nil || !strings.Contains(err.Error(), "n1 did not start: exit status 1") {
		t.Errorf("error = %v", err)
	}
	if err := cluster.stop(); err == nil || !strings.Contains(err.Error(), "n0 did not stop well: signal: terminated") {
		t.Errorf("stop = %v", err)
	}
}

func TestTheWaitForNodesIsBoundedAndEndsWithCtrlC(t *testing.T) {
	cluster := shellCluster(t, new(bytes.Buffer), "exec sleep 600")
	defer func() { _ = cluster.stop() }()
	if err := cluster.waitReady(t.Context(), time.Millisecond); err == nil || !strings.Contains(err.Error(), "n0 was not ready within 1ms") {
		t.Errorf("error = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := cluster.waitReady(ctx, time.Minute); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if err := cluster.watch(ctx); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestNodesThatEndAreReportedAndTheLastOneEndsTheCluster(t *testing.T) {
	var out bytes.Buffer
	cluster := shellCluster(t, &out, "exit 1", "kill -9 $$")
	if err := cluster.watch(t.Context()); err == nil || !strings.Contains(err.Error(), "no node is left") {
		t.Errorf("error = %v", err)
	}
	for _, line := range []string{"dev | n0 ended (exit status 1); ", "dev | n1 ended (signal: killed); ", "0 of 2 nodes are left"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in %q", line, out.String())
		}
	}
	if err := cluster.stop(); err != nil {
		t.Errorf("stop = %v", err)
	}
}
