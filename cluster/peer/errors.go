package peer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What may become of a call besides what its handler says. Codes carry handlers' own errors.
var (
	// ErrUnreachable: the request was surely not processed; no connection to the node could be had. Retry freely.
	ErrUnreachable = errors.New("the node cannot be reached")
	// ErrUnknown: the request was sent and no answer came; it may have been processed. Retry only what may happen twice.
	ErrUnknown = errors.New("the node did not answer: what became of the request is unknown")
	// ErrOverloaded: the node, or this client, has too much in flight already; the request was not processed.
	ErrOverloaded = errors.New("too many requests in flight between the nodes")
	// ErrOtherCluster: the nodes are not in one cluster (yet); the request was not processed.
	ErrOtherCluster = errors.New("the node is not in the same cluster")
	// ErrNoSuchCall: the node knows no call of this name, being older or newer; the request was not processed.
	ErrNoSuchCall = errors.New("the node does not know this call")
	// ErrTooLarge: the request, or the response, is above the call's limit. With ErrUnknown it was the response.
	ErrTooLarge = errors.New("the message is too large")
	// ErrMalformed: the request could not be decoded, and was not processed, or (with ErrUnknown) the response could not.
	ErrMalformed = errors.New("the message cannot be read")
	// ErrInternal: the handler failed with an error that has no code, or panicked.
	ErrInternal = errors.New("the node failed")
	// ErrClosed: this client is closed.
	ErrClosed = errors.New("the peer client is closed")
	// ErrInvalidCode: a table of codes that cannot be used.
	ErrInvalidCode = errors.New("invalid error code")
)

// Codes name errors on the wire, so that errors.Is sees the same sentinel on both nodes. A code, once given out, keeps its
// meaning for ever; nodes that do not know it take the error for ErrInternal, with its text.
type Codes map[string]error

// ownCodes are the codes of this package's errors and of contexts'. Their prefix keeps them apart from users' codes.
func ownCodes() Codes {
	return Codes{
		"peer_overloaded":    ErrOverloaded,
		"peer_other_cluster": ErrOtherCluster,
		"peer_no_such_call":  ErrNoSuchCall,
		"peer_too_large":     ErrTooLarge,
		"peer_malformed":     ErrMalformed,
		"peer_internal":      ErrInternal,
		// A handler that made a call of its own: what it does not know, its caller does not know either. ErrUnreachable has
		// no code, because the handler itself was reached.
		"peer_unknown": ErrUnknown,
		// A deadline that the handler met says nothing of what it had done by then.
		"peer_deadline": context.DeadlineExceeded,
		"peer_canceled": context.Canceled,
	}
}

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// with is the package's codes and the user's; it fails with ErrInvalidCode.
func (c Codes) with() (Codes, error) {
	all := ownCodes()
	for code, sentinel := range c {
		if !codePattern.MatchString(code) || strings.HasPrefix(code, "peer_") || sentinel == nil {
			return nil, fmt.Errorf("%w: %q", ErrInvalidCode, code)
		}
		all[code] = sentinel
	}
	return all, nil
}

// of lists the codes of everything err is, sorted.
func (c Codes) of(err error) []string {
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(c)) {
		if errors.Is(err, c[code]) {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 { // the words travel, the identity is lost
		return []string{"peer_internal"}
	}
	return codes
}

// remoteError is an error another node answered with: its words, and the sentinels its codes name.
type remoteError struct {
	text      string
	sentinels []error
}

// Error is the other node's words; Unwrap gives errors.Is the sentinels.
func (e *remoteError) Error() string   { return e.text }
func (e *remoteError) Unwrap() []error { return e.sentinels }

// read rebuilds what of took apart.
func (c Codes) read(codes, text string) error {
	e := &remoteError{text: text}
	for code := range strings.SplitSeq(codes, ",") {
		if sentinel, known := c[code]; known {
			e.sentinels = append(e.sentinels, sentinel)
		}
	}
	if len(e.sentinels) == 0 {
		e.sentinels = []error{ErrInternal}
	}
	if text == "" {
		e.text = e.sentinels[0].Error()
	}
	return e
}
