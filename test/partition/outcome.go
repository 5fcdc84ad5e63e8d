package partition

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"tinyurl/api/client"
	"tinyurl/api/v1"
	"tinyurl/test/harness"
	"tinyurl/test/history"
)

// outcomeOf says what an answer of the API means, as the public contract has it, and what is wrong with it: an answer that the
// clients of this package must never get.
func outcomeOf(err error, diskMayFill bool) (outcome history.Outcome, wrong error) {
	if err == nil {
		return history.OK, nil
	}
	var refusal *client.Error
	if !errors.As(err, &refusal) {
		return history.Unknown, nil //nolint:nilerr // no answer, or half of one, is an outcome
	}
	if errors.Is(err, client.ErrNoAnswer) {
		return history.Unknown, fmt.Errorf("an answer that is not the API's: %w", err)
	}
	if refusal.Status == http.StatusServiceUnavailable && refusal.RetryAfter == 0 {
		wrong = fmt.Errorf("503 without Retry-After: %w", err)
	}
	switch refusal.Code {
	case v1.NoLeader:
		return history.Unknown, wrong
	case v1.Overloaded:
		return history.Refused, wrong
	case v1.DiskFull:
		if !diskMayFill {
			wrong = fmt.Errorf("no disk is full: %w", err)
		}
		return history.Refused, wrong
	case v1.RequestTimeout: // the request had not arrived
		return history.Refused, nil
	case v1.NotFound:
		return history.NotFound, nil
	case v1.Gone:
		return history.Gone, nil
	case v1.SlugTaken:
		return history.Taken, nil
	case v1.PreconditionFailed:
		return history.Conflict, nil
	case v1.Unauthorized:
		return history.Unauthorized, nil
	case v1.KeyReused:
		return history.Conflict, fmt.Errorf("no key was used twice: %w", err)
	case v1.Internal:
		return history.Unknown, fmt.Errorf("%d: %w", refusal.Status, err)
	}
	return history.Refused, fmt.Errorf("%d: %w", refusal.Status, err)
}

// visitOf says what an answer to a visitor means. What came instead of a redirect, a 404, a 410 or a 503 is wrong.
func visitOf(got harness.Answer) (outcome history.Outcome, wrong error) {
	switch {
	case got.Err != nil:
		return history.Unknown, nil //nolint:nilerr // no answer is an outcome
	case got.Status == http.StatusFound && got.Location != "":
		return history.OK, nil
	case got.Status == http.StatusNotFound:
		return history.NotFound, nil
	case got.Status == http.StatusGone:
		return history.Gone, nil
	case got.Status == http.StatusServiceUnavailable && got.RetryAfter != "":
		return history.Unknown, nil
	}
	return history.Unknown, errors.New(got.String())
}

// unsent reports whether a request without an idempotency key certainly never left. (One with a key may: the HTTP client sends it
// again by itself when its connection breaks, and what is told is how the last try went.)
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
