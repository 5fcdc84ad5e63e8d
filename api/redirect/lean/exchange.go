package lean

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"
)

// serve reads one connection until it ends or net/http takes it.
func (s *Server) serve(c *conn) {
	defer func() {
		// A fault here must cost one connection only.
		if cause := recover(); cause != nil {
			s.config.Logger.Error("a connection's reader panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
		if !c.given {
			_ = c.Close()
			s.forget(c)
		}
	}()
	if err := s.converse(c); err != nil {
		// Clients that break off or are too slow are no news for operators.
		s.config.Logger.Debug("a connection ended", "cause", err)
	}
}

// errBroken ends a connection whose client was refused.
var errBroken = errors.New("the request can be read in two ways")

// converse answers plain visits, one after the other, until something else comes, or nothing more.
func (s *Server) converse(c *conn) error {
	if s.config.TLS != nil { // a handshake writes as well
		if err := c.writeBy(c.began.Add(s.config.Rest.WriteTimeout)); err != nil {
			return err
		}
	}
	for {
		r := request{strict: s.config.Strict}
		v, err := s.await(c, &r)
		switch {
		case err != nil:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case v == broken:
			return errors.Join(errBroken, s.refuseBroken(c))
		case v == other, s.config.Others[string(r.code(c.in))]:
			return s.handOver(c)
		}
		if !c.answered {
			c.began = time.Now() // it came in time, and a connection may be made long before it is used
		}
		if goOn, err := s.answer(c, &r); err != nil || !goOn {
			return err
		}
		c.in = c.in[r.seen:]
		c.answered = true
		if len(c.in) > 0 {
			c.began = time.Now()
		}
	}
}

// leastRequest is how many bytes behind an answer begin another request. What is less and stays so, a stray line break most of all,
// net/http takes for a pause, and not for a request to be refused.
const leastRequest = 4

// await reads until it is known what the next request is.
func (s *Server) await(c *conn, r *request) (verdict, error) {
	rest := s.config.Rest
	for {
		// Between two requests a client may take its time.
		idle, by := c.answered && len(c.in) < leastRequest, c.began.Add(rest.ReadHeaderTimeout)
		if idle {
			by = c.began.Add(rest.IdleTimeout)
			c.busy.Store(false)
		} else if v := r.judge(c.in); v != unfinished {
			return v, nil
		} else if len(c.in) >= s.config.Header {
			return other, nil // to be told that it is too long
		}
		if err := c.readBy(by); err != nil {
			return unfinished, err
		}
		err := c.more(s.config.Header)
		switch {
		case idle && err == nil && len(c.in) >= leastRequest:
			c.busy.Store(true)
			c.began = time.Now()
		case !idle && errors.Is(err, io.EOF) && len(c.in) > 0:
			return other, nil // half a request, but maybe of somebody who reads on
		case err != nil:
			return unfinished, err
		}
	}
}
