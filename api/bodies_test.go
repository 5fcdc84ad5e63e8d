package api

import (
	"strings"
	"testing"

	"tinyurl/api/v1"
)

// badBody is a body that POST /links must refuse.
type badBody struct {
	name, body string
	status     int
	code       v1.Code
	elements   []string
}

// badShapes are refused for what they are, before any field is looked at.
func badShapes() []badBody {
	return []badBody{
		{"empty", ``, 422, v1.InvalidJSON, nil},
		{"blank", " \n", 422, v1.InvalidJSON, nil},
		{"not JSON", `longUrl=https://example.com`, 422, v1.InvalidJSON, nil},
		{"cut off", `{"longUrl":"https://example.com`, 422, v1.InvalidJSON, nil},
		{"trailing comma", `{"longUrl":"https://example.com",}`, 422, v1.InvalidJSON, nil},
		{"trailing data", `{"longUrl":"https://example.com"} {}`, 422, v1.InvalidJSON, nil},
		{"comment", `{"longUrl":"https://example.com"} // home`, 422, v1.InvalidJSON, nil},
		{"byte order mark", "\ufeff" + `{"longUrl":"https://example.com"}`, 422, v1.InvalidJSON, nil},
		{"array", `["https://example.com"]`, 422, v1.InvalidJSON, nil},
		{"string", `"https://example.com"`, 422, v1.InvalidJSON, nil},
		{"null", `null`, 422, v1.InvalidJSON, nil},
		{"number", `17`, 422, v1.InvalidJSON, nil},
		{"deep", strings.Repeat("[", 100_000), 422, v1.InvalidJSON, nil},
		{"broken UTF-8", "{\"longUrl\":\"https://example.com/\xff\"}", 422, v1.InvalidJSON, nil},
		{"half a surrogate pair", `{"longUrl":"https://example.com/\ud83d"}`, 422, v1.InvalidJSON, nil},
		{"raw control character in a string", "{\"longUrl\":\"https://example.com/\n\"}", 422, v1.InvalidJSON, nil},
		{"unknown field", `{"longUrl":"https://example.com","colour":"red"}`, 422, v1.InvalidJSON, []string{"colour"}},
		{"field of a later version", `{"longUrl":"https://example.com","webhook":"x"}`, 422, v1.InvalidJSON, []string{"webhook"}},
		{"output field", `{"longUrl":"https://example.com","shortCode":"abc"}`, 422, v1.InvalidJSON, []string{"shortCode"}},
		{"field in another case", `{"LongURL":"https://example.com"}`, 422, v1.InvalidJSON, []string{"LongURL"}},
		{"empty field name", `{"longUrl":"https://example.com","":"x"}`, 422, v1.InvalidJSON, []string{""}},
		{"longUrl a number", `{"longUrl":5}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"longUrl a list", `{"longUrl":["https://example.com"]}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"longUrl an object", `{"longUrl":{"url":"https://example.com"}}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"customSlug a boolean", `{"longUrl":"https://example.com","customSlug":true}`, 422, v1.InvalidJSON, []string{"customSlug"}},
		{"expiresIn a number", `{"longUrl":"https://example.com","expiresIn":3600}`, 422, v1.InvalidJSON, []string{"expiresIn"}},
		{"validUntil a number", `{"longUrl":"https://example.com","validUntil":1900000000}`, 422, v1.InvalidJSON, []string{"validUntil"}},
		{"findIfExists a string", `{"longUrl":"https://example.com","findIfExists":"true"}`, 422, v1.InvalidJSON, []string{"findIfExists"}},
		{"findIfExists a number", `{"longUrl":"https://example.com","findIfExists":1}`, 422, v1.InvalidJSON, []string{"findIfExists"}},
		{"title a number", `{"longUrl":"https://example.com","title":1}`, 422, v1.InvalidJSON, []string{"title"}},
		{"title a list", `{"longUrl":"https://example.com","title":["a"]}`, 422, v1.InvalidJSON, []string{"title"}},
		{"tags a string", `{"longUrl":"https://example.com","tags":"a,b"}`, 422, v1.InvalidJSON, []string{"tags"}},
		{"tags an object", `{"longUrl":"https://example.com","tags":{"a":1}}`, 422, v1.InvalidJSON, []string{"tags"}},
		{"tag a number", `{"longUrl":"https://example.com","tags":["a",1]}`, 422, v1.InvalidJSON, []string{"tags"}},
		{"tag null", `{"longUrl":"https://example.com","tags":[null]}`, 422, v1.InvalidJSON, []string{"tags"}},
		{"tag a list", `{"longUrl":"https://example.com","tags":[["a"]]}`, 422, v1.InvalidJSON, []string{"tags"}},
		{"validSince a number", `{"longUrl":"https://example.com","validSince":1900000000}`, 422, v1.InvalidJSON, []string{"validSince"}},
		{"maxVisits a string", `{"longUrl":"https://example.com","maxVisits":"10"}`, 422, v1.InvalidJSON, []string{"maxVisits"}},
		{"maxVisits a boolean", `{"longUrl":"https://example.com","maxVisits":true}`, 422, v1.InvalidJSON, []string{"maxVisits"}},
		{"redirectStatus a string", `{"longUrl":"https://example.com","redirectStatus":"301"}`, 422, v1.InvalidJSON, []string{"redirectStatus"}},
		{"forwardQuery a number", `{"longUrl":"https://example.com","forwardQuery":0}`, 422, v1.InvalidJSON, []string{"forwardQuery"}},
		{"enabled a string", `{"longUrl":"https://example.com","enabled":"no"}`, 422, v1.InvalidJSON, []string{"enabled"}},
		{"password a number", `{"longUrl":"https://example.com","password":1234}`, 422, v1.InvalidJSON, []string{"password"}},
		{"shape of one field before the range of another", `{"longUrl":"https://example.com","maxVisits":0,"title":7}`, 422, v1.InvalidJSON, []string{"title"}},
		{"synonym of a wrong type", `{"url":1}`, 422, v1.InvalidJSON, []string{"url"}},
		{"field given twice", `{"longUrl":"https://example.com","longUrl":"https://example.com"}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"field given twice, once escaped", `{"longUrl":"https://example.com","long\u0055rl":"https://a.example"}`, 422, v1.InvalidJSON, []string{"longUrl"}},
		{"shape before fields", `{"longUrl":"javascript:alert(1)","colour":"red"}`, 422, v1.InvalidJSON, []string{"colour"}},
	}
}

