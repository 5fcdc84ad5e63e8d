package v1

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// Problem says why a request was refused (RFC 9457).
type Problem struct {
	// Type is a URI made of Code.
	Type string `json:"type"`
	// Title is the same for all problems of one code.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is for people and may change; programs read Code.
	Detail string `json:"detail"`
	// Instance is the path that was asked for.
	Instance string `json:"instance"`
	Code     Code   `json:"code"`
	// InvalidElements names the fields, headers or query parameters at fault.
	InvalidElements []string `json:"invalidElements,omitempty"`
}

// Code is the stable word of a refusal. It is an error so that a caller can ask errors.Is(err, v1.SlugTaken).
type Code string

// Error is the word itself.
func (c Code) Error() string { return string(c) }

// The words in use. More may come; a caller treats an unknown one by the status.
const (
	InvalidJSON        Code = "invalid_json"           // 422: not JSON, unknown or repeated fields, wrong types
	InvalidURL         Code = "invalid_url"            // 422: also a missing one
	InvalidSlug        Code = "invalid_slug"           // 422
	SlugReserved       Code = "slug_reserved"          // 422
	InvalidField       Code = "invalid_field"          // 422: tags, times, limits, query parameters, headers
	InvalidCursor      Code = "invalid_cursor"         // 422: of another list, or changed on the way
	TargetDenied       Code = "target_denied"          // 422: the host is on the list of denied ones
	KeyReused          Code = "idempotency_key_reused" // 422
	SlugTaken          Code = "slug_taken"             // 409
	PreconditionFailed Code = "precondition_failed"    // 412: the state of things does not allow it
	NotFound           Code = "not_found"              // 404
	Gone               Code = "gone"                   // 410
	Unauthorized       Code = "unauthorized"           // 401
	Forbidden          Code = "forbidden"              // 403
	MethodNotAllowed   Code = "method_not_allowed"     // 405
	RequestTimeout     Code = "request_timeout"        // 408: the request did not arrive in time
	TooLarge           Code = "too_large"              // 413
	RateLimited        Code = "rate_limited"           // 429 + Retry-After: nothing happened
	NoLeader           Code = "no_leader"              // 503 + Retry-After: whether a write took effect is unknown
	Overloaded         Code = "overloaded"             // 503 + Retry-After: nothing happened
	DiskFull           Code = "disk_full"              // 507
	Internal           Code = "internal"               // 500
)
