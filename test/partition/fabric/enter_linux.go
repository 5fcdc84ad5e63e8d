package fabric

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Enter tells the process that it runs inside by enteredVariable, and gives it reportFD, a pipe on which it tells why it cannot
// set itself up; nothing on it means that it could.
const (
	enteredVariable = "TINYURL_FABRIC_ENTERED"
	reportFD        = 3
)

// forbidden is why there are no namespaces for this process; nil where there are.
var forbidden error

// Unavailable is why hosts cannot be made in this process; nil where they can. It is set by Enter.
func Unavailable() error {
	if forbidden == nil && os.Getenv(enteredVariable) == "" {
		return errors.New("fabric: TestMain does not call Enter")
	}
	return forbidden
}

// Enter is for TestMain. Outside it runs this binary once more inside new user, network, mount and process namespaces and
// returns that process's exit code. Inside it returns inside = true, and all tests are to be run; the network is empty but for
// the loopback, and the process is number 1, with whose end all others end. It needs no root.
//
// Where the kernel forbids namespaces inside is true as well: New skips its test then, and Unavailable says why.
func Enter() (exit int, inside bool) {
	if os.Getenv(enteredVariable) != "" && os.Getpid() == 1 {
		return enter()
	}
	// The kernel ends the child when the thread ends that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	exit, err := outside(unix.CLONE_NEWUSER)
	if isForbidden(err) && os.Geteuid() == 0 {
		exit, err = outside(0) // root needs no user namespace
	}
	switch {
	case isForbidden(err):
		forbidden = fmt.Errorf("fabric: the kernel forbids namespaces: %w", err)
		fmt.Fprintln(os.Stderr, forbidden)
		return 0, true
	case err != nil:
		fmt.Fprintf(os.Stderr, "fabric: enter namespaces: %v\n", err)
		return 1, false
	}
	return exit, false
}

// errForbidden is what a child tells that may have namespaces but no power in them.
var errForbidden = errors.New("no power inside the namespaces")

// isForbidden tells what a kernel answers that has no namespaces, or none for us, from faults.
func isForbidden(err error) bool {
	for _, known := range []error{errForbidden, fs.ErrPermission, unix.ENOSPC, unix.EUSERS, unix.ENOSYS, unix.EINVAL} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// outside runs this binary inside and gives its exit code.
func outside(userNamespace uintptr) (exit int, err error) {
	child := exec.Command("/proc/self/exe", os.Args[1:]...)
	child.Args[0] = os.Args[0]
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = append(os.Environ(), enteredVariable+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: userNamespace | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if userNamespace != 0 {
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	report, childs, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer report.Close()
	child.ExtraFiles = []*os.File{childs}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	err = child.Start()
	childs.Close()
	if err != nil {
		signal.Stop(signals)
		return 0, err
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for s := range signals {
			_ = child.Process.Signal(s)
		}
	}()
	why, err := io.ReadAll(report)
	waited := child.Wait()
	signal.Stop(signals)
	close(signals)
	<-over
	if err == nil && len(why) > 0 {
		err = fmt.Errorf("%s: %w", why, errForbidden)
	}
	return exitCode(child.ProcessState), errors.Join(err, unexpected(waited))
}

// unexpected drops what only says that the child's exit code is not 0.
func unexpected(err error) error {
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		return nil
	}
	return err
}

// exitCode is that of a shell: 128 and the number of the signal that ended the process.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// enter sets this process up, as the first of its namespaces.
func enter() (exit int, inside bool) {
	// The main goroutine keeps the first thread, so that nobody takes it into a host: /proc/self is that thread.
	runtime.LockOSThread()
	report := os.NewFile(reportFD, "report")
	defer report.Close()
	if err := setUp(); err != nil {
		fmt.Fprint(report, err)
		return 1, false
	}
	return 0, true
}

// setUp gives this process a /proc of its own and a loopback.
func setUp() error {
	// Nothing that is mounted here may show outside; it would, as root without a user namespace.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return setLinkUp("lo")
}
