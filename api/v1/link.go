// Package v1 owns the JSON documents of version 1 of the API, as server and clients both use them. It is a leaf: it knows
// the standard library alone. Documents grow by fields; a field never changes its name or meaning.
package v1

// Link is a short link as the API shows it.
type Link struct {
	ShortCode string `json:"shortCode"`
	// ShortURL is the public base URL of the node that answered, with the code: it may differ between nodes.
	ShortURL string `json:"shortUrl"`
	LongURL  string `json:"longUrl"`
	// Title is empty for a link without one.
	Title string `json:"title"`
	// Tags come in the order of their bytes, each once.
	Tags []string `json:"tags"`
	// Owner is the id of the user whose link it is; nil for nobody's.
	Owner *string `json:"owner"`
	// CreatedAt and UpdatedAt are the leader's stamps.
	CreatedAt Time `json:"createdAt"`
	UpdatedAt Time `json:"updatedAt"`
	// ValidSince is the moment from which the link redirects, ValidUntil that from which it no longer does; nil means that
	// there is no such moment.
	ValidSince *Time `json:"validSince"`
	ValidUntil *Time `json:"validUntil"`
	// MaxVisits is how often the link redirects at most; nil means any number of times.
	MaxVisits *uint64 `json:"maxVisits"`
	// RedirectStatus is the HTTP status of the redirect: 301, 302, 307 or 308.
	RedirectStatus int `json:"redirectStatus"`
	// ForwardQuery says that a visitor's query is added to the target's.
	ForwardQuery bool `json:"forwardQuery"`
	// Enabled says that the link is switched on.
	Enabled bool `json:"enabled"`
	// HasPassword says that visitors are asked for a password.
	HasPassword bool   `json:"hasPassword"`
	Visits      Visits `json:"visits"`
	// Version starts at 1 and grows by one with every change. The ETag is made of it.
	Version uint64 `json:"version"`
}

// Visits are how often a link was followed: Total is the sum of the other two.
type Visits struct {
	Total   uint64 `json:"total"`
	NonBots uint64 `json:"nonBots"`
	Bots    uint64 `json:"bots"`
}

// CreateLink asks for a link. Only LongURL is required; an empty field is not sent.
type CreateLink struct {
	// LongURL is at most 8,192 bytes long.
	LongURL string `json:"longUrl"`
	// CustomSlug is the code wanted; without it the service makes one.
	CustomSlug string `json:"customSlug,omitempty"`
	// FindIfExists asks for the oldest living link that leads to LongURL and has the same values of all fields that are given here,
	// in place of a new one.
	FindIfExists bool `json:"findIfExists,omitempty"`
	// Title is at most 512 bytes long; Tags are at most 20, of at most 64 bytes each.
	Title string   `json:"title,omitempty"`
	Tags  []string `json:"tags,omitempty"`
	// ValidSince is when the link begins to redirect.
	ValidSince *Time `json:"validSince,omitempty"`
	// ValidUntil (RFC 3339) and ExpiresIn (a Go duration of a second or more) both end the link; at most one may be set.
	ValidUntil *Time  `json:"validUntil,omitempty"`
	ExpiresIn  string `json:"expiresIn,omitempty"`
	// MaxVisits is 1 to 2^53-1.
	MaxVisits uint64 `json:"maxVisits,omitempty"`
	// RedirectStatus is 301, 302, 307 or 308; 302 if it is not given.
	RedirectStatus int `json:"redirectStatus,omitempty"`
	// ForwardQuery and Enabled are true if they are not given.
	ForwardQuery *bool `json:"forwardQuery,omitempty"`
	Enabled      *bool `json:"enabled,omitempty"`
	// Password is 1 to 1,024 bytes long.
	Password string `json:"password,omitempty"`
}

// CreateLinks asks for up to 1,000 links in one call.
type CreateLinks struct {
	Links []CreateLink `json:"links"`
}

// Results answers CreateLinks: one result a row, in the order of the rows.
type Results struct {
	Results []Result `json:"results"`
}

// Result is what became of one row: Link with status 201, or 200 for one that was found, or Error with its status.
type Result struct {
	Status int      `json:"status"`
	Link   *Link    `json:"link,omitempty"`
	Error  *Problem `json:"error,omitempty"`
}
