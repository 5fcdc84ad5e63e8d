package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/api/redirect"
	"tinyurl/api/visits"
	"tinyurl/api/visits/country"
	"tinyurl/api/visits/event"
	"tinyurl/api/visits/eventlog"
	"tinyurl/cluster/identity"
	"tinyurl/fsm/visit"
)

// recording is what takes note of visits, with the files it uses.
type recording struct {
	recorder  *visits.Recorder
	countries *country.Finder // nil without a database
	log       *eventlog.Log   // nil without a file
}

// openFiles opens what the settings name: mistakes in them are told before anything else is begun.
func (r *recording) openFiles(s VisitSettings, a *App) (err error) {
	if s.GeoIP != "" {
		if r.countries, err = country.Open(s.GeoIP); err != nil {
			return fmt.Errorf("reading --geoip-db: %w", err)
		}
	}
	if s.Log == "" {
		return nil
	}
	r.log, err = eventlog.Open(eventlog.Options{
		Path: s.Log, MaxBytes: s.LogBytes, MaxFiles: s.LogFiles, Files: eventlog.OS{}, Logger: a.log.With("room", "visit log"),
	})
	if err != nil {
		return fmt.Errorf("opening --visit-log: %w", err)
	}
	return nil
}

// begin begins to take note.
func (r *recording) begin(a *App, node sinkNode, secret identity.Secret, registry prometheus.Registerer) (err error) {
	config := visits.Config{
		Sink: visitSink{node}, Spool: spool{directory(a.settings.Node.DataDir)}, Country: func(from netip.Addr) string { return r.countries.Country(from) },
		Salt:      func(day visit.Day) [16]byte { return secret.VisitorSalt(uint32(day)) },
		Addresses: a.settings.Visits.LogAddresses, Now: a.env.Cluster.Now, Logger: a.log.With("room", "visits"), Registerer: registry,
	}
	if r.log != nil {
		config.Listeners = append(config.Listeners, logged{r.log})
		err = registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "tinyurl_visit_log_dropped_total", Help: "Visits that the visit log had no room for, or could not write.",
		}, func() float64 { return float64(r.log.Dropped()) }))
		if err != nil {
			return err
		}
	}
	r.recorder, err = visits.New(config)
	return err
}

// taker is what the HTTP servers tell of visits; nil for nothing.
func (r *recording) taker() redirect.Recorder {
	if r == nil || r.recorder == nil {
		return nil
	}
	return r.recorder
}

// flush sends what was recorded so far.
func (r *recording) flush(ctx context.Context) error {
	if r == nil || r.recorder == nil {
		return nil
	}
	return r.recorder.Flush(ctx)
}

// reload reads and opens the files again.
func (r *recording) reload() error {
	if r == nil {
		return nil
	}
	if r.log != nil {
		r.log.Reopen()
	}
	if r.countries == nil {
		return nil
	}
	return r.countries.Reload()
}

// close sends what was recorded, and writes what was to be written.
func (r *recording) close(ctx context.Context) (err error) {
	if r == nil {
		return nil
	}
	if r.recorder != nil {
		err = r.recorder.Close(ctx)
	}
	if r.log != nil {
		err = errors.Join(err, r.log.Close(ctx))
	}
	return err
}

// logged is a visits.Listener that writes.
type logged struct{ *eventlog.Log }

// Listened is always true: a log wants to know.
func (logged) Listened() bool { return true }

// Publish writes the visits.
func (l logged) Publish(events []event.Event) { l.Write(events) }
