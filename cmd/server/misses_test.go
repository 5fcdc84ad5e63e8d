package server

import (
	"net/http"
	"testing"
)

func TestAMissLimitReachesTheVisitors(t *testing.T) {
	n := runNode(t, "--miss-limit=1")
	n.ready(t)
	const many = 50
	for i := range many {
		status, body := get(t, http.DefaultClient, n.HTTPURL()+"/nobody-made-this")
		if status == http.StatusTooManyRequests {
			return
		}
		if status != http.StatusNotFound || i == many-1 {
			t.Fatalf("visit %d: status %d, %s", i, status, body)
		}
	}
}
