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
