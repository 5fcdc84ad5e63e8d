package v1

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestTimesAreWrittenInUTCWithMilliseconds(t *testing.T) {
	east := time.FixedZone("east", 2*60*60)
	for want, moment := range map[string]time.Time{
		`"2030-01-31T12:00:00.000Z"`: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC),
		`"2030-01-31T10:00:00.123Z"`: time.Date(2030, 1, 31, 12, 0, 0, 123_999_999, east),
		`"0001-01-01T00:00:00.000Z"`: {},
	} {
		got, err := json.Marshal(Time{moment})
		if err != nil || string(got) != want {
			t.Errorf("%v: %s, %v; want %s", moment, got, err, want)
		}
		var back Time
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(moment.Truncate(time.Millisecond)) {
			t.Errorf("%s came back as %v, %v", got, back, err)
		}
	}
	if _, err := json.Marshal(Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Error("the year 10000 was written")
	}
}

func TestAnEmptyRequestSendsTheURLAlone(t *testing.T) {
	got, err := json.Marshal(CreateLink{LongURL: "https://example.com"})
	if err != nil || string(got) != `{"longUrl":"https://example.com"}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestCodesAreErrors(t *testing.T) {
	err := fmt.Errorf("create: %w", SlugTaken)
	if !errors.Is(err, SlugTaken) || errors.Is(err, NotFound) || err.Error() != "create: slug_taken" {
		t.Errorf("%v", err)
	}
}

func TestAnEditSendsWhatChangesAndNothingElse(t *testing.T) {
	for want, edit := range map[string]EditLink{
		`{}`: {},
		`{"longUrl":"https://example.com","tags":[],"maxVisits":3,"enabled":false}`: {
			LongURL: Set("https://example.com"), Tags: Set([]string{}), MaxVisits: Set[uint64](3), Enabled: Set(false),
		},
		`{"title":null,"tags":null,"validSince":null,"validUntil":null,"maxVisits":null,"redirectStatus":null,"forwardQuery":null,"enabled":null,"password":null}`: {
			Title: Clear[string](), Tags: Clear[[]string](), ValidSince: Clear[Time](), ValidUntil: Clear[Time](), MaxVisits: Clear[uint64](),
			RedirectStatus: Clear[int](), ForwardQuery: Clear[bool](), Enabled: Clear[bool](), Password: Clear[string](),
		},
		`{"validUntil":"2030-01-31T12:00:00.000Z","expiresIn":"1h"}`: {
			ValidUntil: Set(Time{time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)}), ExpiresIn: Set("1h"),
		},
	} {
		got, err := json.Marshal(edit)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
		var back EditLink
		again := []byte(nil)
		if err = json.Unmarshal(got, &back); err == nil {
			again, err = json.Marshal(back)
		}
		if err != nil || string(again) != want {
			t.Errorf("%s came back as %s, %v", want, again, err)
		}
	}
}
