package v1

// StreamType is the media type of answers that are one JSON document a line.
const StreamType = "application/x-ndjson"

// ImportLine is one line of the answer to an import. Of what follows each line has one: the first line ImportID and Format; a line
// about a row Row with Error or RenamedTo; a line of progress the counts; and the last line the counts and Complete, with Error if it
// is false.
type ImportLine struct {
	// ImportID tells rows without a code apart when an import is resumed: the one that was given, or one made for this import.
	ImportID string `json:"importId,omitempty"`
	// Format is that of the file, as it was given or found.
	Format string `json:"format,omitempty"`
	// Row is the number of a row, from 1.
	Row int64 `json:"row,omitempty"`
	// Error is why the row was not taken; on the last line, why the import ended before the file did.
	Error *ImportError `json:"error,omitempty"`
	// RenamedTo is the code that a row got in place of its own, which was taken.
	RenamedTo string `json:"renamedTo,omitempty"`
	*ImportCounts
	// Complete says that every row was read and judged. False: LastRow+1 is where to go on, under the same ImportID.
	Complete *bool `json:"complete,omitempty"`
}

// ImportCounts are what became of rows so far. Rows is the sum of the five after it.
type ImportCounts struct {
	// Rows are those judged, without those before the first that was asked for.
	Rows    int64 `json:"rows"`
	Created int64 `json:"created"`
	// Overwritten and Renamed are rows whose code was taken.
	Overwritten int64 `json:"overwritten"`
	Renamed     int64 `json:"renamed"`
	// Skipped are rows whose code was taken and stays as it is. Those whose link leads elsewhere have a line of their own.
	Skipped int64 `json:"skipped"`
	// Failed are rows that cannot be taken. Each has a line of its own.
	Failed int64 `json:"failed"`
	// LastRow is the number of the last row judged; all before it are judged too.
	LastRow int64 `json:"lastRow"`
}

// ImportError is a problem, in short.
type ImportError struct {
	Status int  `json:"status"`
	Code   Code `json:"code"`
	// Detail is for people and may change.
	Detail string `json:"detail"`
}
