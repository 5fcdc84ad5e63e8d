//go:build linux

// Package proc runs the servers that are compared, and reads what they take from /proc. A process is ended by its own id, and
// the kernel ends it should this program die without a chance to.
package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"tinyurl/test/bench/processors"
)

// Command says what to run.
type Command struct {
	// Name is what messages call it.
	Name string
	// Path is the program, Args what follows it.
	Path string
	Args []string
	// Env is the whole environment; Dir the working directory, empty for our own.
	Env []string
	Dir string
	// Log is the file that gets the output, at its end.
	Log string
	// User runs it as another user; nil as our own.
	User *syscall.Credential
	// Processors are those it runs on; none means all.
	Processors []int
}

// Process is one that runs, or has run. Its methods may be called from anywhere.
type Process struct {
	Name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // how it ended; set before done is closed
}

// Start runs a command.
func Start(c Command) (*Process, error) {
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the log of %s: %w", c.Name, err)
	}
	defer log.Close() // the process has its own
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.Env, c.Dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: c.User}
	p := &Process{Name: c.Name, cmd: cmd, log: c.Log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel watches the thread that started the process, so that thread stays until the end. It ends with it: it may be bound.
		runtime.LockOSThread()
		if err := startOn(cmd, c.Processors); err != nil {
			started <- err
			return
		}
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	return p, nil
}

// startOn starts a command from the calling thread, which gives the process the processors that it is bound to.
func startOn(cmd *exec.Cmd, on []int) error {
	if len(on) > 0 {
		if err := processors.Bind(on); err != nil {
			return err
		}
	}
	return cmd.Start()
}

// PID is the id it was started with.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when it has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended returns an error that shows the last lines of the log when the process has ended, else nil.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended (%w): %s", p.Name, errors.Join(p.err, errEnded), p.Last())
	default:
		return nil
	}
}

var errEnded = errors.New("nobody told it to")

// maxLast is how much of the log Last shows, in bytes.
const maxLast = 600

// Last is the end of the log.
func (p *Process) Last() string {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(log[max(0, len(log)-maxLast):]))
}

// Signal sends a signal to the process itself, not to its group.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %v to %s: %w", s, p.Name, err)
	}
	return nil
}

// Kill ends it as kill -9 does and waits until it is gone.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	<-p.done
	return err
}

// Stop asks it to end with SIGTERM, kills it with its group if it has not after that long, and waits until it is gone.
func (p *Process) Stop(within time.Duration) error {
	err := p.Signal(syscall.SIGTERM)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		return err
	case <-timer.C:
	}
	select {
	case <-p.done:
		return err // the number may belong to another by now
	default:
	}
	killed := syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.done
	return errors.Join(err, killed)
}
