package v1

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// standard is what encoding/json writes of v, without HTML escapes.
func standard(v any) ([]byte, error) {
	var whole bytes.Buffer
	encoder := json.NewEncoder(&whole)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(whole.Bytes(), []byte("\n")), err
}

// appender is a document that is written by hand.
type appender interface {
	AppendJSON(b []byte) ([]byte, error)
}

// sameAsStandard fails unless v is written as encoding/json writes it, behind what is there.
func sameAsStandard(t rapid.TB, v appender) {
	t.Helper()
	want, wantErr := standard(v)
	got, err := v.AppendJSON([]byte("before"))
	if wantErr != nil || err != nil {
		if wantErr == nil || err == nil {
			t.Fatalf("error %v; encoding/json: %v", err, wantErr)
		}
		return
	}
	if string(got) != "before"+string(want) {
		t.Fatalf("written  %s\nstandard %s", got, want)
	}
}

// texts are plain, odd, and not even text.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`https://example\.com/[ -~]{0,40}`),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "<&>", `"`, `\`, "\x7f", "\x1f", "\u2028", "ü"}),
	)
}

// moments reach a little beyond the years that can be written, in both directions.
func moments() *rapid.Generator[Time] {
	return rapid.Custom(func(t *rapid.T) Time {
		zone := time.FixedZone("", rapid.IntRange(-50000, 50000).Draw(t, "zone"))
		seconds := rapid.OneOf(rapid.Int64Range(-62198755200, 253433923200), rapid.Int64Range(1.6e9, 2e9)).Draw(t, "seconds")
		return Time{time.Unix(seconds, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)}
	})
}

// perhaps draws a value or none.
func perhaps[T any](t *rapid.T, values *rapid.Generator[T], name string) *T {
	if !rapid.Bool().Draw(t, name+" is given") {
		return nil
	}
	value := values.Draw(t, name)
	return &value
}

func anyLinks() *rapid.Generator[*Link] {
	return rapid.Custom(func(t *rapid.T) *Link {
		l := &Link{
			ShortCode: texts().Draw(t, "code"), ShortURL: texts().Draw(t, "short"), LongURL: texts().Draw(t, "long"),
			Title: texts().Draw(t, "title"), Owner: perhaps(t, texts(), "owner"),
			CreatedAt: moments().Draw(t, "created"), UpdatedAt: moments().Draw(t, "updated"),
			ValidSince: perhaps(t, moments(), "since"), ValidUntil: perhaps(t, moments(), "until"),
			MaxVisits: perhaps(t, rapid.Uint64(), "limit"), RedirectStatus: rapid.Int().Draw(t, "status"),
			ForwardQuery: rapid.Bool().Draw(t, "forward"), Enabled: rapid.Bool().Draw(t, "enabled"), HasPassword: rapid.Bool().Draw(t, "password"),
			Visits:  Visits{rapid.Uint64().Draw(t, "total"), rapid.Uint64().Draw(t, "people"), rapid.Uint64().Draw(t, "bots")},
			Version: rapid.Uint64().Draw(t, "version"),
		}
		if tags := perhaps(t, rapid.SliceOf(texts()), "tags"); tags != nil {
			l.Tags = *tags
		}
		return l
	})
}

func TestLinksAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sameAsStandard(t, anyLinks().Draw(t, "link")) })
}

func TestResultsAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	rows := rapid.Custom(func(t *rapid.T) Result {
		r := Result{Status: rapid.Int().Draw(t, "status")}
		if rapid.Bool().Draw(t, "made") {
			r.Link = anyLinks().Draw(t, "link")
		}
		if rapid.Bool().Draw(t, "refused") {
			r.Error = &Problem{Detail: texts().Draw(t, "detail"), Code: SlugTaken, InvalidElements: rapid.SliceOf(texts()).Draw(t, "elements")}
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) { sameAsStandard(t, &Results{Results: rapid.SliceOf(rows).Draw(t, "rows")}) })
	sameAsStandard(t, &Results{})
}

// TestNoFieldIsForgotten fails for a field that came later and is left out when it is empty, until it is set here.
func TestNoFieldIsForgotten(t *testing.T) {
	moment := Time{time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)}
	owner, limit := "u1", uint64(10)
	full := &Link{
		ShortCode: "abc", ShortURL: "https://sho.rt/abc", LongURL: "https://example.com/?a=1&b=<2>", Title: "Home", Tags: []string{"a", "<b>"},
		Owner: &owner, CreatedAt: moment, UpdatedAt: moment, ValidSince: &moment, ValidUntil: &moment, MaxVisits: &limit, RedirectStatus: 301,
		ForwardQuery: true, Enabled: true, HasPassword: true, Visits: Visits{3, 2, 1}, Version: 1,
	}
	results := &Results{Results: []Result{{Status: 201, Link: full, Error: &Problem{}}}}
	for _, whole := range []reflect.Value{reflect.ValueOf(full), reflect.ValueOf(&full.Visits), reflect.ValueOf(results), reflect.ValueOf(&results.Results[0])} {
		for i := range whole.Elem().NumField() {
			if whole.Elem().Field(i).IsZero() {
				t.Errorf("set %s.%s here", whole.Elem().Type(), whole.Elem().Type().Field(i).Name)
			}
		}
	}
	sameAsStandard(t, full)
	sameAsStandard(t, results)
}

func BenchmarkAppendLink(b *testing.B) {
	moment := Time{time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)}
	l := &Link{
		ShortCode: "abcdefg", ShortURL: "https://sho.rt/abcdefg", LongURL: "https://example.com/some/path?and=query",
		Tags: []string{}, CreatedAt: moment, UpdatedAt: moment, RedirectStatus: 302, ForwardQuery: true, Enabled: true, Version: 1,
	}
	b.ReportAllocs()
	room := make([]byte, 0, 1024)
	for b.Loop() {
		if _, err := l.AppendJSON(room); err != nil {
			b.Fatal(err)
		}
	}
}
