package redirect

import (
	"net/http"
	"strings"
	"testing"
)

func TestBotsAreToldFromPeople(t *testing.T) {
	for agent, want := range map[string]bool{
		"": false,
		"Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0":                                                     false,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36":            false,
		"Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_S) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36":      false,
		"Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36":                                                              false,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS]": false,
		"curl/8.5.0": false, "Wget/1.21": false, "Go-http-client/1.1": false, "python-requests/2.32": false, "Bottle/0.13": false, "robotics": false,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":  true,
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)":   true,
		"AdsBot-Google (+http://www.google.com/adsbot.html)":                        true,
		"Mozilla/5.0 (compatible; Baiduspider/2.0)":                                 true,
		"Mozilla/5.0 (compatible; Yahoo! Slurp)":                                    true,
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)":                true,
		"TelegramBot (like TwitterBot)":                                             true,
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": true,
		"WhatsApp/2.23.20.0": true,
		"Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)":               true,
		"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)":         true,
		"http.rb/5.1.1 (Mastodon/4.2.0; +https://mastodon.example/)":                     true,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari": true,
		strings.Repeat("x", maxAgent) + "Googlebot":                                      false,
	} {
		if got := bot(agent); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
	for _, word := range botWords {
		if word != strings.ToLower(word) || !bot("x "+word+" y") {
			t.Errorf("%q is never found", word)
		}
	}
}

func TestWhatIsFetchedAheadIsNoVisit(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"Sec-Purpose", "prefetch", true},
		{"Sec-Purpose", "prefetch;prerender", true},
		{"Sec-Purpose", "", false},
		{"Purpose", "prefetch", true},
		{"X-Purpose", "Preview", true},
		{"X-Moz", "prefetch", true},
		{"Accept", "prefetch", false},
		{"Sec-Fetch-Dest", "document", false},
		{"Purpose", strings.Repeat("x", maxPurpose) + "prefetch", false},
	} {
		r := &http.Request{Method: http.MethodGet, Header: http.Header{c.name: {"", c.value}}}
		if got := automatic(r); got != c.want {
			t.Errorf("%s: %.70s: %v", c.name, c.value, got)
		}
	}
	if !automatic(&http.Request{Method: http.MethodHead}) {
		t.Error("HEAD is a visit")
	}
}
