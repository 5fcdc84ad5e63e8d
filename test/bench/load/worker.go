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
	// look is how often a worker looks for the end, and for connections whose time to send has come, in milliseconds.
	look, lookPaced = 20, 1
	maxShown        = 300 // bytes of a wrong answer
)

// worker is one thread with its connections.
type worker struct {
	run   *run
	epoll int
	conns []*conn
	began time.Time
	busy  int // connections with a request in flight

	done, wrong uint64
	firstWrong  string
	longest     time.Duration
	times       histogram
}

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
}

// worker opens the connections number i, i+of, i+2·of and so on.
func (r *run) worker(i, of int) (*worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	w := &worker{run: r, epoll: epoll}
	for number := i; number < r.config.Connections; number += of {
		target := r.config.Targets[number%len(r.config.Targets)]
		fd, err := dial(target)
		if err == nil {
			c := &conn{fd: fd, target: target, source: r.config.Source(number), in: make([]byte, 0, firstBuffer)}
			if r.config.Rate > 0 { // spread over the first interval
				c.waits, c.next = true, time.Duration(float64(number)/r.config.Rate*float64(time.Second))
			}
			w.conns = append(w.conns, c)
			err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, w.event(len(w.conns)-1, unix.EPOLLIN))
		}
		if err != nil {
			w.close()
			return nil, fmt.Errorf("connect to %s: %w", target, err)
		}
	}
	return w, nil
}

func (w *worker) event(index int, events uint32) *unix.EpollEvent {
	return &unix.EpollEvent{Events: events, Fd: int32(index)}
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

func (w *worker) close() {
	for _, c := range w.conns {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(w.epoll)
	w.conns = nil
}

// loop runs until the load ends and every request has its answer.
func (w *worker) loop() error {
	w.began = time.Now()
	pause := look
	if w.run.config.Rate > 0 {
		pause = lookPaced
	}
	for i, c := range w.conns {
		if !c.waits {
			if err := w.send(i, c); err != nil {
				return err
			}
		}
	}
	var deadline time.Duration
	events := make([]unix.EpollEvent, max(len(w.conns), 1))
	for {
		n, err := unix.EpollWait(w.epoll, events, pause)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if err := w.ready(int(e.Fd), e.Events); err != nil {
				return err
			}
		}
		if w.run.phase.Load() == ending {
			now := time.Since(w.began)
			if deadline == 0 {
				deadline = now + w.run.config.Drain
			}
			if w.busy == 0 || w.run.broken() {
				return nil
			}
			if now > deadline {
				return fmt.Errorf("%d requests have no answer after %v", w.busy, w.run.config.Drain)
			}
		} else if w.run.config.Rate > 0 {
			if err := w.wake(); err != nil {
				return err
			}
		}
	}
}

// wake sends from connections whose time has come.
func (w *worker) wake() error {
	now := time.Since(w.began)
	for i, c := range w.conns {
		if c.waits && c.next <= now {
			if err := w.send(i, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// ready goes on with a connection that has something to read or room to write.
func (w *worker) ready(i int, events uint32) error {
	c := w.conns[i]
	if events&unix.EPOLLOUT != 0 {
		if err := w.flush(i, c); err != nil {
			return err
		}
	}
	if events&^unix.EPOLLOUT == 0 {
		return nil
	}
	whole, err := c.receive()
	if err != nil {
		return fmt.Errorf("%s: %w", c.target, err)
	}
	if whole == 0 {
		return nil
	}
	w.judge(c, whole)
	if len(c.in) > whole {
		return fmt.Errorf("%s: %d bytes after the answer", c.target, len(c.in)-whole)
	}
	w.busy--
	c.in, c.head, c.out, c.sent = c.in[:0], answer{}, c.out[:0], 0
	if w.run.phase.Load() == ending {
		return nil
	}
	if rate := w.run.config.Rate; rate > 0 {
		c.next += time.Duration(float64(w.run.config.Connections) / rate * float64(time.Second))
		if now := time.Since(w.began); c.next > now {
			c.waits = true
			return nil
		}
	}
	return w.send(i, c)
}

// judge counts an answer that came while it counts.
func (w *worker) judge(c *conn, whole int) {
	if w.run.phase.Load() != counting {
		return
	}
	config := &w.run.config
	took := time.Since(w.began) - c.sentAt
	w.times.count(took)
	w.longest = max(w.longest, took)
	good := c.head.status == config.Status && (c.head.location || !config.Location)
	if good && config.Good != nil {
		good = config.Good(c.head.body(c.in))
	}
	if good {
		w.done++
		return
	}
	w.wrong++
	if w.firstWrong == "" {
		w.firstWrong = string(c.in[:min(whole, maxShown)])
	}
}

// send begins the next request.
func (w *worker) send(i int, c *conn) error {
	c.out = c.source(c.out[:0])
	c.sent, c.waits = 0, false
	c.sentAt = time.Since(w.began)
	w.busy++
	return w.flush(i, c)
}

// flush writes as much of the request as there is room for, and has epoll watch for more room if need be.
func (w *worker) flush(i int, c *conn) error {
	for c.sent < len(c.out) {
		n, err := call(unix.SYS_WRITE, c.fd, c.out[c.sent:])
		if errors.Is(err, unix.EAGAIN) {
			return w.watch(i, c, true)
		}
		if err != nil {
			return fmt.Errorf("%s: write: %w", c.target, err)
		}
		c.sent += n
	}
	return w.watch(i, c, false)
}

// watch says whether epoll watches for room to write.
func (w *worker) watch(i int, c *conn, writes bool) error {
	if c.writes == writes {
		return nil
	}
	c.writes = writes
	events := uint32(unix.EPOLLIN)
	if writes {
		events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(w.epoll, unix.EPOLL_CTL_MOD, c.fd, w.event(i, events))
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
