//go:build linux

package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// look is how often a worker looks for the end, and for connections whose time to send has come, in milliseconds.
	look, lookPaced = 20, 1
	maxShown        = 300 // bytes of a wrong answer
)

// worker is one thread with its connections.
type worker struct {
	run    *run
	epoll  int
	conns  []*conn
	began  time.Time
	busy   int   // connections with a request in flight
	starts []int // the connections that have the first turn

	done, wrong uint64
	firstWrong  string
	longest     time.Duration
	times       histogram
}

// worker opens the connections of the clients number i, i+of, i+2·of and so on.
func (r *run) worker(i, of int) (*worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	w := &worker{run: r, epoll: epoll}
	for number := i; number < r.config.Connections; number += of {
		targets := []string{r.config.Targets[number%len(r.config.Targets)]}
		if r.config.roams() {
			targets = r.config.Targets
		}
		if err := w.client(number, targets); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

// client opens the connections of one client, one to each of its targets, the first of which has the first turn.
func (w *worker) client(number int, targets []string) error {
	source, first := w.run.config.Source(number), len(w.conns)
	for i, target := range targets {
		fd, err := dial(target)
		if err != nil {
			return fmt.Errorf("connect to %s: %w", target, err)
		}
		c := &conn{fd: fd, target: target, source: source, in: make([]byte, 0, firstBuffer), then: first + (i+1)%len(targets)}
		w.conns = append(w.conns, c)
		if rate := w.run.config.Rate; rate > 0 && i == 0 { // spread over the first interval
			c.waits, c.next = true, time.Duration(float64(number)/rate*float64(time.Second))
		}
		if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, w.event(first+i, unix.EPOLLIN)); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
		if i == 0 {
			w.starts = append(w.starts, first)
		}
	}
	return nil
}

func (w *worker) event(index int, events uint32) *unix.EpollEvent {
	return &unix.EpollEvent{Events: events, Fd: int32(index)}
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
	for _, i := range w.starts {
		if c := w.conns[i]; !c.waits {
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
	last := c.next
	i = c.then
	c = w.conns[i]
	if rate := w.run.config.Rate; rate > 0 {
		c.next = last + time.Duration(float64(w.run.config.Connections)/rate*float64(time.Second))
		if c.next > time.Since(w.began) {
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
