package redirect

import (
	"net/http"
	"strings"
)

// automatic reports whether a request was made by no person who wants to read the target: by a crawler, by what draws a preview of
// a link in a chat, by a monitor, or by a browser that fetches ahead. Whoever says so of themselves is believed, and what says
// nothing is taken for a person: a limit that counts a crawler too much is a smaller fault than one that does not count people.
func automatic(r *http.Request) bool {
	return r.Method == http.MethodHead || ahead(r.Header) || bot(r.UserAgent())
}

// ahead reports whether a browser fetches what nobody has asked for yet (Sec-Purpose of the Fetch standard, and what was there
// before it: Purpose of Chromium, X-Purpose of Safari, X-Moz of Firefox).
func ahead(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range h[name] {
			if Prefetches(value) {
				return true
			}
		}
	}
	return false
}

// Prefetches reports whether a browser that states a purpose, in one of the headers of that name, fetches ahead.
func Prefetches(purpose string) bool {
	if len(purpose) > maxPurpose {
		return false
	}
	purpose = strings.ToLower(purpose)
	return strings.Contains(purpose, "prefetch") || strings.Contains(purpose, "prerender") || strings.Contains(purpose, "preview")
}

const (
	// maxPurpose is the longest purpose that is read, in bytes.
	maxPurpose = 64
	// maxAgent is how much of a User-Agent is read, in bytes.
	maxAgent = 512
)

// bot reports whether a User-Agent names something that is not a person's browser.
func bot(agent string) bool {
	agent = strings.ToLower(agent[:min(len(agent), maxAgent)])
	for _, word := range botWords {
		if strings.Contains(agent, word) {
			return true
		}
	}
	return endsInBot(agent)
}

// endsInBot reports whether a word of agent ends in "bot", as the names of most crawlers do (Googlebot, bingbot, GPTBot, Slackbot,
// UptimeRobot). The telephones of Cubot are none.
func endsInBot(agent string) bool {
	const name = "bot"
	for {
		before, after, found := strings.Cut(agent, name)
		if !found {
			return false
		}
		if (after == "" || after[0] < 'a' || after[0] > 'z') && !strings.HasSuffix(before, "cu") {
			return true
		}
		agent = after
	}
}

// botWords are what else is found in the User-Agents of such programs, in lower case. Tools by which people follow links (curl,
// wget, HTTP libraries) are not among them: they count.
var botWords = [...]string{
	// crawlers, of any maker
	"crawl", "spider", "slurp", "ia_archiver", "mediapartners-google", "feedfetcher", "google-inspectiontool", "googleother",
	"google-extended", "apis-google", "google favicon", "meta-externalagent", "meta-externalfetcher", "yandeximages", "yandexmetrika",
	"chatgpt-user", "perplexity-user", "claude-user", "duckassist",
	// what draws previews in chats and networks
	"facebookexternalhit", "facebookcatalog", "whatsapp/", "skypeuripreview", "bingpreview", "google-pagerenderer", "slack-imgproxy",
	"vkshare", "embedly", "iframely", "mastodon/", "pleroma", "akkoma", "misskey/", "bluesky cardyb", "pinterest/", "quora link preview",
	"snap url preview", "tumblr/", "flipboardproxy", "linkpreview", "link preview", "urlpreview",
	// monitors, checkers and browsers without a window
	"pingdom", "statuscake", "site24x7", "datadogsynthetics", "uptime-kuma", "w3c_validator", "w3c-checklink", "headlesschrome",
	"chrome-lighthouse", "phantomjs", "virustotal", "google-safety",
}
