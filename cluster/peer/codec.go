package peer

import (
	"encoding/json"
	"fmt"
)

// Codec turns the messages of one call into bytes and back. Decoders own the bytes they get; their errors, and encoders',
// reach the caller as ErrMalformed.
type Codec[Req, Resp any] struct {
	EncodeRequest  func(Req) ([]byte, error)
	DecodeRequest  func([]byte) (Req, error)
	EncodeResponse func(Resp) ([]byte, error)
	DecodeResponse func([]byte) (Resp, error)
}

// JSON is the codec for small control messages. Unknown fields are skipped, so that a newer node may say more.
func JSON[Req, Resp any]() Codec[Req, Resp] {
	return Codec[Req, Resp]{
		EncodeRequest: marshal[Req], DecodeRequest: unmarshal[Req],
		EncodeResponse: marshal[Resp], DecodeResponse: unmarshal[Resp],
	}
}

// Bytes passes bodies as they are.
func Bytes() Codec[[]byte, []byte] {
	same := func(b []byte) ([]byte, error) { return b, nil }
	return Codec[[]byte, []byte]{same, same, same, same}
}

// marshal and unmarshal are encoding/json with one type.
func marshal[T any](v T) ([]byte, error) { return json.Marshal(v) }

func unmarshal[T any](b []byte) (T, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		var zero T
		return zero, fmt.Errorf("reading JSON: %w", err)
	}
	return v, nil
}

// MaxBytes is the default limit of a body, request or response.
const MaxBytes = 1 << 20

// options of a call; both sides give the same.
type options struct {
	maxBytes int
	anywhere bool
}

// Option changes a call from its defaults. Give the same options to Handle and to Call.
type Option func(*options)

// WithMaxBytes sets the limit of either body, in bytes, in place of MaxBytes.
func WithMaxBytes(n int) Option { return func(o *options) { o.maxBytes = n } }

// AcrossClusters lets a call through whichever clusters the two nodes are in, or in none: for what is asked before a cluster
// is formed or joined.
func AcrossClusters() Option { return func(o *options) { o.anywhere = true } }

// apply is the defaults with the options on top.
func apply(opts []Option) options {
	o := options{maxBytes: MaxBytes}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}
