package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// QROptions says how a QR code looks. The zero value leaves everything to the node: a picture in SVG of usual size.
type QROptions struct {
	// Format is svg or png.
	Format string
	// Size is the length of a side in pixels, 32 to 1,024.
	Size int
	// Margin is the white around the code in modules, its smallest squares, 0 to 16; readers want four. Nil leaves it to the node.
	Margin *int
	// Level is how much damage the code bears: L, M, Q or H.
	Level string
}

func (o QROptions) query() url.Values {
	query := make(url.Values)
	for name, value := range map[string]string{"format": o.Format, "level": o.Level} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if o.Size != 0 {
		query.Set("size", strconv.Itoa(o.Size))
	}
	if o.Margin != nil {
		query.Set("margin", strconv.Itoa(*o.Margin))
	}
	return query
}

// QR gives a picture of a link's short URL for cameras, and its media type.
func (c *Client) QR(ctx context.Context, code string, o QROptions) (picture []byte, mediaType string, err error) {
	path := linkPath(code) + "/qr"
	if query := o.query(); len(query) > 0 {
		path += "?" + query.Encode()
	}
	response, err := c.send(ctx, http.MethodGet, path, header{}, nil)
	if err != nil {
		return nil, "", err
	}
	defer discard(response)
	if response.StatusCode != http.StatusOK {
		return nil, "", refused(response)
	}
	picture, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, "", fmt.Errorf("read a picture: %w", err)
	}
	return picture, response.Header.Get("Content-Type"), nil
}
