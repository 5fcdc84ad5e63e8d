package agent

// Parts that are alike in many User-Agents.
const (
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	linux   = "Mozilla/5.0 (X11; Linux x86_64) "
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	ipad    = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	pixel   = "Mozilla/5.0 (Linux; Android 14; Pixel 8) "
	reduced = "Mozilla/5.0 (Linux; Android 10; K) " // what Chrome says since 2023, of whatever telephone
	view    = "Mozilla/5.0 (Linux; Android 13; SM-G991B Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
	blink   = "AppleWebKit/537.36 (KHTML, like Gecko) "
	webkit  = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
)

// seen is a User-Agent and what is to be said of it.
type seen struct{ agent, browser, system, device string }

var fromDesktops = []seen{
	{windows + blink + "Chrome/137.0.0.0 Safari/537.36", "Chrome", "Windows", desktop},
	{"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/49.0.2623.112 Safari/537.36", "Chrome", "Windows", desktop},
	{"Mozilla/5.0 (Windows NT 5.1) AppleWebKit/535.1 (KHTML, like Gecko) Chrome/14.0.835.202 Safari/535.1", "Chrome", "Windows", desktop},
	{mac + blink + "Chrome/126.0.0.0 Safari/537.36", "Chrome", "macOS", desktop},
	{linux + blink + "Chrome/120.0.0.0 Safari/537.36", "Chrome", "Linux", desktop},
	{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + blink + "Chrome/124.0.0.0 Safari/537.36", "Chrome", "ChromeOS", desktop},
	{"Mozilla/5.0 (X11; CrOS aarch64 15329.44.0) " + blink + "Chrome/111.0.0.0 Safari/537.36", "Chrome", "ChromeOS", desktop},
	{"Mozilla/5.0 (X11; FreeBSD amd64) " + blink + "Chrome/119.0.0.0 Safari/537.36", "Chrome", other, desktop},
	{linux + blink + "Ubuntu Chromium/58.0.3029.110 Chrome/58.0.3029.110 Safari/537.36", "Chromium", "Linux", desktop},

	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0", "Firefox", "Windows", desktop},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox", "macOS", desktop},
	{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", "Firefox", "Linux", desktop},
	{"Mozilla/5.0 (X11; OpenBSD amd64; rv:109.0) Gecko/20100101 Firefox/115.0", "Firefox", other, desktop},
	{"Mozilla/5.0 (Windows; U; Windows NT 5.1; en-US; rv:1.9.2.13) Gecko/20101203 Firefox/3.6.13", "Firefox", "Windows", desktop},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Goanna/6.0 Firefox/102.0 PaleMoon/32.0.0", "Pale Moon", "Windows", desktop},
	{"Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0 SeaMonkey/2.53.18", "SeaMonkey", "Linux", desktop},

	{mac + webkit + "Version/17.5 Safari/605.1.15", "Safari", "macOS", desktop},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/534.59.10 (KHTML, like Gecko) Version/5.1.9 Safari/534.59.10", "Safari", "macOS", desktop},
	{"Mozilla/5.0 (Windows; U; Windows NT 6.1; en-US) AppleWebKit/533.19.4 (KHTML, like Gecko) Version/5.0.3 Safari/533.19.4", "Safari", "Windows", desktop},

	{windows + blink + "Chrome/136.0.0.0 Safari/537.36 Edg/136.0.0.0", "Edge", "Windows", desktop},
	{mac + blink + "Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0", "Edge", "macOS", desktop},
	{windows + blink + "Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763", "Edge", "Windows", desktop},

	{windows + blink + "Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0", "Opera", "Windows", desktop},
	{linux + blink + "Chrome/114.0.0.0 Safari/537.36 OPR/100.0.0.0", "Opera", "Linux", desktop},
	{"Opera/9.80 (Windows NT 6.1; U; en) Presto/2.10.289 Version/12.02", "Opera", "Windows", desktop},
	{"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; en) Opera 8.50", "Opera", "Windows", desktop},
	{windows + blink + "Chrome/126.0.0.0 Safari/537.36 Vivaldi/6.8.3381.44", "Vivaldi", "Windows", desktop},
	{windows + blink + "Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36", "Yandex Browser", "Windows", desktop},
	{mac + webkit + "Version/17.4 Safari/605.1.15 Ddg/17.4", "DuckDuckGo", "macOS", desktop},
	{windows + blink + "Chrome/118.0.0.0 Whale/3.23.214.10 Safari/537.36", "Whale", "Windows", desktop},
	{windows + blink + "Chrome/94.0.4606.71 Core/1.94.201.400 QQBrowser/11.9.5325.400", "QQ Browser", "Windows", desktop},
	{linux + webkit + "Version/17.0 Safari/605.1.15 Epiphany/605.1.15", "GNOME Web", "Linux", desktop},

	{"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", "Windows", desktop},
	{"Mozilla/5.0 (Windows NT 6.3; Trident/7.0; Touch; Tablet PC 2.0; rv:11.0) like Gecko", "Internet Explorer", "Windows", desktop},
	{"Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", "Internet Explorer", "Windows", desktop},
	{"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0; SLCC1; .NET CLR 2.0.50727)", "Internet Explorer", "Windows", desktop},

	{mac + blink + "Slack/4.38.125 Chrome/124.0.6367.207 Electron/30.0.6 Safari/537.36", other, "macOS", desktop},
	{"Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/1.1.1d", other, other, otherDevice},
	{"w3m/0.5.3+git20230121", other, other, otherDevice},
	{"Links (2.29; Linux 6.1.0 x86_64; GNU C 12.2; text)", other, "Linux", desktop},
}

