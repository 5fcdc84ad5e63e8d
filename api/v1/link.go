// Package v1 owns the JSON documents of version 1 of the API, as server and clients both use them. It is a leaf: it knows
// the standard library alone. Documents grow by fields; a field never changes its name or meaning.
package v1

// Link is a short link as the API shows it.
type Link struct {
	ShortCode string `json:"shortCode"`
	// ShortURL is the public base URL of the node that answered, with the code: it may differ between nodes.
	ShortURL string `json:"shortUrl"`
	LongURL  string `json:"longUrl"`
	// CreatedAt and UpdatedAt are the leader's stamps.
	CreatedAt Time `json:"createdAt"`
	UpdatedAt Time `json:"updatedAt"`
	// ValidUntil is the moment from which the link no longer redirects; nil means never.
	ValidUntil *Time `json:"validUntil"`
	// Version starts at 1 and grows by one with every change. The ETag is made of it.
	Version uint64 `json:"version"`
}

// CreateLink asks for a link. Only LongURL is required; an empty field is not sent.
type CreateLink struct {
	LongURL string `json:"longUrl"`
	// CustomSlug is the code wanted; without it the service makes one.
	CustomSlug string `json:"customSlug,omitempty"`
	// ValidUntil (RFC 3339) and ExpiresIn (a Go duration of a second or more) both end the link; at most one may be set.
	ValidUntil *Time  `json:"validUntil,omitempty"`
	ExpiresIn  string `json:"expiresIn,omitempty"`
}

// CreateLinks asks for up to 1,000 links in one call.
type CreateLinks struct {
	Links []CreateLink `json:"links"`
}

// Results answers CreateLinks: one result a row, in the order of the rows.
type Results struct {
	Results []Result `json:"results"`
}

// Result is what became of one row: Link with status 201, or Error with its status.
type Result struct {
	Status int      `json:"status"`
	Link   *Link    `json:"link,omitempty"`
	Error  *Problem `json:"error,omitempty"`
}
