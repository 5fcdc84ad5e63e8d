// Package api is the HTTP face of a node: redirects, the JSON API, health and metrics. It decides nothing about the
// cluster: it judges requests, asks the narrow interfaces of services.go, and tells their answers. See DESIGN.md.
package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"tinyurl/api/password"
	"tinyurl/api/redirect"
	"tinyurl/fsm/link"
)

// Config is all a Server needs. It must not change once given to New.
type Config struct {
	// Links, Resolver, Cluster and Health are required.
	Links    Links
	Resolver redirect.Resolver
	Cluster  Cluster
	Health   Health
	// Authenticator knows the API keys. Nil means the RootKey alone.
	Authenticator Authenticator
	// Authority keeps keys, users, denied hosts and reports; Admission says who is let in, and how often.
	Authority Authority
	Admission Admission
	// Statistics tells of visits; nil leaves the operations out, and links show what they themselves have counted.
	Statistics Statistics
	// Recorder takes note of visits; nil for nobody.
	Recorder redirect.Recorder
	// Passwords hashes the passwords of links, and checks those that visitors give. Nil means argon2id (package password).
	Passwords Passwords
	// RootKey is the key with every scope. Required, and used, if there is no Authenticator; 32 printable characters or more.
	RootKey string
	// PublicURL is what short URLs begin with, without a slash at its end: "https://sho.rt".
	PublicURL string
	// TargetRules says which long URLs are taken.
	TargetRules link.TargetRules
	// Words gives the reserved words in force; it is called for every slug. Nil means those of the first cluster version.
	Words func() link.Words
	// Limits bound what a request may cost; zero fields have the defaults.
	Limits Limits
	// MissLimit is how many unknown codes a second and address the leader may be asked about; see redirect.Misses. 0 means any
	// number.
	MissLimit int
	// Logger takes what nobody is answered: internal errors and panics. Nil discards.
	Logger *slog.Logger
	// Now is the clock that durations are measured by. Nil means time.Now.
	Now func() time.Time
	// Registerer takes the metrics of this room; it may be nil. Gatherer is shown at /metrics; nil means no such page.
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
}

// minRootKey is the length of the shortest root key, in bytes.
const minRootKey = 32

// validate checks the config and fills in its defaults.
func (c *Config) validate() error {
	if c.Links == nil || c.Resolver == nil || c.Cluster == nil || c.Health == nil {
		return errors.New("api: Links, Resolver, Cluster and Health are required")
	}
	if c.Authenticator == nil {
		if len(c.RootKey) < minRootKey || !printable(c.RootKey) || strings.TrimSpace(c.RootKey) != c.RootKey {
			return fmt.Errorf("api: the root key must have %d printable characters or more, and no space at its ends", minRootKey)
		}
		c.Authenticator = RootKey(c.RootKey)
	}
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Scheme != "http" && public.Scheme != "https" || public.Host == "" ||
		public.RawQuery != "" || public.Fragment != "" || strings.HasSuffix(c.PublicURL, "/") {
		return fmt.Errorf("api: public URL %q must be of the form https://host[:port][/path], without a slash at its end", c.PublicURL)
	}
	if c.Words == nil {
		words := link.WordsFor(1)
		c.Words = func() link.Words { return words }
	}
	if c.Passwords == nil {
		c.Passwords = password.New(rand.Reader)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MissLimit < 0 || c.MissLimit > redirect.MaxMissLimit {
		return fmt.Errorf("api: a MissLimit of %d; it may be 0 to %d", c.MissLimit, redirect.MaxMissLimit)
	}
	if c.Authority.Random == nil {
		c.Authority.Random = rand.Reader
	}
	c.Limits = c.Limits.withDefaults()
	return c.Admission.validate()
}

// misses is the limit that MissLimit asks for; nil for none.
func (c *Config) misses() *redirect.Misses {
	if c.MissLimit == 0 {
		return nil
	}
	return redirect.NewMisses(c.MissLimit, c.Now)
}

// Server is the http.Handler of a node. It is immutable but for its counters, and serves any number of requests at once.
type Server struct {
	config    Config
	engine    *gin.Engine
	problems  *problems
	metrics   *metrics
	redirects *redirect.Handler
	// links are what the old clients' calls end in as well.
	links  *linkCalls
	bodies budget
	door   door
	// calls and visits are the requests in flight, of the API and of redirects.
	calls, visits gate
	// strangers are those of the calls that come without a key.
	strangers gate
	// transfers are the streams under way.
	transfers gate
}

// New makes the Server of a config. Errors are faults of the config, or metrics that are registered already.
func New(c Config) (*Server, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, err
	}
	outcomes, err := redirect.NewOutcomes(c.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, problems: newProblems(c.Logger), metrics: m, door: newDoor(c.Admission, c.Now)}
	s.bodies.limit = c.Limits.HeldBodies
	s.calls.limit, s.calls.shed = int64(c.Limits.Calls), m.shed.WithLabelValues("call")
	s.strangers.limit, s.strangers.shed = max(int64(c.Limits.Calls)/strangersPart, 1), m.shed.WithLabelValues("stranger")
	s.transfers.limit, s.transfers.shed = maxTransfers, m.shed.WithLabelValues("transfer")
	s.visits.limit, s.visits.shed = int64(c.Limits.Redirects), m.shed.WithLabelValues("redirect")
	s.redirects = redirect.New(redirect.Config{
		Resolver: c.Resolver, Passwords: c.Passwords, Refuse: s.problems.writePage, Show: s.showPreview, Outcomes: outcomes,
		Misses: c.misses(), Clients: s.door.clients, Recorder: c.Recorder, Now: c.Now,
	})
	s.links = newLinkCalls(s)
	s.engine = s.routes()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(s.engine, w, r) }

// serve has a request answered by the routes of an engine.
func (s *Server) serve(engine *gin.Engine, w http.ResponseWriter, r *http.Request) {
	// "CONNECT host:port" and "GET *" have no path to route by.
	if !strings.HasPrefix(r.URL.Path, "/") {
		s.problems.write(w, r, errNoRoute)
		return
	}
	engine.ServeHTTP(w, r)
}
