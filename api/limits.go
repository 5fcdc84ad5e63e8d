package api

import (
	"cmp"
	"time"
)

// Limits bound what requests may cost. Zero fields have the defaults.
type Limits struct {
	// Body and BulkBody are the longest request bodies, in bytes (1 MiB, 16 MiB); BulkRows is the most rows of a bulk (1,000).
	Body, BulkBody int64
	BulkRows       int
	// HeldBodies is how many bytes of memory bodies, and what is made of them until the answer is written, take at once
	// (256 MiB).
	HeldBodies int64
	// Header is the longest request line and header together, in bytes (16 KiB). Beyond it net/http answers 431.
	Header int
	// Calls and Redirects are the most requests in flight (1,024; 16,384). They are apart so that API calls that wait for a
	// leader never keep redirects out. Health and metrics pass always.
	Calls, Redirects int

	// ReadHeader and Read bound the time in which a header, and a whole request, must arrive (5 s, 30 s); Write the time
	// from the header to the end of the answer (90 s); Idle the pause between two requests of a connection (2 min).
	ReadHeader, Read, Write, Idle time.Duration
	// Call, BulkCall, Status and Leave bound the handlers, Leave those of removal and of handing over too (5.5 s, 25 s, 0.9 s, 45 s).
	Call, BulkCall, Status, Leave time.Duration
}

// withDefaults fills in the zero fields.
func (l Limits) withDefaults() Limits {
	return Limits{
		Body:       cmp.Or(l.Body, 1<<20),
		BulkBody:   cmp.Or(l.BulkBody, 16<<20),
		BulkRows:   cmp.Or(l.BulkRows, 1000),
		HeldBodies: cmp.Or(l.HeldBodies, 256<<20),
		Header:     cmp.Or(l.Header, 16<<10),
		Calls:      cmp.Or(l.Calls, 1024),
		Redirects:  cmp.Or(l.Redirects, 16384),
		ReadHeader: cmp.Or(l.ReadHeader, 5*time.Second),
		Read:       cmp.Or(l.Read, 30*time.Second),
		Write:      cmp.Or(l.Write, 90*time.Second),
		Idle:       cmp.Or(l.Idle, 2*time.Minute),
		Call:       cmp.Or(l.Call, 5500*time.Millisecond),
		BulkCall:   cmp.Or(l.BulkCall, 25*time.Second),
		Status:     cmp.Or(l.Status, 900*time.Millisecond),
		Leave:      cmp.Or(l.Leave, 45*time.Second),
	}
}
