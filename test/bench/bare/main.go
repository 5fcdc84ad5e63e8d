// Command bare is the least that redirects: net/http and a map. It is what the product's redirects are held against.
package main

import (
	"bufio"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
)

// main takes an address to listen on and a file of "code url" lines.
func main() {
	file, err := os.Open(os.Args[2])
	if err != nil {
		fail(err)
	}
	links := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		code, target, _ := strings.Cut(lines.Text(), " ")
		links[code] = target
	}
	redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, ok := links[r.URL.Path[1:]]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header()["Location"] = []string{target}
		w.WriteHeader(http.StatusFound)
	})
	fail((&http.Server{Addr: os.Args[1], Handler: redirect, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func fail(err error) {
	slog.New(slog.NewTextHandler(os.Stderr, nil)).Error("bare", "error", err)
	os.Exit(1)
}
