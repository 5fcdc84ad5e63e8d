//go:build unix

package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// processes is the launcher of real processes.
type processes struct {
	binary string
	place  Place // nil is here
}

// start starts a process where the node's processes run.
func (p processes) start(n *Node, cmd *exec.Cmd) error {
	if p.place == nil {
		return cmd.Start()
	}
	return p.place.Start(n.name, cmd)
}

// process is one of them.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	how   Exit // set before ended is closed
}

// launch implements launcher. The process gets a group of its own, so that it can be ended with all its children, and the
// kernel ends it should this process die without a clean-up (where the kernel can).
func (p processes) launch(n *Node, args, environ []string, log *os.File) (instance, error) {
	cmd := exec.Command(p.binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, log, log
	cmd.SysProcAttr = childAttributes()
	cmd.SysProcAttr.Credential = n.As
	started := &process{cmd: cmd, ended: make(chan struct{})}
	err := make(chan error)
	go func() {
		// The kernel watches the thread that started the process, so that thread has to stay until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if e := p.start(n, cmd); e != nil {
			err <- e
			return
		}
		err <- nil
		started.how = exitOf(cmd, cmd.Wait())
		close(started.ended)
	}()
	if err := <-err; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.binary, err)
	}
	return started, nil
}

func exitOf(cmd *exec.Cmd, err error) Exit {
	return Exit{Code: cmd.ProcessState.ExitCode(), Err: err}
}

func (p *process) stop() error { return p.signal(syscall.SIGTERM) }

func (p *process) signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v is unknown here", s)
	}
	select {
	case <-p.ended:
		return os.ErrProcessDone // its number may belong to another by now
	default:
	}
	// To the whole group, which is named by the negative number of its leader.
	if err := syscall.Kill(-p.cmd.Process.Pid, number); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func (p *process) done() <-chan struct{} { return p.ended }

func (p *process) exit() Exit { return p.how }
