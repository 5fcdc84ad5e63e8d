package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"

	"rsc.io/qr"

	"tinyurl/fsm/link"
)

const (
	// Sizes of a picture are the length of its sides in pixels.
	usualSize = 300
	minSize   = 32
	maxSize   = 1024
	// Margins are counted in the modules of the code, which are its smallest squares. Readers want four of them.
	usualMargin = 4
	maxMargin   = 16
)

// picture is how a QR code is to look.
type picture struct {
	png          bool
	size, margin int
	level        qr.Level
}

func qrQuery() []parameter { return single("format", "size", "margin", "level", consistency) }

// getQR serves GET /links/{code}/qr: the short URL of this node for cameras. Like the link itself it is shown whether or not the
// link redirects now.
func (o *linkCalls) getQR(ctx context.Context, c *call) (reply, error) {
	p, err := pictureOf(c)
	if err != nil {
		return reply{}, err
	}
	local, err := localOf(c)
	if err != nil {
		return reply{}, err
	}
	code, err := link.ParseCode(c.code)
	if err != nil {
		return reply{}, err
	}
	if _, err := o.links.Get(ctx, c.by, code, local); err != nil {
		return reply{}, err
	}
	drawn, err := p.draw(o.shortURL(code))
	if err != nil {
		return reply{}, err
	}
	sum := sha256.Sum256(drawn.content)
	return reply{
		status: http.StatusOK,
		header: []headerLine{
			// The same for as long as there is the link. Not for caches that others use: it was shown to the holder of a key.
			{"Cache-Control", "private, max-age=3600"},
			{"ETag", strconv.Quote(hex.EncodeToString(sum[:8]))},
			// A picture that is opened by itself is a document, and this one needs nothing from outside.
			{"Content-Security-Policy", "default-src 'none'"},
		},
		body: drawn,
	}, nil
}

// pictureOf reads the query.
func pictureOf(c *call) (p picture, err error) {
	if p.png, err = either(c, "format", "svg", "png"); err != nil {
		return p, err
	}
	if p.size, err = numberOf(c, "size", usualSize, minSize, maxSize); err != nil {
		return p, err
	}
	if p.margin, err = numberOf(c, "margin", usualMargin, 0, maxMargin); err != nil {
		return p, err
	}
	switch level := c.query.Get("level"); {
	case !c.query.Has("level"), level == "M":
		p.level = qr.M
	case level == "L":
		p.level = qr.L
	case level == "Q":
		p.level = qr.Q
	case level == "H":
		p.level = qr.H
	default:
		return p, invalid(link.ErrInvalidField, "level must be L, M, Q or H", "level")
	}
	return p, nil
}

// numberOf reads a parameter that is a number.
func numberOf(c *call, name string, usual, least, most int) (int, error) {
	if !c.query.Has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(c.query.Get(name))
	if err != nil || n < least || n > most {
		return 0, invalid(link.ErrInvalidField, fmt.Sprintf("%s must be a number from %d to %d", name, least, most), name)
	}
	return n, nil
}

// draw makes the picture of a text.
func (p picture) draw(text string) (document, error) {
	code, err := qr.Encode(text, p.level)
	if err != nil {
		return document{}, fmt.Errorf("QR code of %d bytes: %w", len(text), err)
	}
	if !p.png {
		return document{"image/svg+xml", p.svg(code)}, nil
	}
	if least := code.Size + 2*p.margin; p.size < least {
		return document{}, invalid(link.ErrInvalidField, fmt.Sprintf("size must be %d or more for this code with this margin", least), "size")
	}
	content, err := p.raster(code)
	if err != nil {
		return document{}, fmt.Errorf("QR code as PNG: %w", err)
	}
	return document{"image/png", content}, nil
}