// badFields are well-formed but ask for what cannot be.
func badFields() []badBody {
	const ok = `"longUrl":"https://example.com"`
	return []badBody{
		{"no longUrl", `{}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl null", `{"longUrl":null}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl empty", `{"longUrl":""}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"longUrl of 8193 bytes", `{"longUrl":"` + longURL(8193) + `"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"javascript", `{"longUrl":"javascript:alert(1)"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"javascript with slashes", `{"longUrl":"javascript://example.com/%0aalert(1)"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"data", `{"longUrl":"data:text/html,hi"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"ftp", `{"longUrl":"ftp://example.com"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"no scheme", `{"longUrl":"example.com"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"no host", `{"longUrl":"https:///path"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"line break", `{"longUrl":"https://example.com/\r\nSet-Cookie: a=b"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"NUL", `{"longUrl":"https://example.com/\u0000"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"C1 control character", `{"longUrl":"https://example.com/\u0085"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"own host", `{"longUrl":"https://sho.rt/abc"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"own host, shouting", `{"longUrl":"HTTPS://SHO.RT"}`, 422, v1.InvalidURL, []string{"longUrl"}},
		{"two targets that disagree", `{"longUrl":"https://a.example","url":"https://b.example"}`, 422, v1.InvalidField, []string{"longUrl"}},
		{"two slugs that disagree", `{` + ok + `,"customSlug":"one","alias":"two"}`, 422, v1.InvalidField, []string{"customSlug"}},
		{"slug empty", `{` + ok + `,"customSlug":""}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with a slash", `{` + ok + `,"customSlug":"a/b"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with a dash first", `{` + ok + `,"customSlug":"-a"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with an umlaut", `{` + ok + `,"customSlug":"süd"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug with a space", `{` + ok + `,"customSlug":"a "}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug of 129 bytes", `{` + ok + `,"customSlug":"` + strings.Repeat("a", 129) + `"}`, 422, v1.InvalidSlug, []string{"customSlug"}},
		{"slug reserved", `{` + ok + `,"customSlug":"healthz"}`, 422, v1.SlugReserved, []string{"customSlug"}},
		{"slug reserved in another case", `{` + ok + `,"customSlug":"API"}`, 422, v1.SlugReserved, []string{"customSlug"}},
		{"slug reserved by its end", `{` + ok + `,"customSlug":"index.PHP"}`, 422, v1.SlugReserved, []string{"customSlug"}},
		{"slug taken", `{` + ok + `,"customSlug":"taken"}`, 409, v1.SlugTaken, []string{"customSlug"}},
		{"slug of a deleted link", `{` + ok + `,"customSlug":"buried"}`, 409, v1.SlugTaken, []string{"customSlug"}},
		{"validUntil no time", `{` + ok + `,"validUntil":"tomorrow"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"validUntil without zone", `{` + ok + `,"validUntil":"2031-01-01T00:00:00"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"validUntil over", `{` + ok + `,"validUntil":"2030-01-31T12:00:00.123Z"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"validUntil beyond all years", `{` + ok + `,"validUntil":"9999-12-31T23:59:59-12:00"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"expiresIn no duration", `{` + ok + `,"expiresIn":"soon"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn in days", `{` + ok + `,"expiresIn":"1d"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn under a second", `{` + ok + `,"expiresIn":"999ms"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn negative", `{` + ok + `,"expiresIn":"-1h"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"expiresIn beyond all durations", `{` + ok + `,"expiresIn":"99999999h"}`, 422, v1.InvalidField, []string{"expiresIn"}},
		{"validUntil before all years", `{` + ok + `,"validUntil":"0001-01-01T00:00:00Z"}`, 422, v1.InvalidField, []string{"validUntil"}},
		{"title of 513 bytes", `{` + ok + `,"title":"` + strings.Repeat("t", 513) + `"}`, 422, v1.InvalidField, []string{"title"}},
		{"title with a line break", `{` + ok + `,"title":"a\nb"}`, 422, v1.InvalidField, []string{"title"}},
		{"21 tags", `{` + ok + `,"tags":["` + strings.Repeat(`t","`, 20) + `t"]}`, 422, v1.InvalidField, []string{"tags"}},
		{"a thousand tags", `{` + ok + `,"tags":["` + strings.Repeat(`t","`, 999) + `t"]}`, 422, v1.InvalidField, []string{"tags"}},
		{"tag of 65 bytes", `{` + ok + `,"tags":["` + strings.Repeat("t", 65) + `"]}`, 422, v1.InvalidField, []string{"tags"}},
		{"tag empty", `{` + ok + `,"tags":["a",""]}`, 422, v1.InvalidField, []string{"tags"}},
		{"tag with a space at its end", `{` + ok + `,"tags":["a "]}`, 422, v1.InvalidField, []string{"tags"}},
		{"tag with a control character", `{` + ok + `,"tags":["a\u0007"]}`, 422, v1.InvalidField, []string{"tags"}},
		{"validSince no time", `{` + ok + `,"validSince":"soon"}`, 422, v1.InvalidField, []string{"validSince"}},
		{"validSince empty", `{` + ok + `,"validSince":""}`, 422, v1.InvalidField, []string{"validSince"}},
		{"validSince before all years", `{` + ok + `,"validSince":"1969-12-31T23:59:59.999Z"}`, 422, v1.InvalidField, []string{"validSince"}},
		{"validSince beyond all years", `{` + ok + `,"validSince":"9999-12-31T23:59:59-12:00"}`, 422, v1.InvalidField, []string{"validSince"}},
		{"an end before the beginning", `{` + ok + `,"validSince":"2031-01-02T00:00:00Z","validUntil":"2031-01-01T00:00:00Z"}`, 422, v1.InvalidField, []string{"validSince", "validUntil"}},
		{"an end at the beginning", `{` + ok + `,"validSince":"2031-01-01T00:00:00Z","validUntil":"2031-01-01T00:00:00.0001Z"}`, 422, v1.InvalidField, []string{"validSince", "validUntil"}},
		{"an end before the beginning, by the leader's clock", `{` + ok + `,"validSince":"2031-01-02T00:00:00Z","expiresIn":"1h"}`, 422, v1.InvalidField, []string{"validSince", "validUntil"}},
		{"maxVisits 0", `{` + ok + `,"maxVisits":0}`, 422, v1.InvalidField, []string{"maxVisits"}},
		{"maxVisits negative", `{` + ok + `,"maxVisits":-1}`, 422, v1.InvalidField, []string{"maxVisits"}},
		{"maxVisits a fraction", `{` + ok + `,"maxVisits":1.5}`, 422, v1.InvalidField, []string{"maxVisits"}},
		{"maxVisits beyond what numbers are exact to", `{` + ok + `,"maxVisits":9007199254740992}`, 422, v1.InvalidField, []string{"maxVisits"}},
		{"maxVisits beyond all numbers", `{` + ok + `,"maxVisits":1e999}`, 422, v1.InvalidField, []string{"maxVisits"}},
		{"redirectStatus 200", `{` + ok + `,"redirectStatus":200}`, 422, v1.InvalidField, []string{"redirectStatus"}},
		{"redirectStatus 303", `{` + ok + `,"redirectStatus":303}`, 422, v1.InvalidField, []string{"redirectStatus"}},
		{"redirectStatus 0", `{` + ok + `,"redirectStatus":0}`, 422, v1.InvalidField, []string{"redirectStatus"}},
		{"redirectStatus a fraction", `{` + ok + `,"redirectStatus":301.5}`, 422, v1.InvalidField, []string{"redirectStatus"}},
		{"redirectStatus huge", `{` + ok + `,"redirectStatus":4294967597}`, 422, v1.InvalidField, []string{"redirectStatus"}},
		{"password empty", `{` + ok + `,"password":""}`, 422, v1.InvalidField, []string{"password"}},
		{"password of 1025 bytes", `{` + ok + `,"password":"` + strings.Repeat("p", 1025) + `"}`, 422, v1.InvalidField, []string{"password"}},
		{"password with a tab", `{` + ok + `,"password":"a\tb"}`, 422, v1.InvalidField, []string{"password"}},
		{"both ends", `{` + ok + `,"validUntil":"2031-01-01T00:00:00Z","expiresIn":"1h"}`, 422, v1.InvalidField, []string{"validUntil", "expiresIn"}},
	}
}

func TestCreateRefusesBadBodies(t *testing.T) {
	for _, test := range append(badShapes(), badFields()...) {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.add("taken", "https://example.com")
			f.service.deleted["buried"] = true
			w := f.do("POST", links, test.body)
			p := f.refused(w, test.status, test.code, test.elements...)
			if p.Instance != links {
				t.Errorf("instance %q", p.Instance)
			}
			late := strings.Contains(test.name, "leader") // what only the cluster can tell
			if test.status == 422 && len(f.service.drafts) != 0 && !late || len(f.service.links) != 1 || f.service.hashed != 0 {
				t.Errorf("the service was asked for %+v", f.service.drafts)
			}
		})
	}
}
