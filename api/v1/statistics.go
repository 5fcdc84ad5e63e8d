package v1

// Statistics are the visits of a time, of a link, of the links with a tag, of the whole cluster, or of addresses that led nowhere.
type Statistics struct {
	// ShortCode or Tag say whose visits they are; both are empty for those of the cluster and for those that led nowhere.
	ShortCode string `json:"shortCode,omitempty"`
	Tag       string `json:"tag,omitempty"`
	// From is the first moment that is counted, To the first that is not: both at the border of an interval.
	From Time `json:"from"`
	To   Time `json:"to"`
	// Interval is hour, day or month, in UTC.
	Interval string `json:"interval"`
	Visits   Visits `json:"visits"`
	// Visitors is an estimate of how many people came, within about 5 %. Who comes on three days counts three times.
	Visitors uint64 `json:"visitors"`
	// Series has every interval, in order, also those without visits.
	Series []Interval `json:"series"`
	// The lists are of visits that are not of bots.
	Referrers Ranking `json:"referrers"`
	Countries Ranking `json:"countries"`
	Browsers  Ranking `json:"browsers"`
	Systems   Ranking `json:"systems"`
	Devices   Ranking `json:"devices"`
	Languages Ranking `json:"languages"`
	Statuses  Ranking `json:"statuses"`
	// ShortCodes is what was asked for by visits that led nowhere; nil for all others.
	ShortCodes *Ranking `json:"shortCodes,omitempty"`
}

// Interval is the visits of an hour, a day or a month.
type Interval struct {
	Start Time `json:"start"`
	Visits
	// Visitors is as in Statistics.
	Visitors uint64 `json:"visitors"`
}

// Ranking is the most frequent values of a kind, the most frequent first.
type Ranking struct {
	Top []Ranked `json:"top"`
	// Other is how many visits had values that are not in Top.
	Other uint64 `json:"other"`
}

// Ranked is a value, and how many visits had it. An empty value stands for what is not known.
type Ranked struct {
	Value  string `json:"value"`
	Visits uint64 `json:"visits"`
}
