package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the HTTP metrics. Labels hold route patterns, never codes or URLs: their number must not grow with use.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	shed     *prometheus.CounterVec
}

// newMetrics makes the metrics and registers them with r, which may be nil.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tinyurl_http_requests_total",
			Help: "HTTP requests answered, by route, method and class of status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tinyurl_http_request_seconds",
			Help:    "Time from the header of a request to the end of its answer, by route.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		shed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tinyurl_http_shed_total",
			Help: "HTTP requests refused because too many were in flight, by kind.",
		}, []string{"kind"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.shed} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("http metrics: %w", err)
		}
	}
	return m, nil
}

// measure is what one route and method are measured by. Its series are resolved beforehand, so that a request costs no look-up.
type measure struct {
	classes [6]prometheus.Counter // by the first digit of the status
	seconds prometheus.Observer
	now     func() time.Time
}

func (m *metrics) measure(route, method string, now func() time.Time) *measure {
	one := &measure{seconds: m.seconds.WithLabelValues(route), now: now}
	for i := 1; i < len(one.classes); i++ {
		one.classes[i] = m.requests.WithLabelValues(route, method, fmt.Sprintf("%dxx", i))
	}
	return one
}

// done counts a request that began at start and was answered with status.
func (m *measure) done(start time.Time, status int) {
	m.seconds.Observe(m.now().Sub(start).Seconds())
	if class := status / 100; class >= 1 && class < len(m.classes) {
		m.classes[class].Inc()
	}
}

// watch gives a middleware that measures one route.
func (m *metrics) watch(route, method string, now func() time.Time) gin.HandlerFunc {
	one := m.measure(route, method, now)
	return func(g *gin.Context) {
		start := now()
		g.Next()
		// Not deferred: a panic that comes this far is net/http's "break off", which has no status.
		one.done(start, g.Writer.Status())
	}
}

// newMetricsPage serves what g gathers. A collector that fails is logged and left out.
func newMetricsPage(g prometheus.Gatherer, logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
	})
}

const (
	// maxScrapes is how many scrapes are served at once.
	maxScrapes = 4
	// scrapeTimeout bounds one scrape.
	scrapeTimeout = 10 * time.Second
)
