package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/cluster/identity"
	"tinyurl/cluster/member"
)

// The wire: POST path+name; the headers below; a body of the call's codec. An answer is 200 with a body, or another status
// with codes in headerError and words in the body.
const (
	path          = "/rpc/v1/"
	headerCluster = "Tinyurl-Cluster" // member.ClusterID, absent when the caller has none
	headerTimeout = "Tinyurl-Timeout" // milliseconds the caller will still wait: a span, since clocks differ
	headerError   = "Tinyurl-Error"   // codes, comma-separated
	maxErrorText  = 4 << 10
)

// Defaults of MuxConfig.
const (
	MaxInFlight = 512
	MaxDuration = 30 * time.Second
)

// answerGrace is the time to tell the caller that the deadline has passed.
const answerGrace = time.Second

// MuxConfig is what a Mux needs.
type MuxConfig struct {
	// ClusterID is the cluster this node is in now, zero for none; it may change once, when the node forms or joins.
	ClusterID func() member.ClusterID
	// Codes are the errors handlers return that callers must be able to tell apart.
	Codes Codes
	// MaxInFlight calls are handled at once; more are answered ErrOverloaded. 0 is the default.
	MaxInFlight int
	// MaxDuration bounds a call whatever the caller asks; 0 is the default.
	MaxDuration time.Duration
	// Logger hears of panics and of errors without a code; nil is silence.
	Logger *slog.Logger
	// Registerer takes the metrics; nil is none.
	Registerer prometheus.Registerer
}

// Mux answers calls by name. It is the http.Handler of the cluster listener, and safe for concurrent use.
type Mux struct {
	cluster  func() member.ClusterID
	codes    Codes
	slots    chan struct{}
	duration time.Duration
	log      *slog.Logger
	metrics  metrics

	mu    sync.RWMutex // guards calls
	calls map[string]call
}

// call is one registered name, its types forgotten.
type call struct {
	name string
	options
	do func(ctx context.Context, from member.ID, body []byte) ([]byte, error)
}

// NewMux is a Mux without calls. It fails with ErrInvalidCode, or when metrics cannot be registered.
func NewMux(c MuxConfig) (*Mux, error) {
	codes, err := c.Codes.with()
	if err != nil {
		return nil, err
	}
	m := &Mux{cluster: c.ClusterID, codes: codes, duration: c.MaxDuration, log: c.Logger, calls: map[string]call{}}
	if m.cluster == nil {
		m.cluster = func() member.ClusterID { return member.ClusterID{} }
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = MaxInFlight
	}
	m.slots = make(chan struct{}, c.MaxInFlight)
	if m.duration <= 0 {
		m.duration = MaxDuration
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.metrics, err = newMetrics(c.Registerer); err != nil {
		return nil, fmt.Errorf("registering the metrics of peer calls: %w", err)
	}
	return m, nil
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// Handle answers the calls of a name with fn, from now on. From is the caller, as its certificate names it; ctx ends with
// the caller's deadline, its patience, or the listener. Like http.ServeMux it panics when the name is taken or not of a-z,
// 0-9 and '-': that is a mistake in the program.
func Handle[Req, Resp any](m *Mux, name string, codec Codec[Req, Resp], fn func(ctx context.Context, from member.ID, req Req) (Resp, error), opts ...Option) {
	m.register(call{name, apply(opts), func(ctx context.Context, from member.ID, body []byte) ([]byte, error) {
		req, err := codec.DecodeRequest(body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		resp, err := fn(ctx, from, req)
		if err != nil {
			return nil, err
		}
		out, err := codec.EncodeResponse(resp)
		if err != nil {
			// Not ErrMalformed: the request was processed.
			return nil, fmt.Errorf("%w: encoding the response: %w", ErrInternal, err)
		}
		return out, nil
	}})
}

// register adds a call, or panics.
func (m *Mux) register(c call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.calls[c.name]; taken || !namePattern.MatchString(c.name) {
		panic(fmt.Sprintf("peer: the call %q is taken or misnamed", c.name))
	}
	m.calls[c.name] = c
}

// ServeHTTP answers one call.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	m.mu.RLock()
	c, known := m.calls[strings.TrimPrefix(r.URL.Path, path)]
	m.mu.RUnlock()
	body, err := []byte(nil), fmt.Errorf("%w: %.80q", ErrNoSuchCall, r.URL.Path)
	if known && r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, path) {
		body, err = m.answer(w, r, c)
	}
	result := "ok"
	if err == nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a caller that is gone is told nothing
	} else {
		codes := m.codes.of(err)
		result = codes[0]
		m.refuse(w, c.name, codes, err)
	}
	m.metrics.observe(c.name, result, time.Since(start))
}

