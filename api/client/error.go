package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tinyurl/api/v1"
)

// Error is a refusal by the node. errors.Is(err, v1.SlugTaken) and its like ask for the code.
type Error struct {
	v1.Problem
	// RetryAfter is how long the node asks to wait before another try; 0 when it does not say.
	RetryAfter time.Duration
}

// Error says what was refused and why, for people.
func (e *Error) Error() string {
	text := e.Title
	if e.Detail != "" {
		text = e.Detail
	}
	if len(e.InvalidElements) > 0 {
		text += " (" + strings.Join(e.InvalidElements, ", ") + ")"
	}
	if e.Code == "" {
		return fmt.Sprintf("status %d: %s", e.Status, text)
	}
	return fmt.Sprintf("%s: %s", e.Code, text)
}

// Is reports whether target is the problem's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(v1.Code)
	return ok && code != "" && code == e.Code
}

// refused makes the error of an answer that is not a success: an Error with the problem, or without a Code for the failed
// checks of /readyz. Anything else is an Error that ErrNoAnswer wraps.
func refused(response *http.Response) error {
	e := &Error{RetryAfter: retryAfter(response.Header)}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err == nil && media == v1.ProblemType && json.Unmarshal(body, &e.Problem) == nil && e.Code != "" {
		e.Status = response.StatusCode // what counted on the way is what counts here
		return e
	}
	e.Problem = v1.Problem{Status: response.StatusCode, Title: http.StatusText(response.StatusCode)}
	if media == "text/plain" {
		if e.Detail = failures(string(body)); e.Detail != "" {
			return e
		}
	}
	return fmt.Errorf("%w: %w", ErrNoAnswer, e)
}

// failures are the lines of a list of checks that failed, without their signs.
func failures(text string) string {
	var failed []string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "[-]"); ok {
			failed = append(failed, rest)
		}
	}
	return strings.Join(failed, "; ")
}

// retryAfter reads the header in its form of seconds, the only one the API uses.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
