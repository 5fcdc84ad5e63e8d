package api

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tinyurl/api/transfer"
	"tinyurl/fsm/access"
	"tinyurl/fsm/link"
)

const someHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"

// fullRow is a row with every field.
func fullRow() transfer.Row {
	return transfer.Row{
		Number: 7, ShortCode: "abc", LongURL: "https://example.com/a?b=<c>", Title: "Title", Tags: []string{"b", "a", "b"}, Owner: "u1",
		CreatedAt: noon.Add(-time.Hour), UpdatedAt: noon, ValidSince: noon.Add(-time.Minute), ValidUntil: noon.Add(-time.Second),
		MaxVisits: 9, Redirect: 301, DropQuery: true, Disabled: true, PasswordHash: someHash, Visits: 12, BotVisits: 5, Version: 4,
	}
}

func TestARowKeepsWhatItSays(t *testing.T) {
	f := newFixture(t)
	row := fullRow()
	by := access.Holder{ID: "k1", Owner: "admin"}
	o := importOptions{format: transfer.NDJSON, conflict: link.Overwrite, id: "mine"}
	d, err := f.links.rules.importDraft(&row, &o, by)
	if err != nil {
		t.Fatal(err)
	}
	want := link.Draft{
		Fields: link.Fields{
			Target: "https://example.com/a?b=<c>", Title: "Title", Tags: "a\nb", ValidSince: noon.Add(-time.Minute), ValidUntil: noon.Add(-time.Second),
			MaxVisits: 9, Redirect: 301, DropQuery: true, Disabled: true, Password: someHash,
		},
		Slug: "abc", Owner: "u1", Host: d.Host,
	}
	imported := d.Imported
	d.Imported = nil
	if d != want || *imported != (link.Imported{CreatedAt: noon.Add(-time.Hour), Visits: 7, Conflict: link.Overwrite}) || d.Host != "example.com" {
		t.Errorf("%+v, %+v", d, imported)
	}
	// Only our own files name owners that can be ours.
	o.format = transfer.CSV
	if d, err := f.links.rules.importDraft(&row, &o, by); err != nil || d.Owner != "admin" {
		t.Errorf("%q, %v", d.Owner, err)
	}
}

func TestARowThatWouldMakeALinkEachTimeHasAnIdentity(t *testing.T) {
	f := newFixture(t)
	plain := transfer.Row{Number: 7, LongURL: "https://example.com/"}
	coded := transfer.Row{Number: 7, LongURL: "https://example.com/", ShortCode: "abc"}
	for _, c := range []struct {
		row  transfer.Row
		o    importOptions
		want string
	}{
		{plain, importOptions{id: "a"}, "a/7"},
		{plain, importOptions{id: "a", conflict: link.Overwrite}, "a/7"},
		{coded, importOptions{id: "a"}, ""},
		{coded, importOptions{id: "a", conflict: link.Overwrite}, ""},
		{coded, importOptions{id: "a", conflict: link.Rename}, "a/7"},
		{plain, importOptions{id: strings.Repeat("x", maxImportID)}, strings.Repeat("x", maxImportID) + "/7"},
	} {
		d, err := f.links.rules.importDraft(&c.row, &c.o, access.RootHolder())
		if err != nil {
			t.Fatal(err)
		}
		if (d.Once == nil) != (c.want == "") || d.Once != nil && (d.Once.Key != c.want || d.Once.Scope != importScope || d.Once.Row != 0 || len(d.Once.Key) > link.MaxKey) {
			t.Errorf("%+v with %+v: %+v", c.row, c.o, d.Once)
		}
	}
	// It is the same row as long as it leads from the same code to the same place.
	once := func(change func(*transfer.Row)) link.Once {
		row := coded
		change(&row)
		return *(&importOptions{id: "a", conflict: link.Rename}).once(&row)
	}
	first := once(func(*transfer.Row) {})
	if once(func(r *transfer.Row) { r.Title = "new" }) != first {
		t.Error("a new title makes another row")
	}
	for name, other := range map[string]link.Once{
		"target": once(func(r *transfer.Row) { r.LongURL += "x" }), "code": once(func(r *transfer.Row) { r.ShortCode += "x" }),
		"between": once(func(r *transfer.Row) { r.ShortCode, r.LongURL = "ab", "c\n"+r.LongURL }),
	} {
		if other.Body == first.Body || other.Key != first.Key {
			t.Errorf("%s: %+v", name, other)
		}
	}
}

