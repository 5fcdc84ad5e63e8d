package transfer

// The rows of other services' JSON, as their APIs give them. A field that is missing or null is empty.

// decodeKutt reads a link of Kutt's GET /api/v2/links.
func decodeKutt(text []byte) (Row, error) {
	var l struct {
		Address     string `json:"address"`
		Target      string `json:"target"`
		Description string `json:"description"`
		CreatedAt   moment `json:"created_at"`
		ExpireIn    moment `json:"expire_in"`
		VisitCount  count  `json:"visit_count"`
		Banned      flag   `json:"banned"`
		Password    flag   `json:"password"`
	}
	if err := unmarshal(text, &l); err != nil {
		return Row{}, err
	}
	if l.Password {
		return Row{}, unknownPassword
	}
	code, err := parseCode(l.Address)
	return Row{
		ShortCode: code, LongURL: l.Target, Title: l.Description, CreatedAt: l.CreatedAt.Time, ValidUntil: l.ExpireIn.Time,
		Visits: uint64(l.VisitCount), Disabled: bool(l.Banned),
	}, err
}

// decodeBitly reads a bitlink of Bitly's GET /v4/groups/{guid}/bitlinks. People know the custom one, where there is one.
func decodeBitly(text []byte) (Row, error) {
	var l struct {
		ID        string   `json:"id"`
		Link      string   `json:"link"`
		Custom    []string `json:"custom_bitlinks"`
		LongURL   string   `json:"long_url"`
		Title     string   `json:"title"`
		Tags      []string `json:"tags"`
		CreatedAt moment   `json:"created_at"`
		Deleted   flag     `json:"is_deleted"`
	}
	if err := unmarshal(text, &l); err != nil {
		return Row{}, err
	}
	if l.Deleted {
		return Row{}, fault("the link was deleted")
	}
	short := l.Link
	switch {
	case len(l.Custom) > 0:
		short = l.Custom[0]
	case short == "":
		short = l.ID
	}
	code, err := parseCode(short)
	return Row{ShortCode: code, LongURL: l.LongURL, Title: l.Title, Tags: filled(l.Tags), CreatedAt: l.CreatedAt.Time}, err
}

// decodeChhoto reads a link of Chhoto's GET /api/all. Its expiry_time is in Unix seconds, and 0 if there is none.
func decodeChhoto(text []byte) (Row, error) {
	var l struct {
		ShortLink  string `json:"shortlink"`
		LongLink   string `json:"longlink"`
		Hits       count  `json:"hits"`
		ExpiryTime moment `json:"expiry_time"`
		Notes      string `json:"notes"`
	}
	if err := unmarshal(text, &l); err != nil {
		return Row{}, err
	}
	code, err := parseCode(l.ShortLink)
	return Row{
		ShortCode: code, LongURL: l.LongLink, Title: l.Notes, ValidUntil: l.ExpiryTime.Time, Visits: uint64(l.Hits),
	}, err
}

// decodeGolink reads a link of golink's /.export.
func decodeGolink(text []byte) (Row, error) {
	var l struct {
		Short, Long, Owner string
		Created, LastEdit  moment
	}
	if err := unmarshal(text, &l); err != nil {
		return Row{}, err
	}
	code, err := parseCode(l.Short)
	return Row{
		ShortCode: code, LongURL: l.Long, Owner: l.Owner, CreatedAt: l.Created.Time, UpdatedAt: l.LastEdit.Time,
	}, err
}

// filled gives tags as rows hold them: nil if there are none.
func filled(tags []string) []string {
	if len(tags) == 0 {
		return nil
	}
	return tags
}