var fromHands = []seen{
	{reduced + blink + "Chrome/137.0.0.0 Mobile Safari/537.36", "Chrome", "Android", mobile},
	{pixel + blink + "Chrome/125.0.6422.165 Mobile Safari/537.36", "Chrome", "Android", mobile},
	{"Mozilla/5.0 (Linux; Android 6.0.1; SM-G920F) " + blink + "Chrome/61.0.3163.98 Mobile Safari/537.36", "Chrome", "Android", mobile},
	{"Mozilla/5.0 (Linux; Android 13; motorola edge 30) " + blink + "Chrome/120.0.0.0 Mobile Safari/537.36", "Chrome", "Android", mobile},
	{"Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_S) " + blink + "Chrome/120.0.0.0 Mobile Safari/537.36", "Chrome", "Android", mobile},
	{reduced + blink + "Chrome/124.0.0.0 Safari/537.36", "Chrome", "Android", tablet},
	{"Mozilla/5.0 (Linux; Android 7.0; Nexus 9 Build/NRD90R) " + blink + "Chrome/53.0.2785.124 Safari/537.36", "Chrome", "Android", tablet},
	{iphone + "CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1", "Chrome", "iOS", mobile},
	{ipad + "CriOS/119.0.6045.109 Mobile/15E148 Safari/604.1", "Chrome", "iOS", tablet},
	{mac + webkit + "CriOS/120 Version/11.1.1 Safari/605.1.15", "Chrome", "iOS", tablet},

	{iphone + "Version/17.5 Mobile/15E148 Safari/604.1", "Safari", "iOS", mobile},
	{"Mozilla/5.0 (iPhone; U; CPU like Mac OS X; en) AppleWebKit/420+ (KHTML, like Gecko) Version/3.0 Mobile/1A543a Safari/419.3", "Safari", "iOS", mobile},
	{"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5 like Mac OS X) " + webkit + "Version/12.1.2 Mobile/15E148 Safari/604.1", "Safari", "iOS", mobile},
	{ipad + "Version/16.6 Mobile/15E148 Safari/604.1", "Safari", "iOS", tablet},

	{"Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "Android", mobile},
	{"Mozilla/5.0 (Android 12; Tablet; rv:109.0) Gecko/109.0 Firefox/118.0", "Firefox", "Android", tablet},
	{iphone + "FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "Firefox", "iOS", mobile},
	{mac + webkit + "FxiOS/126.0 Safari/605.1.15", "Firefox", "iOS", tablet},
	{"Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "Firefox", other, mobile},

	{reduced + blink + "Chrome/124.0.0.0 Mobile Safari/537.36 EdgA/124.0.2478.64", "Edge", "Android", mobile},
	{iphone + "Version/17.0 EdgiOS/124.0.2478.71 Mobile/15E148 Safari/604.1", "Edge", "iOS", mobile},
	{"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) " + blink + "Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063", "Edge", "Windows", mobile},
	{"Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 920)", "Internet Explorer", "Windows", mobile},

	{reduced + blink + "Chrome/124.0.0.0 Mobile Safari/537.36 OPR/82.0.0.0", "Opera", "Android", mobile},
	{iphone + "Version/17.5 Mobile/15E148 Safari/604.1 OPT/4.8.0", "Opera", "iOS", mobile},
	{"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16", "Opera", "Android", mobile},
	{"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10", "Opera", other, mobile},

	{"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) " + blink + "SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36", "Samsung Internet", "Android", mobile},
	{"Mozilla/5.0 (Linux; Android 12; SAMSUNG SM-T870) " + blink + "SamsungBrowser/17.0 Chrome/96.0.4664.104 Safari/537.36", "Samsung Internet", "Android", tablet},
	{reduced + blink + "Chrome/122.0.0.0 YaBrowser/24.4.3.92.00 SA/3 Mobile Safari/537.36", "Yandex Browser", "Android", mobile},
	{reduced + blink + "Version/4.0 Chrome/124.0.0.0 Mobile DuckDuckGo/5 Safari/537.36", "DuckDuckGo", "Android", mobile},
	{iphone + "Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", "DuckDuckGo", "iOS", mobile},
	{"Mozilla/5.0 (Linux; U; Android 11; en-US; RMX2185) " + blink + "Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36", "UC Browser", "Android", mobile},
	{"UCWEB/2.0 (Java; U; MIDP-2.0; en-US; nokia5130c-2) U2/1.0.0 UCBrowser/9.4.1.482 U2/1.0.0 Mobile", "UC Browser", other, mobile},
	{"Mozilla/5.0 (Linux; U; Android 12; de-de; M2101K6G) " + blink + "Version/4.0 Chrome/100.0.4896.127 Mobile Safari/537.36 XiaoMi/MiuiBrowser/13.18.0", "Mi Browser", "Android", mobile},
	{"Mozilla/5.0 (Linux; Android 10; JNY-LX1; HMSCore 6.11.0) " + blink + "Chrome/99.0.4844.88 HuaweiBrowser/14.0.0.322 Mobile Safari/537.36", "Huawei Browser", "Android", mobile},
	{"Mozilla/5.0 (Linux; Android 9; KFMAWI) " + blink + "Silk/108.4.6 like Chrome/108.0.5359.160 Safari/537.36", "Silk", "Android", tablet},
	{"Mozilla/5.0 (Linux; U; Android 2.3.6; en-us; GT-S5830 Build/GINGERBREAD) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1", "Android Browser", "Android", mobile},
	{"Mozilla/5.0 (BB10; Touch) AppleWebKit/537.35+ (KHTML, like Gecko) Version/10.3.3.2205 Mobile Safari/537.35+", "BlackBerry", other, mobile},
	{"Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+ (KHTML, like Gecko) Version/7.2.1.0 Safari/536.2+", "BlackBerry", other, tablet},
	{"Mozilla/5.0 (Linux; Tizen 2.3; SAMSUNG SM-Z130H) AppleWebKit/537.3 (KHTML, like Gecko) Version/2.3 Mobile Safari/537.3", other, other, mobile},
}

var fromApps = []seen{
	{iphone + "Mobile/15E148 [FBAN/FBIOS;FBAV/465.0.0.41.103;FBBV/602060281;FBDV/iPhone15,2;FBSN/iOS]", "Facebook", "iOS", mobile},
	{view + "Chrome/125.0.6422.147 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/466.0.0.53.83;]", "Facebook", "Android", mobile},
	{iphone + "Mobile/15E148 Instagram 334.0.4.32.98 (iPhone15,3; iOS 17_5_1; de_DE; de; scale=3.00; 1290x2796; 607135225)", "Instagram", "iOS", mobile},
	{view + "Chrome/124.0.6367.179 Mobile Safari/537.36 Instagram 332.0.0.38.90 Android (33/13; 420dpi; 1080x2176; samsung; SM-G991B)", "Instagram", "Android", mobile},
	{iphone + "Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/en", "WeChat", "iOS", mobile},
	{view + "Chrome/121.0.6167.178 Mobile Safari/537.36 Line/14.6.0/IAB", "LINE", "Android", mobile},
	{iphone + "GSA/317.0.634488990 Mobile/15E148 Safari/604.1", "Google app", "iOS", mobile},
	{iphone + "Mobile/15E148 [Pinterest/iOS]", "Pinterest", "iOS", mobile},
	{view + "Chrome/120.0.6099.144 Mobile Safari/537.36 trill_330304 BytedanceWebview/d8a21c6", "TikTok", "Android", mobile},
	{iphone + "Mobile/15E148 Snapchat/12.90.0.44 (like Safari/8617.2.4.10.8, panda)", "Snapchat", "iOS", mobile},
	{iphone + "Mobile/15E148 [LinkedInApp]/9.29.7962", "LinkedIn", "iOS", mobile},
	{iphone + "Mobile/21F90 Twitter for iPhone/10.46", "Twitter", "iOS", mobile},
	{view + "Chrome/125.0.6422.113 Mobile Safari/537.36", "WebView", "Android", mobile},
	{iphone + "Mobile/15E148", "WebView", "iOS", mobile},
	{mac + webkit + "Mobile/15E148", "WebView", "iOS", tablet},
}

var fromRooms = []seen{
	{"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36", other, other, tv},
	{"Mozilla/5.0 (SMART-TV; Linux; Tizen 2.4.0) AppleWebkit/538.1 (KHTML, like Gecko) SamsungBrowser/1.1 TV Safari/538.1", "Samsung Internet", other, tv},
	{"Mozilla/5.0 (Web0S; Linux/SmartTV) " + blink + "Chrome/79.0.3945.79 Safari/537.36 WebAppManager", "Chrome", other, tv},
	{"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2 Build/PTT1.190515.001.S52) " + blink + "Chrome/78.0.3904.108 Safari/537.36", "Chrome", "Android", tv},
	{"Mozilla/5.0 (Linux; Android 11; AFTKA Build/RS8101) " + blink + "Silk/112.5.1 like Chrome/112.0.5615.213 Safari/537.36", "Silk", "Android", tv},
	{"Mozilla/5.0 (X11; Linux armv7l) " + blink + "Chrome/90.0.4430.225 Safari/537.36 CrKey/1.56.500000", "Chrome", "Linux", tv},
	{"Mozilla/5.0 (Linux; Android 12; Google TV Streamer) " + blink + "Chrome/120.0.0.0 Safari/537.36", "Chrome", "Android", tv},
	{"AppleTV11,1/17.5", other, other, tv},
	{"Roku/DVP-12.5 (12.5.0.4178-88)", other, other, tv},
	{"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) " + webkit + "Version/13.0 Safari/605.1.15", other, other, otherDevice},
	{"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/601.6 (KHTML, like Gecko) NF/4.0.0.5.10 NintendoBrowser/5.1.0.13343", other, other, otherDevice},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) " + blink + "Chrome/58.0.3029.110 Safari/537.36 Edge/16.16299", "Edge", "Windows", otherDevice},
	{"Mozilla/5.0 (X11; Linux x86_64; Quest 3) " + blink + "OculusBrowser/33.2.0.13.31 Chrome/124.0.6367.118 VR Safari/537.36", "Meta Quest Browser", "Linux", otherDevice},
	{"Mozilla/5.0 (X11; GNU/Linux) " + blink + "Chrome/109.0.5414.119 Safari/537.36 Tesla/2023.44.30", "Chrome", "Linux", otherDevice},
}