func TestBadRowsAreToldAsBadCreatesAre(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Admission.Denied = func(host string) bool { return host == "denied.example" }
	})
	for name, c := range map[string]struct {
		change func(*transfer.Row)
		want   error
	}{
		"no URL":           {func(r *transfer.Row) { r.LongURL = "nonsense" }, link.ErrInvalidTarget},
		"scheme":           {func(r *transfer.Row) { r.LongURL = "javascript:alert(1)" }, link.ErrInvalidTarget},
		"own host":         {func(r *transfer.Row) { r.LongURL = "https://sho.rt/abc" }, link.ErrInvalidTarget},
		"URL too long":     {func(r *transfer.Row) { r.LongURL = "https://a/" + strings.Repeat("x", link.MaxTarget) }, link.ErrInvalidTarget},
		"denied host":      {func(r *transfer.Row) { r.LongURL = "https://denied.example/" }, link.ErrTargetDenied},
		"reserved":         {func(r *transfer.Row) { r.ShortCode = "API" }, link.ErrSlugReserved},
		"code":             {func(r *transfer.Row) { r.ShortCode = "a/b" }, link.ErrInvalidSlug},
		"code too long":    {func(r *transfer.Row) { r.ShortCode = strings.Repeat("x", link.MaxSlug+1) }, link.ErrInvalidSlug},
		"title too long":   {func(r *transfer.Row) { r.Title = strings.Repeat("x", link.MaxTitle+1) }, link.ErrInvalidField},
		"title of lines":   {func(r *transfer.Row) { r.Title = "a\nb" }, link.ErrInvalidField},
		"tag too long":     {func(r *transfer.Row) { r.Tags = []string{strings.Repeat("x", link.MaxTag+1)} }, link.ErrInvalidField},
		"too many tags":    {func(r *transfer.Row) { r.Tags = slices.Repeat([]string{"a"}, link.MaxTags+1) }, link.ErrInvalidField},
		"end before start": {func(r *transfer.Row) { r.ValidUntil = r.ValidSince }, link.ErrInvalidField},
		"too many visits":  {func(r *transfer.Row) { r.MaxVisits = link.MaxVisitLimit + 1 }, link.ErrInvalidField},
		"owner":            {func(r *transfer.Row) { r.Owner = strings.Repeat("x", link.MaxOwner+1) }, link.ErrInvalidField},
		"owner of lines":   {func(r *transfer.Row) { r.Owner = "a\nb" }, link.ErrInvalidField},
		"hash":             {func(r *transfer.Row) { r.PasswordHash = "$2y$10$abcdefghijklmnopqrstuv" }, link.ErrInvalidField},
		"costly hash":      {func(r *transfer.Row) { r.PasswordHash = strings.Replace(someHash, "19456", "9999999", 1) }, link.ErrInvalidField},
		"redirect":         {func(r *transfer.Row) { r.Redirect = 200 }, link.ErrInvalidField},
	} {
		row := fullRow()
		c.change(&row)
		d, err := f.links.rules.importDraft(&row, &importOptions{format: transfer.NDJSON, id: "a"}, access.RootHolder())
		if !errors.Is(err, c.want) || d != (link.Draft{}) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if own, ok := errors.AsType[*invalidError](err); !ok || own.detail == "" {
			t.Errorf("%s: without a word for the client: %v", name, err)
		}
	}
}

// FuzzRowJudge holds that no file makes a draft that the state machine would have to refuse for what it says, and that what is judged
// good once is good when it comes back from an export.
func FuzzRowJudge(f *testing.F) {
	f.Add([]byte("longUrl,shortCode,title,tags\nhttps://example.com,abc,T,a|b\n"), uint8(0))
	f.Add([]byte(`{"shortCode":"abc","longUrl":"https://example.com","visits":{"total":9,"nonBots":2,"bots":7},"maxVisits":1}`), uint8(2))
	f.Add([]byte("\ufeffurl;slug\r\n\"https://example.com/;\";api\r\n"), uint8(1))
	f.Add([]byte("INSERT INTO `yourls_url` VALUES ('a','https://example.com','t','2020-01-01 00:00:00','',3);"), uint8(0))
	f.Add([]byte(`[{"address":"a","target":"https://example.com","expire_in":"0001-01-01T00:00:00Z"}]`), uint8(1))
	server := newFixture(f)
	f.Fuzz(func(t *testing.T, file []byte, policy uint8) {
		o := importOptions{conflict: link.Conflict(policy % 3), id: "fuzz"}
		reader, err := transfer.NewReader(bytes.NewReader(file), transfer.Auto)
		if err != nil {
			return
		}
		o.format = reader.Format()
		for {
			row, err := reader.Next()
			if _, bad := errors.AsType[*transfer.RowError](err); bad {
				continue
			}
			if err != nil {
				return
			}
			d, err := server.links.rules.importDraft(&row, &o, access.RootHolder())
			if err != nil {
				if problem, known := server.problems.describe(newRequest(), err); problem.Status != known.status || problem.Status/100 != 4 {
					t.Fatalf("%+v: %v is told as %+v", row, err, problem)
				}
				continue
			}
			judgeDraft(t, server, d)
		}
	})
}

// judgeDraft checks a draft as the state machine will, and sends it through an export.
func judgeDraft(t *testing.T, server *fixture, d link.Draft) {
	t.Helper()
	i := d.Imported
	if err := d.Check(); err != nil || i.Visits > link.MaxVisitLimit || len(d.Owner) > link.MaxOwner || i.CreatedAt.Before(time.Time{}) {
		t.Fatalf("%+v, %+v: %v", d, i, err)
	}
	l := link.Link{Code: d.Slug, Fields: d.Fields, Owner: d.Owner, CreatedAt: i.CreatedAt, UpdatedAt: i.CreatedAt, Visits: i.Visits, Version: 1}
	if l.Code == "" {
		l.Code = "given"
	}
	var file bytes.Buffer
	writer, err := transfer.NewWriter(&file, transfer.NDJSON, "https://sho.rt")
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(transfer.RowOf(l)); err != nil {
		t.Fatal(err)
	}
	reader, err := transfer.NewReader(&file, transfer.NDJSON)
	if err != nil {
		t.Fatal(err)
	}
	row, err := reader.Next()
	if err != nil {
		t.Fatalf("%+v does not come back: %v", l, err)
	}
	again, err := server.links.rules.importDraft(&row, &importOptions{format: transfer.NDJSON}, access.RootHolder())
	if err != nil || again.Fields != d.Fields || again.Slug != l.Code || again.Owner != d.Owner || again.Imported.Visits != i.Visits || !again.Imported.CreatedAt.Equal(i.CreatedAt) {
		t.Fatalf("%+v came back as %+v, %v", l, again, err)
	}
}

// newRequest is what a problem may be told about.
func newRequest() *http.Request { return httptest.NewRequest(http.MethodPost, importPath, http.NoBody) }