// answer runs a call within all its limits.
func (m *Mux) answer(w http.ResponseWriter, r *http.Request, c call) ([]byte, error) {
	if r.TLS == nil {
		return nil, identity.ErrNotVerified
	}
	from, err := identity.PeerID(*r.TLS)
	if err != nil {
		return nil, err
	}
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	default:
		return nil, ErrOverloaded
	}
	if err := m.sameCluster(r, c); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), m.patience(r))
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		// A context does not end a read or a write that waits for the caller.
		control := http.NewResponseController(w)
		if err := errors.Join(control.SetReadDeadline(deadline), control.SetWriteDeadline(deadline.Add(answerGrace))); err != nil {
			return nil, err
		}
	}
	body, err := readBody(r, c.maxBytes)
	if err != nil {
		return nil, err
	}
	return m.run(ctx, c, from, body)
}

// sameCluster refuses callers of other clusters: one secret may serve several, and a recovered cluster keeps the secret of
// the one it was recovered from.
func (m *Mux) sameCluster(r *http.Request, c call) error {
	if c.anywhere {
		return nil
	}
	ours, theirs := m.cluster(), r.Header.Get(headerCluster)
	if ours.IsZero() {
		return fmt.Errorf("%w: this node is in none", ErrOtherCluster)
	}
	if theirs != ours.String() {
		return fmt.Errorf("%w: this node is in %s, the caller in %.40q", ErrOtherCluster, ours, theirs)
	}
	return nil
}

// patience is how long the caller waits, within MaxDuration.
func (m *Mux) patience(r *http.Request) time.Duration {
	ms, err := strconv.ParseInt(r.Header.Get(headerTimeout), 10, 64)
	if err != nil || ms <= 0 || ms > m.duration.Milliseconds() {
		return m.duration
	}
	return time.Duration(ms) * time.Millisecond
}

// readBody trusts the announced length for no more than a quick refusal.
func readBody(r *http.Request, limit int) ([]byte, error) {
	if r.ContentLength > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, r.ContentLength, limit)
	}
	body, err := readAll(r.Body, r.ContentLength, limit)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return body, err
}

// readAll reads up to limit bytes, expecting size of them (-1 when that is not known).
func readAll(r io.Reader, size int64, limit int) ([]byte, error) {
	if size >= 0 && size <= int64(limit) {
		body := make([]byte, size)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(body) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return body, err
}

// run keeps a handler's panic from taking the node down with it, and from passing unseen.
func (m *Mux) run(ctx context.Context, c call, from member.ID, body []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			m.log.Error("a peer call panicked", "call", c.name, "from", from, "panic", p, "stack", string(debug.Stack()))
			out, err = nil, fmt.Errorf("%w: panic in %s: %v", ErrInternal, c.name, p)
		}
	}()
	return c.do(ctx, from, body)
}

// refuse answers with an error. The status is for people with a debugger; the codes are what counts.
func (m *Mux) refuse(w http.ResponseWriter, name string, codes []string, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, ErrNoSuchCall):
		status = http.StatusNotFound
	case errors.Is(err, ErrOverloaded):
		status = http.StatusServiceUnavailable
	case errors.Is(err, ErrOtherCluster):
		status = http.StatusForbidden
	case errors.Is(err, ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrMalformed):
		status = http.StatusBadRequest
	case errors.Is(err, ErrInternal) || codes[0] == "peer_internal":
		m.log.Warn("a peer call failed with an error that has no code", "call", name, "error", err)
	}
	w.Header().Set(headerError, strings.Join(codes, ","))
	w.WriteHeader(status)
	text := err.Error()
	_, _ = io.WriteString(w, text[:min(len(text), maxErrorText)])
}
