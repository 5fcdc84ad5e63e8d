// Package openapi holds the description of the HTTP API, written by hand, and a page for people that shows it. It knows no
// handler: tests hold the two together. See DESIGN.md.
package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the document and the page are files
	"encoding/base64"
	"fmt"
)

//go:embed openapi.json
var document []byte

//go:embed docs.html
var page []byte

// Document gives the OpenAPI 3.1 document, as JSON. It is not to be written to.
func Document() []byte { return document }

// Page gives the page that shows the document, as HTML, and the Content-Security-Policy that it needs: no more than its own style and
// script, and the document from the same origin. Neither is to be written to.
func Page() (html []byte, policy string) {
	return page, fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		hashOf(page, "style"), hashOf(page, "script"))
}

// hashOf gives the hash by which a policy names the one element of that tag.
func hashOf(html []byte, tag string) string {
	_, rest, _ := bytes.Cut(html, []byte("<"+tag+">"))
	inside, _, _ := bytes.Cut(rest, []byte("</"+tag+">"))
	sum := sha256.Sum256(inside)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
