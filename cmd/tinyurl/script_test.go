package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tinyurl": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "gone": gone, "ports": ports, "ready": ready, "setenv": setenv, "until": until,
		},
	})
}

// exits CODE PROGRAM ARG... runs the program and demands that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	if got := exitCodeOf(ts, args[1:]); strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func exitCodeOf(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	if err == nil {
		return 0
	}
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return ended.ExitCode()
	}
	ts.Fatalf("running %q: %v", args, err)
	return -1
}

// until CODE PROGRAM ARG... runs the program again and again until it ends with that exit code.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until CODE PROGRAM ARG...")
	}
	poll(ts, strings.Join(args, " "), func() bool { return strconv.Itoa(exitCodeOf(ts, args[1:])) == args[0] })
}

// poll asks until the answer is yes, and fails the script after a minute.
func poll(ts *testscript.TestScript, what string, done func() bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("not within a minute: %s", what)
		}
	}
}

// ready URL waits until the node there says so.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready URL")
	}
	client := http.Client{Timeout: time.Second}
	poll(ts, args[0]+" is ready", func() bool {
		response, err := client.Get(args[0] + "/readyz")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	})
}

// gone ADDRESS waits until nobody listens there.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone ADDRESS")
	}
	poll(ts, "nobody listens on "+args[0], func() bool {
		conn, err := net.DialTimeout("tcp", args[0], time.Second)
		return err != nil || conn.Close() != nil
	})
}

// setenv NAME FILE sets a variable to the content of a file, as $(…) in a shell would.
func setenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// ports NAME... sets each variable to the first of three free ports in a row, all different.
func ports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ports NAME...")
	}
	for _, name := range args {
		first, err := freePorts(3)
		ts.Check(err)
		for i := range 3 {
			ts.Setenv(fmt.Sprintf("%s%d", name, i), strconv.Itoa(first+i))
		}
	}
}

// given are the ports that freePorts has given, of which nobody may listen yet.
var given sync.Map

// freePorts finds n ports in a row that are free for TCP and UDP, below those the system hands out by itself, and gives none twice.
func freePorts(n int) (int, error) {
	for range 100 {
		first := 10000 + rand.IntN(2200)*10
		if _, again := given.LoadOrStore(first, true); !again && portsFree(first, n) {
			return first, nil
		}
	}
	return 0, errors.New("no free ports")
}

func portsFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		tcp, err := net.Listen("tcp", address)
		if err != nil {
			return false
		}
		udp, err := net.ListenPacket("udp", address)
		if err == nil {
			err = udp.Close()
		}
		if errors.Join(err, tcp.Close()) != nil {
			return false
		}
	}
	return true
}
