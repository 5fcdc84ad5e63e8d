package agent

// IsBot reports whether a User-Agent names something that is not a person's browser: a crawler, what draws previews of links, a
// monitor, a browser without a window, a library for HTTP, or nothing at all. Only its first 512 bytes are read. It does not
// allocate.
func IsBot(userAgent string) bool {
	userAgent = userAgent[:min(len(userAgent), maxRead)]
	if userAgent == "" || clients.begins(userAgent) {
		return true
	}
	_, found := programs.first(userAgent)
	return found || endsInBot(userAgent)
}

// endsInBot reports whether a word of s ends in "bot", as the names of most crawlers do. The telephones of Cubot are none.
func endsInBot(s string) bool {
	for i := range s {
		if s[i] != 'b' && s[i] != 'B' || !hasPrefix(s[i:], bot) {
			continue
		}
		ends := i+len(bot) == len(s) || !isLetter(s[i+len(bot)])
		if ends && (i < 2 || !hasPrefix(s[i-2:], "cu")) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }

// clients are what the User-Agents of libraries and tools for HTTP begin with. Elsewhere these may stand for something else: Java for
// what a telephone can do, libwww for what a person's Lynx is made of.
var clients = newIndex([]string{
	"curl", "libcurl", "wget", "httpie/", "xh/", "postmanruntime", "insomnia/", "aria2/", "lwp", "libwww", "perl", "python", "aiohttp",
	"httpx/", "pycurl", "mechanize", "ruby", "faraday", "http.rb", "typhoeus", "rest-client", "excon", "php", "guzzle", "symfony", "zend",
	"java/", "java-", "java1", "jersey", "jakarta", "okhttp", "ktor-", "retrofit", "dalvik/", "axios", "node", "got/", "got (", "undici",
	"superagent", "needle/", "deno/", "bun/", "dart", "rust", "reqwest", "hyper/", "ureq/", "go-", "fasthttp", "resty", "grequests",
	"lua-", "restsharp", "cpprestsdk", "winhttp", "erlang", "hackney", "mint/", "finch", "haskell", "alamofire", "wordpress/",
})

// programs are what else is found in the User-Agents of programs, wherever it stands.
var programs = newIndex([]string{
	// who gives an address to complain at, as crawlers should
	"+http",
	// crawlers, of any maker
	"crawl", "spider", "slurp", "scrap", "fetcher", "archiv", "validator", "checker", "checklink", "nutch", "heritrix", "httrack",
	"barkrowler", "siteaudit", "site-audit", "screaming frog", "serpstat", "netcraft", "mediapartners", "google-inspectiontool",
	"googleother", "google-extended", "google-read-aloud", "google-site", "google-adwords", "google-safety", "apis-google",
	"google favicon", "googleimageproxy", "googledocs", "google-apps-script", "yandeximages", "yandexmetrika", "duckassist",
	// those that collect for language models or ask on their behalf
	"chatgpt-user", "perplexity-user", "claude-user", "claude-web", "anthropic-ai", "cohere-ai", "mistralai-user",
	"meta-externalagent", "gemini-deep-research", "google-notebooklm",
	// what draws previews in chats and networks; Pinterest without a number is its app
	"facebookexternalhit", "facebookcatalog", "whatsapp/", "skypeuripreview", "bingpreview", "google-pagerenderer", "google web preview",
	"slack-imgproxy", "vkshare", "embedly", "iframely", "outbrain", "mastodon/", "pleroma", "akkoma", "misskey/", "friendica", "lemmy/",
	"peertube/", "gotosocial", "bluesky cardyb", "pinterest/0", "quora link preview", "snap url preview", "tumblr/", "flipboardproxy",
	"linkpreview", "link preview", "link-preview", "urlpreview", "url preview", "line-poker", "xing-contenttab", "microsoft office",
	"ms-office",
	// readers of feeds
	"feedly", "feedbin", "feedburner", "feedparser", "inoreader", "newsblur", "miniflux", "freshrss", "tiny tiny rss", "simplepie",
	// monitors
	"pingdom", "statuscake", "site24x7", "datadog", "uptime", "nodeping", "zabbix", "nagios", "check_http", "prometheus",
	"blackbox exporter", "blackbox-exporter", "kube-probe", "healthcheck", "health-check", "health check", "googlehc/", "hetrixtools",
	"stackdriver", "new relic", "catchpoint", "updown.io",
	// browsers without a window
	"headless", "lighthouse", "page speed", "pagespeed", "gtmetrix", "phantomjs", "slimerjs", "puppeteer", "playwright", "selenium",
	"webdriver", "jsdom", "prerender",
	// those that look for holes, or for harm
	"virustotal", "urlscan", "censys", "zgrab", "masscan", "nmap", "nikto", "sqlmap", "nuclei", "internetmeasurement", "paloalto",
	"palo alto",
	// libraries for HTTP that do not stand first
	"http-client", "httpclient", "http_client", "urllib", "libwww-perl", "python-requests", "powershell", "cfnetwork", "winhttprequest",
	"wininet", "microsoft bits", "microsoft-cryptoapi", "apachebench", "jmeter", "gatling", "locust", "vegeta", "k6/",
})
