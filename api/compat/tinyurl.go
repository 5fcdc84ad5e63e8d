package compat

import (
	"context"
	"net/http"

	"tinyurl/api/v1"
	"tinyurl/fsm/access"
)

// tinyURLPath is where tinyurl.com takes a URL and answers with a short one, as plain text.
const tinyURLPath = "/api-create.php"

func tinyURLOperations() []Operation {
	return []Operation{
		{Method: http.MethodGet, Path: tinyURLPath, Form: true, read: readTinyURL},
		{Method: http.MethodPost, Path: tinyURLPath, Form: true, read: readTinyURL},
	}
}

// readTinyURL reads url, alias and key. A parameter that is none of them is refused: it is nearly always the rest of a URL that was
// not escaped, and half a URL leads elsewhere.
func readTinyURL(r Request) Call {
	p := readParameters(r)
	p.only("url", "alias", "key")
	return Call{
		Key: p.get("key"), Credentials: p.credentials(), Scope: access.LinksCreate, Creates: true,
		Refuse: refuseTinyURL,
		Serve: func(ctx context.Context, s Service, _ []byte) (Answer, error) {
			if p.err != nil {
				return Answer{}, p.err
			}
			made, _, err := shorten(ctx, s, v1.CreateLink{LongURL: p.get("url"), CustomSlug: p.get("alias")}, r.Keyed || p.get("key") != "")
			if err != nil {
				return Answer{}, err
			}
			return Answer{Status: http.StatusOK, MediaType: plainText, Content: []byte(made.ShortURL)}, nil
		},
	}
}

// shorten makes a link, or finds the one that a holder of a key made of the same URL, as both PHP tools do where no code is chosen.
func shorten(ctx context.Context, s Service, want v1.CreateLink, keyed bool) (made *v1.Link, found bool, err error) {
	want.LongURL = withScheme(want.LongURL)
	if keyed && want.CustomSlug == "" {
		enabled := true // a link that is switched off is not what is asked for
		want.FindIfExists, want.Enabled = true, &enabled
	}
	body, err := wantedOf(want)
	if err != nil {
		return nil, false, err
	}
	return s.Create(ctx, body)
}

// plainText is the media type of the answers of both PHP tools.
const plainText = "text/plain; charset=utf-8"

// refuseTinyURL says "Error", which is all that clients know.
func refuseTinyURL(p v1.Problem) Answer {
	return Answer{Status: statusOf(p), MediaType: plainText, Content: []byte("Error"), Code: p.Code}
}
