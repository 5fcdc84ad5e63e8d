package visits

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/api/redirect"
	"tinyurl/api/visits/event"
	"tinyurl/fsm/visit"
)

const (
	// takeEvery is the time between two looks into the buffers.
	takeEvery = 100 * time.Millisecond
	// sendEvery is the time between two commands.
	sendEvery = time.Second
)

// Listener is told of every visit.
type Listener interface {
	// Listened says whether somebody wants to know.
	Listened() bool
	// Publish takes visits. It must not wait, and keeps nothing of the slice.
	Publish(visits []event.Event)
}

// Config is all a Recorder needs.
type Config struct {
	// Sink and Salt are required. Salt gives the key by which visitors of a day are told apart, the same on all nodes.
	Sink Sink
	Salt func(visit.Day) [16]byte
	// Spool keeps what a stop could not send. Required.
	Spool Spool
	// Country knows the country of an address, "" if it does not. Nil knows none.
	Country func(netip.Addr) string
	// Listeners are told of every visit; with its address if Addresses is set.
	Listeners []Listener
	Addresses bool
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger takes what could not be sent. Nil discards.
	Logger *slog.Logger
	// Registerer takes the metrics; it may be nil.
	Registerer prometheus.Registerer
}

// Recorder counts visits; see the package. Record may be called from any number of goroutines, until Close is.
type Recorder struct {
	config                       Config
	buffers                      *buffers
	agents, referrers, languages *texts
	metrics                      *metrics

	// These belong to run, until it has ended.
	counter *counter
	outbox  *outbox
	events  []event.Event

	flushes chan chan error
	stop    chan struct{}
	stopped chan struct{}
}

// New makes a Recorder that begins at once. What an earlier run could not send is sent first; if it cannot be read, that is logged, and
// it is lost. Close ends it.
func New(c Config) (*Recorder, error) {
	if c.Sink == nil || c.Salt == nil || c.Spool == nil {
		return nil, errors.New("visits: Sink, Salt and Spool are required")
	}
	if c.Country == nil {
		c.Country = func(netip.Addr) string { return "" }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{
		config: c, buffers: newBuffers(), agents: newTexts(), referrers: newTexts(), languages: newTexts(),
		counter: newCounter(c.Country, c.Salt), outbox: &outbox{sink: c.Sink, spool: c.Spool},
		flushes: make(chan chan error), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	var err error
	if r.metrics, err = newMetrics(c.Registerer, r.buffers); err != nil {
		return nil, err
	}
	kept, err := c.Spool.Load()
	if err == nil {
		r.outbox.parcels, err = decodeSpool(kept)
		r.outbox.kept = len(r.outbox.parcels)
	}
	if err != nil {
		c.Logger.Error("visits of an earlier run are lost", "error", err)
	}
	go r.run()
	return r, nil
}

// Record takes note of a visit, if there is room; see redirect.Recorder. It does not wait.
func (r *Recorder) Record(v redirect.Visited) {
	r.buffers.put(&seen{
		code: string(v.Code), target: string(v.Target), agent: r.agents.of(v.Agent), referrer: r.referrers.of(v.Referrer),
		language: r.languages.of(v.Language), address: v.Address, status: int16(v.Status), automatic: v.Automatic,
	})
}

// Flush sends what was recorded before it was called, within ctx. What it cannot send is sent later.
func (r *Recorder) Flush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case r.flushes <- done:
	case <-r.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close sends what was recorded, and keeps for the next start what it could not send before ctx ended. It is called once.
func (r *Recorder) Close(ctx context.Context) error {
	close(r.stop)
	<-r.stopped // a command under way bounds itself
	r.take()
	err := r.sendAll(ctx)
	if err == nil {
		return nil
	}
	kept, lost, keepErr := r.outbox.keep()
	if tallies := r.counter.take(); keepErr == nil && len(tallies) > 0 {
		r.outbox.fill(tallies)
		kept, lost, keepErr = r.outbox.keep()
	}
	if keepErr != nil {
		return fmt.Errorf("visits are lost: %w", errors.Join(err, keepErr))
	}
	r.config.Logger.Info("visits that nobody took are kept for the next start", "parcels", kept-lost, "lost", lost, "cause", err)
	return nil
}

// sendAll sends all there is, until ctx ends.
func (r *Recorder) sendAll(ctx context.Context) error {
	for {
		if r.outbox.empty() {
			if r.outbox.fill(r.counter.take()); r.outbox.empty() {
				return nil
			}
		}
		if err := errors.Join(ctx.Err(), r.outbox.send(ctx)); err != nil {
			return err
		}
	}
}

// run takes and sends until Close is called.
func (r *Recorder) run() {
	defer close(r.stopped)
	take, send := time.NewTicker(takeEvery), time.NewTicker(sendEvery)
	defer take.Stop()
	defer send.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var sent chan error // nil while nothing is under way
	for {
		select {
		case <-take.C:
			r.take()
		case <-r.buffers.call:
			r.take()
		case <-send.C:
			if sent == nil {
				r.take()
				sent = r.send(ctx)
			}
		case err := <-sent:
			sent = nil
			r.tell(err)
		case done := <-r.flushes:
			if sent != nil {
				r.tell(<-sent)
				sent = nil
			}
			r.take()
			err := r.sendAll(ctx)
			r.tell(err)
			done <- err
		case <-r.stop:
			if sent != nil {
				r.tell(<-sent)
			}
			return
		}
	}
}

// send has one parcel sent by a goroutine of its own, to which the outbox belongs meanwhile; nil if there is nothing to send.
func (r *Recorder) send(ctx context.Context) chan error {
	if r.outbox.empty() {
		r.outbox.fill(r.counter.take())
	}
	if r.outbox.empty() {
		return nil
	}
	sent := make(chan error, 1)
	go func() { sent <- r.outbox.send(ctx) }()
	return sent
}

// tell says that visits wait, at the first failure and not at every one.
func (r *Recorder) tell(err error) {
	if waits := err != nil; r.metrics.waits(waits) {
		if waits {
			r.config.Logger.Warn("visits cannot be counted for now; they wait", "error", err)
		} else {
			r.config.Logger.Info("visits are counted again")
		}
	}
}

// take counts what is in the buffers.
func (r *Recorder) take() {
	now := r.config.Now()
	hour := visit.HourOf(now)
	r.buffers.take(func(visits []seen) {
		listened := r.listened()
		for i := range visits {
			one := r.counter.add(hour, &visits[i])
			if listened {
				r.events = append(r.events, r.eventOf(now, &visits[i], one))
			}
		}
		r.metrics.recorded.Add(float64(len(visits)))
		r.publish()
	})
}

func (r *Recorder) listened() bool {
	for _, l := range r.config.Listeners {
		if l.Listened() {
			return true
		}
	}
	return false
}

// publish tells the listeners.
func (r *Recorder) publish() {
	if len(r.events) == 0 {
		return
	}
	for _, l := range r.config.Listeners {
		l.Publish(r.events)
	}
	clear(r.events)
	r.events = r.events[:0]
}

// eventOf is what listeners are told of a visit.
func (r *Recorder) eventOf(now time.Time, s *seen, one sort) event.Event {
	values := one.values()
	e := event.Event{
		Time: now, Code: s.code, Target: s.target, Status: int(s.status), Referrer: values[visit.Referrer], Browser: values[visit.Browser],
		System: values[visit.System], Device: values[visit.Device], Language: values[visit.Language], Country: values[visit.Country], Bot: s.bot(),
	}
	if r.config.Addresses && s.address.IsValid() {
		e.Address = s.address.String()
	}
	return e
}
