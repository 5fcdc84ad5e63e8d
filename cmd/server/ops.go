package server

import (
	"net/http"
	"net/http/pprof"
)

// opsHandler serves what only operators may see: health and metrics as the node itself serves them, and the profiles of the
// running process, which are nowhere else. The command line is no profile, and may hold a secret: it is not served.
func opsHandler(node http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, node)
	}
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
