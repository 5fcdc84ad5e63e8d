package event

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// standard is an Event as encoding/json writes it.
type standard struct {
	Time     string `json:"time"`
	Code     string `json:"code"`
	Target   string `json:"target,omitempty"`
	Status   int    `json:"status"`
	Referrer string `json:"referrer,omitempty"`
	Browser  string `json:"browser,omitempty"`
	System   string `json:"system,omitempty"`
	Device   string `json:"device,omitempty"`
	Language string `json:"language,omitempty"`
	Country  string `json:"country,omitempty"`
	Bot      bool   `json:"bot"`
	Address  string `json:"address,omitempty"`
}

// whole is a visit of which all is known but the address.
var whole = Event{
	Time: time.Date(2026, 3, 4, 6, 6, 7, 89_999_999, time.FixedZone("", 3600)),
	Code: "go", Target: "https://go.dev/", Status: 302, Referrer: "news.example",
	Browser: "Firefox", System: "Linux", Device: "desktop", Language: "de", Country: "CH",
}

func TestKeysComeInTheDocumentedOrder(t *testing.T) {
	some := whole
	some.Referrer, some.System, some.Device, some.Language = "", "", "", ""
	all := whole
	all.Bot, all.Address = true, "192.0.2.1"
	const (
		documented = `{"time":"2026-03-04T05:06:07.089Z","code":"go","target":"https://go.dev/","status":302,` +
			`"browser":"Firefox","country":"CH","bot":false}`
		allKeys = `{"time":"2026-03-04T05:06:07.089Z","code":"go","target":"https://go.dev/","status":302,"referrer":"news.example",` +
			`"browser":"Firefox","system":"Linux","device":"desktop","language":"de","country":"CH","bot":true,"address":"192.0.2.1"}`
	)
	if got := string(some.Append([]byte("before "))); got != "before "+documented {
		t.Errorf("written %s\nwant    before %s", got, documented)
	}
	if got := string(all.Append(nil)); got != allKeys {
		t.Errorf("written %s\nwant    %s", got, allKeys)
	}
}

func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	const want = `{"time":"0001-01-01T00:00:00.000Z","code":"","status":0,"bot":false}`
	if got := string(Event{}.Append(nil)); got != want {
		t.Errorf("written %s\nwant    %s", got, want)
	}
}

// sameAsStandard fails unless what is written of e reads as what encoding/json writes of it, and is one line.
func sameAsStandard(t rapid.TB, e Event) {
	t.Helper()
	reference, err := json.Marshal(standard{
		e.Time.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"), e.Code, e.Target, e.Status,
		e.Referrer, e.Browser, e.System, e.Device, e.Language, e.Country, e.Bot, e.Address,
	})
	if err != nil {
		t.Fatal(err)
	}
	line := e.Append(nil)
	var want, got map[string]any
	if err := json.Unmarshal(reference, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%q is not JSON: %v", line, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q reads as %v, want %v", line, got, want)
	}
	if i := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' || r == lineSeparator || r == paragraphSeparator }); i >= 0 {
		t.Fatalf("%q breaks a line at %d", line, i)
	}
	if !bytes.Equal(line, bytes.ToValidUTF8(line, nil)) {
		t.Fatalf("%q is not UTF-8", line)
	}
}

// texts are plain, odd, and not even text.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`https://example\.com/[ -~]{0,40}`),
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{
			"", "<&>", `"\`, "\x00\x1f\x7f\b\f\n\r\t", "a\u2028b\u2029c", "ü\xff\xfe€", "\xed\xa0\x80", "\ufffd", "\xe2\x80",
		}),
	)
}

func TestLinesReadAsThoseOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-62167219200, 253402300799).Draw(t, "seconds") // the years 0 to 9999
		zone := time.FixedZone("", rapid.IntRange(-50000, 50000).Draw(t, "zone"))
		text := texts()
		sameAsStandard(t, Event{
			Time: time.Unix(seconds, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone),
			Code: text.Draw(t, "code"), Target: text.Draw(t, "target"), Status: rapid.IntRange(-1, 999).Draw(t, "status"),
			Referrer: text.Draw(t, "referrer"), Browser: text.Draw(t, "browser"), System: text.Draw(t, "system"),
			Device: text.Draw(t, "device"), Language: text.Draw(t, "language"), Country: text.Draw(t, "country"),
			Bot: rapid.Bool().Draw(t, "bot"), Address: text.Draw(t, "address"),
		})
	})
}

func FuzzAppend(f *testing.F) {
	f.Add("go", "https://go.dev/\u2028\xff\"\\\n")
	f.Fuzz(func(t *testing.T, code, target string) {
		sameAsStandard(t, Event{Code: code, Target: target})
	})
}

func TestAppendAllocatesNothingWhereThereIsRoom(t *testing.T) {
	odd := whole
	odd.Target, odd.Address, odd.Bot = "https://example.com/\xff\u2028\"\\\n\x01ü", "2001:db8::1", true
	room := make([]byte, 0, 1024)
	for name, e := range map[string]Event{"plain": whole, "odd": odd} {
		if n := testing.AllocsPerRun(100, func() { room = e.Append(room[:0]) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	room := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		room = whole.Append(room[:0])
	}
	b.SetBytes(int64(len(room)))
}
