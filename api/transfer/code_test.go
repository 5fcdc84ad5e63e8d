package transfer_test

import (
	"strings"
	"testing"

	"tinyurl/api/transfer"
)

// TestCodes takes whole short URLs for codes, and changes no code that might be one elsewhere.
func TestCodes(t *testing.T) {
	for text, want := range map[string]string{
		"abc":                      "abc",
		" abc ":                    "abc",
		"/abc/":                    "abc",
		"https://s.example/abc":    "abc",
		"HTTP://s.example:80/abc/": "abc",
		"s.example/abc":            "abc",
		"//s.example/abc":          "abc",
		"localhost:8080/abc":       "abc",
		"http://go/abc":            "abc",
		"a/b":                      "a/b",
		"https://s.example/a/b":    "a/b",
		"a.b":                      "a.b",
	} {
		got := readAll(t, strings.NewReader("url,code,key\nhttps://e.com,,"+text+"\n"), transfer.CSV)
		if len(got.Rows) != 1 || got.Rows[0].ShortCode != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestTimes takes every spelling of a time.
func TestTimes(t *testing.T) {
	want := at(t, "2024-03-05T10:15:30Z")
	for _, text := range []string{
		"2024-03-05T10:15:30Z", "2024-03-05T10:15:30.0009Z", "2024-03-05T12:15:30+02:00", "2024-03-05T10:15:30+0000", "2024-03-05T10:15:30",
		"2024-03-05 10:15:30", " 2024-03-05 10:15:30.000 ", "2024-03-05 12:15:30+02:00", "2024-03-05 12:15:30 +0200",
		"1709633730", "1709633730000",
	} {
		got := readAll(t, strings.NewReader("url,created\nhttps://e.com,"+text+"\n"), transfer.CSV)
		if len(got.Rows) != 1 || !got.Rows[0].CreatedAt.Equal(want) {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for _, text := range []string{"", " ", "0", "0000-00-00 00:00:00", "0000-00-00"} {
		got := readAll(t, strings.NewReader("url,expirytime\nhttps://e.com,"+text+"\n"), transfer.CSV)
		if len(got.Rows) != 1 || !got.Rows[0].ValidUntil.IsZero() {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestSynonyms knows every name of a column that the contract lists, however it is spelt.
func TestSynonyms(t *testing.T) {
	want := good("c")
	want.Title, want.Tags, want.CreatedAt, want.ValidUntil, want.Visits = "t", []string{"x", "y"}, at(t, "2024-01-01T00:00:00Z"), at(t, "2030-01-01T00:00:00Z"), 5
	for cell, names := range map[string]string{
		"https://e.com": "longurl url destinationurl destination target originalurl longlink long LONG_URL Long-Url",
		"c":             "shortcode keyword slug alias customslug address shortid shortlink custombitlink backhalf source shorturl short key Back-Half",
		"t":             "title description note notes comment comments",
		"x|y":           "tags Tags",
		"2024-01-01":    "createdat created datecreated timestamp creationdate Created_At",
		"2030-01-01":    "validuntil expiresat expirein expirytime expiration Expires_at",
		"5":             "clicks hits visits visitcount viewcount Visit_Count",
	} {
		cells := []string{"https://e.com", "c", "t", "x|y", "2024-01-01", "2030-01-01", "5"}
		for name := range strings.FieldsSeq(names) {
			header := []string{"longurl", "shortcode", "title", "tags", "createdat", "validuntil", "visits"}
			for i := range cells {
				if cells[i] == cell {
					header[i] = name
				}
			}
			got := readAll(t, strings.NewReader(strings.Join(header, ";")+"\n"+strings.Join(cells, ";")+"\n"), transfer.CSV)
			if len(got.Rows) != 1 || !equal(got.Rows[0], want) {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

func equal(a, b transfer.Row) bool {
	return strings.Join(a.Tags, "|") == strings.Join(b.Tags, "|") && a.ShortCode == b.ShortCode && a.LongURL == b.LongURL &&
		a.Title == b.Title && a.CreatedAt.Equal(b.CreatedAt) && a.ValidUntil.Equal(b.ValidUntil) && a.Visits == b.Visits
}
