package fabric

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace. It lives as long as the file is open or a process is in it.
type namespace struct{ file *os.File }

// threadNamespace names the namespace of the calling thread.
const threadNamespace = "/proc/thread-self/ns/net"

// ownNamespace is that of the test's process.
func ownNamespace() (*namespace, error) {
	file, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("the process's own network namespace: %w", err)
	}
	return &namespace{file}, nil
}

// newNamespace makes one with a loopback in it.
func newNamespace() (*namespace, error) {
	n := &namespace{}
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		if n.file, err = os.Open(threadNamespace); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		return setLinkUp("lo")
	})
	if err != nil && n.file != nil {
		err = errors.Join(err, n.file.Close())
	}
	return n, err
}

func (n *namespace) fd() uintptr { return n.file.Fd() }

// do calls f on a thread inside. Sockets that f opens stay inside.
func (n *namespace) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(n.fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// errAbandoned is what onThread returns when f ended its goroutine.
var errAbandoned = errors.New("the function did not return")

// onThread calls f on a thread that is ended afterwards, as nobody else may have it: it may be anywhere.
func onThread(f func() error) error {
	err := errAbandoned
	over := make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread()
		err = f()
	}()
	<-over
	return err
}

// start starts a command inside. The calling thread is the one that the kernel watches for Pdeathsig.
func (n *namespace) start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	home, err := os.Open(threadNamespace)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("the thread's own network namespace: %w", err)
	}
	defer home.Close()
	if err := unix.Setns(int(n.fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter a network namespace: %w", err)
	}
	err = cmd.Start()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread stays locked, and ends with its goroutine.
		return errors.Join(err, fmt.Errorf("leave a network namespace: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

func (n *namespace) close() error { return n.file.Close() }
