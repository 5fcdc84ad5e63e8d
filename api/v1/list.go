package v1

// LinkPage is a part of the list of links.
type LinkPage struct {
	Data []*Link `json:"data"`
	// NextCursor asks for the next page; nil on the last one. A page may have fewer links than were asked for, or none, while there
	// are more: what is looked through for a page is bounded.
	NextCursor *string `json:"nextCursor"`
	// Total is the number of all links, or of those with the one tag that was asked for; nil for any other query.
	Total *uint64 `json:"total"`
}

// Page is a part of a list.
type Page[T any] struct {
	Data []T `json:"data"`
	// NextCursor asks for the next page; nil on the last one.
	NextCursor *string `json:"nextCursor"`
}

// TagPage is a part of the list of tags.
type TagPage = Page[Tag]

// Tag is a tag, and how many links have it.
type Tag struct {
	Tag   string `json:"tag"`
	Links uint64 `json:"links"`
}
