package transport

import (
	"context"
	"errors"
	"sync"

	"tinyurl/cluster/member"
)

// A node that moves leaves nobody behind to say so: what is sent to its old address is not refused, it is lost. Without what is here
// the leader would wait for a dial to run into its timeout, or for one answer after the other on connections it has, while gossip
// knows better; so long the node could not be written through.

// errMoved ends a dial to where a node no longer is.
var errMoved = errors.New("the node is at another address by now")

// changed is closed at the next change of the resolver's answers.
func (d *Dialer) changed() <-chan struct{} {
	if d.Changed == nil {
		return nil
	}
	return d.Changed()
}

// elsewhere says whether a node is known to be at another address. Where nothing is known of it, it may be at this one.
func (d *Dialer) elsewhere(id member.ID, addr string) bool {
	now, err := d.Resolver.Resolve(id)
	return err == nil && now != addr
}

// moved says whether the node that a connection was dialled to is elsewhere by now.
func (d *Dialer) moved(c *Conn) bool { return c.to != "" && d.elsewhere(c.to, c.place) }

// whileAt is ctx until a node is known to be at another address than addr: then it ends with errMoved. Call end when done.
func (d *Dialer) whileAt(ctx context.Context, id member.ID, addr string) (there context.Context, end func()) {
	there, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			changed := d.changed() // before the look, so that no change is missed
			if d.elsewhere(id, addr) {
				cancel(errMoved)
				return
			}
			select {
			case <-changed:
			case <-there.Done():
				return
			}
		}
	})
	return there, func() {
		cancel(nil)
		watching.Wait()
	}
}

// follow closes connections to where nodes no longer are, those that raft keeps for later among them, until the stream ends.
func (s *Stream) follow() {
	for {
		changed := s.dialer.changed()
		for _, c := range s.misled() {
			_ = c.Close()
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return
		}
	}
}

// misled are the open connections to nodes that have moved.
func (s *Stream) misled() []*streamConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*streamConn
	for c := range s.conns {
		if s.dialer.moved(c.Conn) {
			found = append(found, c)
		}
	}
	return found
}
