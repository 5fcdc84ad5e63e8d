package client

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"tinyurl/api/v1"
)

// Export writes all links to w, the oldest first, as ndjson, which loses nothing and holds the hashes of passwords, or as csv. On an
// error what was written is not the whole; nothing was if it is ErrNoAnswer. There is no bound but two minutes without any movement.
func (c *Client) Export(ctx context.Context, w io.Writer, format string) error {
	watch := watch(ctx)
	defer watch.stop()
	response, err := c.stream(watch, http.MethodGet, "/api/v1/export?format="+url.QueryEscape(format), nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// A proxy's page must not become the file.
	want := v1.StreamType
	if format == "csv" {
		want = "text/csv"
	}
	if got, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); got != want {
		return fmt.Errorf("export: %w: it is of the type %q, not %s", ErrNoAnswer, got, want)
	}
	if _, err := io.Copy(w, watchedReader{response.Body, watch}); err != nil {
		return fmt.Errorf("export: %w", watch.why(err))
	}
	return nil
}
