package v1

// CreateKey asks for an API key. Name and Scopes are required.
type CreateKey struct {
	// Name is 1 to 128 bytes long.
	Name string `json:"name"`
	// Scopes are some of links:create, links:read, links:write, stats:read, admin.
	Scopes []string `json:"scopes"`
	// Owner is the id of a user; empty for a key of nobody's, which is judged by its scopes alone.
	Owner string `json:"owner,omitempty"`
	// ExpiresAt (RFC 3339) and ExpiresIn (a Go duration of a second or more) both end the key; at most one may be set.
	ExpiresAt *Time  `json:"expiresAt,omitempty"`
	ExpiresIn string `json:"expiresIn,omitempty"`
}

// Key is an API key as the API shows it.
type Key struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
	// Owner is the id of a user; nil for nobody's.
	Owner     *string `json:"owner"`
	CreatedAt Time    `json:"createdAt"`
	// ExpiresAt is nil for a key without end.
	ExpiresAt *Time `json:"expiresAt"`
	// Key is the key itself, in the answer to its making and never again.
	Key string `json:"key,omitempty"`
}

// KeyPage is a part of the list of keys.
type KeyPage = Page[Key]

// CreateUser asks for a user. Name and Role are required.
type CreateUser struct {
	// Name is 1 to 128 bytes long.
	Name string `json:"name"`
	// Email may be empty; it has at most 254 bytes.
	Email string `json:"email,omitempty"`
	// Role is creator (their own links), editor (all links) or admin.
	Role string `json:"role"`
}

// EditUser changes a user: nil fields stay.
type EditUser struct {
	Name  *string `json:"name,omitempty"`
	Email *string `json:"email,omitempty"`
	Role  *string `json:"role,omitempty"`
}

// User is somebody who owns links and keys.
type User struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Email     string `json:"email"`
	Role      string `json:"role"`
	CreatedAt Time   `json:"createdAt"`
}

// UserPage is a part of the list of users.
type UserPage = Page[User]

// CreateDenied asks that no link lead to a host, or to a name below it. Host is required.
type CreateDenied struct {
	Host string `json:"host"`
	// Reason has at most 512 bytes.
	Reason string `json:"reason,omitempty"`
}

// Denied is a host to which no link may lead.
type Denied struct {
	// Host is in lower case and punycode.
	Host      string `json:"host"`
	Reason    string `json:"reason"`
	CreatedAt Time   `json:"createdAt"`
}

// DeniedPage is a part of the list of denied hosts.
type DeniedPage = Page[Denied]

// CreateReport tells of a link that should not be. Both fields are required.
type CreateReport struct {
	ShortCode string `json:"shortCode"`
	// Reason is 1 to 512 bytes long.
	Reason string `json:"reason"`
}

// Report is what visitors have said of one link.
type Report struct {
	ShortCode string `json:"shortCode"`
	// Reason is the first that was given.
	Reason string `json:"reason"`
	// Count is how often the link was reported.
	Count uint64 `json:"count"`
	// CreatedAt is when it was first reported, UpdatedAt when last.
	CreatedAt Time `json:"createdAt"`
	UpdatedAt Time `json:"updatedAt"`
}

// ReportPage is a part of the list of reports.
type ReportPage = Page[Report]
