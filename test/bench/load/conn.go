//go:build linux

package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// connectWithin bounds one connect.
	connectWithin = 5 * time.Second
	// firstBuffer is what a connection has for answers at first, in bytes; it grows as needed.
	firstBuffer = 4 << 10
	// maxAnswer is the longest answer, in bytes.
	maxAnswer = 64 << 20
)

// conn is one connection. Between two requests of a paced load it waits for its time.
type conn struct {
	fd     int
	target string
	source Source
	in     []byte // the answer so far
	out    []byte // the request; sent is how much of it is on its way
	sent   int
	head   answer
	sentAt time.Duration // since the worker began
	waits  bool          // for next
	next   time.Duration // when the next request may be sent, since the worker began
	writes bool          // epoll watches for room to write
	then   int           // the connection that has the client's next turn: another one where a client goes round
}

// dial opens a connection and takes it out of the hands of Go's own poller.
func dial(target string) (int, error) {
	connection, err := net.DialTimeout("tcp", target, connectWithin)
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	tcp, ok := connection.(*net.TCPConn)
	if !ok {
		return 0, fmt.Errorf("%s is no TCP address", target)
	}
	file, err := tcp.File()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	return fd, unix.SetNonblock(fd, true)
}

// receive reads what is there and gives the length of the answer once it is whole, else 0.
func (c *conn) receive() (int, error) {
	if len(c.in) == cap(c.in) {
		if len(c.in) >= maxAnswer {
			return 0, errBody
		}
		c.in = append(make([]byte, 0, 2*cap(c.in)), c.in...)
	}
	n, err := call(unix.SYS_READ, c.fd, c.in[len(c.in):cap(c.in)])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read: %w", err)
	case n == 0:
		return 0, fmt.Errorf("the server closed the connection: %w", io.ErrUnexpectedEOF)
	}
	c.in = c.in[:len(c.in)+n]
	if c.head.head == 0 {
		if c.head, err = readHead(c.in); err != nil || c.head.head == 0 {
			return 0, err
		}
	}
	return c.head.end(c.in)
}

// call reads or writes without a word to Go's scheduler: the descriptors do not block, and the scheduler's care for calls
// that do costs a good part of what such a call takes.
func call(number uintptr, fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
