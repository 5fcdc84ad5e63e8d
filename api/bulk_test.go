package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

const bulk = links + "/bulk"

// rowsBody is a bulk of n good rows.
func rowsBody(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"longUrl":"https://example.com/%d"}`, i)
	}
	return `{"links":[` + strings.Join(rows, ",") + `]}`
}

func TestBulkRefusesBadBodies(t *testing.T) {
	for _, test := range []badBody{
		{"empty", ``, 422, v1.InvalidJSON, nil},
		{"cut off", `{"links":[`, 422, v1.InvalidJSON, nil},
		{"cut off inside of a row", `{"links":[{"longUrl":"https://example.com"},{]}`, 422, v1.InvalidJSON, nil},
		{"trailing data", rowsBody(1) + "1", 422, v1.InvalidJSON, nil},
		{"bare array", `[{"longUrl":"https://example.com"}]`, 422, v1.InvalidJSON, nil},
		{"no links", `{}`, 422, v1.InvalidJSON, []string{"links"}},
		{"links null", `{"links":null}`, 422, v1.InvalidJSON, []string{"links"}},
		{"links an object", `{"links":{"longUrl":"https://example.com"}}`, 422, v1.InvalidJSON, []string{"links"}},
		{"links a string", `{"links":"https://example.com"}`, 422, v1.InvalidJSON, []string{"links"}},
		{"unknown field", `{"links":[],"dryRun":true}`, 422, v1.InvalidJSON, []string{"dryRun"}},
		{"links twice", `{"links":[],"links":[]}`, 422, v1.InvalidJSON, []string{"links"}},
		{"1001 rows", rowsBody(1001), 422, v1.InvalidField, []string{"links"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.refused(f.do("POST", bulk, test.body), test.status, test.code, test.elements...)
			if len(f.service.drafts) != 0 {
				t.Errorf("the service was asked for %d links", len(f.service.drafts))
			}
		})
	}
}

func TestBulkRowsSayWhatASingleCreateWouldSay(t *testing.T) {
	var rows []string
	var wanted []badBody
	for _, bad := range append(badShapes(), badFields()...) {
		if wellFormed([]byte(bad.body), &patience{ctx: t.Context()}) == nil { // the others spoil the whole body
			wanted = append(wanted, badBody{}, bad)
			rows = append(rows, `{"longUrl":"https://example.com"}`, bad.body)
		}
	}
	f := newFixture(t)
	f.add("taken", "https://example.com")
	f.service.deleted["buried"] = true
	got := decode[v1.Results](t, f.do("POST", bulk, `{"links":[`+strings.Join(rows, ",")+`]}`), http.StatusOK)
	if len(got.Results) != len(rows) {
		t.Fatalf("%d results for %d rows", len(got.Results), len(rows))
	}
	for i, result := range got.Results {
		if i%2 == 0 {
			if result.Status != 201 || result.Link == nil || result.Error != nil || result.Link.LongURL != "https://example.com" {
				t.Errorf("good row %d: %+v", i, result)
			}
			continue
		}
		want := wanted[i]
		if result.Status != want.status || result.Link != nil || result.Error == nil || result.Error.Code != want.code || result.Error.Status != want.status {
			t.Errorf("row %q: %+v, want %d %s", want.name, result, want.status, want.code)
		}
	}
}

func TestBulkTakesNoneAndAThousand(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		f := newFixture(t)
		got := decode[v1.Results](t, f.do("POST", bulk, rowsBody(n)), http.StatusOK)
		if len(got.Results) != n || got.Results == nil {
			t.Fatalf("%d results for %d rows", len(got.Results), n)
		}
		for i, result := range got.Results {
			if want := fmt.Sprintf("https://example.com/%d", i); result.Link == nil || result.Link.LongURL != want {
				t.Fatalf("row %d: %+v", i, result)
			}
		}
	}
}

func TestBulkRowsFailAlone(t *testing.T) {
	f := newFixture(t)
	f.service.rowFail["full"] = link.ErrDiskFull
	f.service.rowFail["odd"] = errUnheardOf
	f.service.rowFail["alone"] = link.ErrNoLeader
	body := `{"links":[{"url":"https://example.com","slug":"full"},{"url":"https://example.com","slug":"fine"},` +
		`{"url":"https://example.com","slug":"odd"},{"url":"https://example.com","slug":"alone"},{"url":"https://example.com","slug":"fine"}]}`
	w := f.do("POST", bulk, body)
	got := decode[v1.Results](t, w, http.StatusOK)
	var statuses []int
	for _, r := range got.Results {
		statuses = append(statuses, r.Status)
	}
	if fmt.Sprint(statuses) != "[507 201 500 503 409]" {
		t.Errorf("statuses %v", statuses)
	}
	if strings.Contains(w.Body.String(), "10.0.0.2") || !strings.Contains(f.log.String(), "10.0.0.2") {
		t.Errorf("an internal error belongs into the log alone: %s", w.Body)
	}
}

func TestAnswersThatDoNotMatchTheDraftsAreInternal(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Links = shortAnswers{c.Links} })
	f.refused(f.do("POST", bulk, rowsBody(2)), 500, v1.Internal)
	f.refused(f.do("POST", links, `{"url":"https://example.com"}`), 500, v1.Internal)
}

func TestRowsThatAreFoundSaySo(t *testing.T) {
	f := newFixture(t)
	f.add("old", "https://example.com")
	body := `{"links":[{"url":"https://example.com","findIfExists":true},{"url":"https://example.com"},{"url":"https://example.org","findIfExists":true},{"url":"https://example.org","findIfExists":true}]}`
	got := decode[v1.Results](t, f.do("POST", bulk, body), http.StatusOK)
	for i, status := range []int{200, 201, 201, 200} {
		if got.Results[i].Status != status || got.Results[i].Link == nil || got.Results[i].Error != nil {
			t.Errorf("row %d: %+v", i, got.Results[i])
		}
	}
	if got.Results[0].Link.ShortCode != "old" || got.Results[3].Link.ShortCode != got.Results[2].Link.ShortCode {
		t.Errorf("found %s and %s", got.Results[0].Link.ShortCode, got.Results[3].Link.ShortCode)
	}
}

// To hash a password takes long: a bulk must not be a way to have a thousand of them hashed.
func TestABulkMayHaveAFewPasswords(t *testing.T) {
	f := newFixture(t)
	rows := []string{`{"url":"https://example.com","password":""}`, `{"url":"javascript:x","password":"p"}`} // not counted: nothing to hash
	for range bulkPasswords + 2 {
		rows = append(rows, `{"url":"https://example.com","password":"p"}`, `{"url":"https://example.com"}`)
	}
	got := decode[v1.Results](t, f.do("POST", bulk, `{"links":[`+strings.Join(rows, ",")+`]}`), http.StatusOK)
	for i, result := range got.Results {
		wanted := http.StatusCreated
		if i < 2 || i%2 == 0 && i >= 2+2*bulkPasswords {
			wanted = http.StatusUnprocessableEntity
		}
		if result.Status != wanted {
			t.Errorf("row %d: %+v", i, result)
		}
	}
	if last := got.Results[len(rows)-2].Error; last == nil || last.Code != v1.InvalidField || last.InvalidElements[0] != "password" || f.service.hashed != bulkPasswords {
		t.Errorf("%+v, %d passwords hashed", last, f.service.hashed)
	}
}

func TestARowWhosePasswordIsNotHashedFailsAlone(t *testing.T) {
	f := newFixture(t)
	f.service.hashing = func(context.Context) error { return link.ErrOverloaded }
	got := decode[v1.Results](t, f.do("POST", bulk, `{"links":[{"url":"https://example.com","password":"p"},{"url":"https://example.com"}]}`), http.StatusOK)
	if got.Results[0].Status != 503 || got.Results[0].Error.Code != v1.Overloaded || got.Results[1].Status != 201 {
		t.Errorf("%+v", got.Results)
	}
}
