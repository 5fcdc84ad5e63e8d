package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"tinyurl/api/v1"
)

// parameters are those of a query and a form. PHP lets the last of several values count; here two that differ are refused, since
// nobody can say which of them was meant.
type parameters struct {
	values map[string]string
	// err is what is wrong with them.
	err error
}

// readParameters takes those of the query and of the form together.
func readParameters(r Request) parameters {
	p := parameters{values: make(map[string]string)}
	query, err := url.ParseQuery(r.Query)
	p.take(query, err)
	form, err := readForm(r.Form, r.FormType)
	p.take(form, err)
	return p
}

// take adds values. What can be read counts, so that a refusal has the format that was asked for.
func (p *parameters) take(values url.Values, err error) {
	if err != nil {
		p.fail(invalid("the parameters could not be read"))
	}
	for name, all := range values {
		for _, value := range all {
			before, twice := p.values[name]
			switch {
			case !utf8.ValidString(name) || !utf8.ValidString(value):
				p.fail(invalid("a parameter is not valid UTF-8", strings.ToValidUTF8(name, "?")))
			case twice && before != value:
				p.fail(invalid("a parameter is given twice, with different values", name))
			default:
				p.values[name] = value
			}
		}
	}
}

func (p *parameters) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// credentials reports whether there is a parameter by which senders make themselves known to any of the PHP tools. To PHP, what
// stands in brackets behind a name is a part of its value.
func (p *parameters) credentials() bool {
	for name := range p.values {
		switch name, _, _ = strings.Cut(name, "["); name {
		case "key", "signature", "timestamp", "hash", "username", "password":
			return true
		}
	}
	return false
}

func (p *parameters) get(name string) string { return p.values[name] }

// only refuses parameters but those named.
func (p *parameters) only(names ...string) {
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	for name := range p.values {
		if !known[name] {
			p.fail(invalid("unknown parameter; an & in a URL must be written as %26", clip(name)))
		}
	}
}

// readForm reads a form as browsers send it, or in parts, as PHP's curl does when it is given an array.
func readForm(form []byte, mediaType string) (url.Values, error) {
	kind, details, err := mime.ParseMediaType(mediaType)
	if err != nil || kind != "multipart/form-data" {
		return url.ParseQuery(string(form))
	}
	values := make(url.Values)
	parts := multipart.NewReader(bytes.NewReader(form), details["boundary"])
	for {
		part, err := parts.NextRawPart() // nothing is decoded, as by PHP
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return values, err
		}
		if part.FileName() != "" {
			return values, errFile
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return values, err
		}
		values.Add(part.FormName(), string(value))
	}
}

var errFile = errors.New("a file among the parameters")

// wantedOf is a create as JSON.
func wantedOf(want v1.CreateLink) ([]byte, error) { return json.Marshal(want) }

// withScheme gives a URL with http:// where it names no scheme: people paste addresses without one, and these tools take them.
func withScheme(address string) string {
	address = strings.TrimSpace(address)
	if i := strings.IndexAny(address, ":/?#"); address == "" || i > 0 && address[i] == ':' {
		return address
	}
	return "http://" + address
}

// site is where short URLs are.
type site struct{ root, host string }

func newSite(publicURL string) site {
	s := site{root: publicURL}
	if u, err := url.Parse(publicURL); err == nil {
		s.host = u.Host
	}
	return s
}

// codeOf gives the code of a short URL, or the code itself.
func (s site) codeOf(text string) string {
	_, ownPlace, _ := strings.Cut(s.root, "://")
	_, place, whole := strings.Cut(text, "://")
	if code, own := strings.CutPrefix(place, ownPlace+"/"); whole && own {
		return code
	}
	return text
}

// isOwn reports whether a domain is that of the short URLs.
func (s site) isOwn(domain string) bool { return strings.EqualFold(domain, s.host) }

// maxEcho is the longest word of a request that is repeated to its sender, in bytes.
const maxEcho = 128

// clip cuts a word of a request for a refusal.
func clip(word string) string {
	if len(word) > maxEcho {
		word = word[:maxEcho] + "…"
	}
	return strings.ToValidUTF8(word, "?")
}

// statusOf gives the status that a problem has with tools that know 400 for what is wrong with a request.
func statusOf(p v1.Problem) int {
	if p.Status == http.StatusUnprocessableEntity {
		return http.StatusBadRequest
	}
	return p.Status
}
