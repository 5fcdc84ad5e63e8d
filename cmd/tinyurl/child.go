package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is one process of ours.
type child struct {
	name, url string
	process   *os.Process
	// done is closed when the process has ended. Before that err, nil for exit code 0, and how, its words, are set.
	done chan struct{}
	err  error
	how  string
}

// startChild runs the program as a process that does not get the terminal's signals and does not outlive this one. Its
// output goes to logs, a line at a time; its end to ended, which must have room.
func startChild(program string, n devNode, environ []string, logs *prefixer, ended chan<- *child) (*child, error) {
	cmd := exec.Command(program, n.args...)
	cmd.Env = environ
	output := logs.writer(n.name)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = childAttributes()
	c := &child{name: n.name, url: n.url, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel signals the child when the thread that started it ends, so that thread has to stay until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		c.how = cmd.ProcessState.String()
		output.flush()
		close(c.done)
		ended <- c
	}()
	return c, <-started
}

// stop asks the process to end, kills it if it has not after atMost, and waits until it is gone.
func (c *child) stop(atMost time.Duration) {
	// An error means that it has ended already: done tells.
	if err := c.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.kill()
	}
	timer := time.AfterFunc(atMost, c.kill)
	defer timer.Stop()
	<-c.done
}

// kill ends the process at once; it fails only for one that has ended.
func (c *child) kill() { _ = c.process.Kill() }
