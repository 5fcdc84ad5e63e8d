//go:build linux

package load

import (
	"fmt"
	"strconv"
)

// Get gives the bytes before and after the path's last part of a GET on a kept connection: whoever sends it puts a code between.
func Get(host, prefix string) (before, after []byte) {
	return []byte("GET " + prefix), fmt.Appendf(nil, " HTTP/1.1\r\nHost: %s\r\n\r\n", host)
}

// Post is a POST of JSON, apart from its body.
type Post struct{ head []byte }

// NewPost prepares one. The key is sent as a bearer token unless it is empty.
func NewPost(host, path, key string) Post {
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", path, host)
	if key != "" {
		head = fmt.Appendf(head, "Authorization: Bearer %s\r\n", key)
	}
	return Post{append(head, "Content-Length: "...)}
}

// Append appends the request with a body.
func (p Post) Append(dst, body []byte) []byte {
	dst = append(dst, p.head...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
