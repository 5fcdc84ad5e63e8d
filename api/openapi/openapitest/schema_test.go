package openapitest

import (
	"encoding/json"
	"strings"
	"testing"
)

// compiled makes a schema of a text, of a document whose other schemas are those named.
func compiled(t *testing.T, closed bool, text string) (*schema, error) {
	t.Helper()
	var root, node any
	if err := read(`{"components":{"schemas":{
		"Name": {"type":"string","maxLength":3},
		"Tree": {"type":"object","properties":{"left":{"$ref":"#/components/schemas/Tree"}}},
		"Pair": {"type":"object","required":["a"],"properties":{"a":{},"b":{}}}
	}}}`, &root); err != nil {
		t.Fatal(err)
	}
	if err := read(text, &node); err != nil {
		t.Fatal(err)
	}
	object, _ := root.(map[string]any)
	return (&compiler{root: object, closed: closed, known: make(map[string]*schema)}).compile(node, false)
}

func read(text string, value *any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(value)
}

func TestSchemasJudgeAsJSONSchemaDoes(t *testing.T) {
	for _, test := range []struct{ schema, good, bad string }{
		{`true`, `1 null "x"`, ``},
		{`false`, ``, `1 null`},
		{`{}`, `1 null {}`, ``},
		{`{"type":"integer"}`, `1 1e1 10.0 -3`, `1.5 "1" null true`},
		{`{"type":["string","null"]}`, `"x" null`, `1 {} []`},
		{`{"type":"object"}`, `{}`, `[] null`},
		{`{"type":"boolean"}`, `true false`, `0 "true"`},
		{`{"enum":[301,"a",null]}`, `301 3.01e2 "a" null`, `302 "b" false`},
		{`{"const":"a"}`, `"a"`, `"b" 1`},
		{`{"minimum":1,"maximum":3}`, `1 3 "x"`, `0 4 -1e99 1e999`},
		{`{"minLength":2,"maxLength":3}`, `"ab" "äöü" 7`, `"a" "abcd"`},
		{`{"pattern":"^a+$"}`, `"aa" 1`, `"b" ""`},
		{`{"format":"date-time"}`, `"2030-01-31T12:00:00.123Z" "2030-01-31T12:00:00+01:00" 1`, `"2030-01-31" "x"`},
		{`{"format":"uri"}`, `"https://example.com/ü"`, `"/path" "%zz:"`},
		{`{"minItems":1,"maxItems":2,"uniqueItems":true,"items":{"type":"string"}}`, `["a"] ["a","b"] {}`, `[] ["a","b","c"] ["a","a"] [1]`},
		{`{"required":["a"],"properties":{"a":{"type":"string"}}}`, `{"a":"x"} {"a":"x","b":1} 1`, `{} {"a":1}`},
		{`{"properties":{"a":{}},"additionalProperties":false}`, `{} {"a":1}`, `{"b":1}`},
		{`{"additionalProperties":{"type":"string"}}`, `{"x":"y"}`, `{"x":1}`},
		{`{"allOf":[{"type":"string"},{"maxLength":1}]}`, `"a"`, `"ab" 1`},
		{`{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `"a" 1`, `null`},
		{`{"oneOf":[{"type":"integer"},{"minimum":5}]}`, `1 5.5`, `7 1.5`},
		{`{"$ref":"#/components/schemas/Name"}`, `"abc"`, `"abcd" 1`},
		{`{"$ref":"#/components/schemas/Tree"}`, `{"left":{"left":{}}}`, `{"left":{"left":1}}`},
	} {
		s, err := compiled(t, false, test.schema)
		if err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		for text, want := range map[string]bool{test.good: true, test.bad: false} {
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.UseNumber()
			for decoder.More() {
				var value any
				if err := decoder.Decode(&value); err != nil {
					t.Fatal(err)
				}
				if err := s.check(value, "it"); (err == nil) != want {
					t.Errorf("%s says of %s: %v", test.schema, show(value), err)
				}
			}
		}
	}
}

func TestWhatAnswersHoldMustBeNamed(t *testing.T) {
	for _, test := range []struct{ schema, good, bad string }{
		{`{"properties":{"a":{}}}`, `{"a":1}`, `{"b":1}`},
		{`{"properties":{"a":{"properties":{"x":{}}}}}`, `{"a":{"x":1}}`, `{"a":{"y":1}}`},
		{`{"properties":{"a":{}},"additionalProperties":true}`, `{"b":1}`, ``},
		{`{"type":"object"}`, `{"b":1}`, ``},
		{`{"$ref":"#/components/schemas/Pair"}`, `{"a":1,"b":2}`, `{"a":1,"c":2}`},
		{`{"allOf":[{"$ref":"#/components/schemas/Pair"},{"properties":{"c":{"const":1}}}]}`, `{"a":1,"c":1}`, `{"a":1,"d":1}`},
		{`{"allOf":[{"$ref":"#/components/schemas/Pair"},{"required":["b"]}]}`, `{"a":1,"b":1}`, `{"a":1}`},
	} {
		s, err := compiled(t, true, test.schema)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{test.good: true, test.bad: false} {
			var value any
			if text == "" {
				continue
			}
			if err := read(text, &value); err != nil {
				t.Fatal(err)
			}
			if err := s.check(value, "it"); (err == nil) != want {
				t.Errorf("%s says of %s: %v", test.schema, text, err)
			}
		}
	}
}

func TestWhatCannotBeJudgedIsNotCompiled(t *testing.T) {
	for _, text := range []string{`{"if":{}}`, `{"nullable":true}`, `{"items":{"not":{}}}`, `{"$ref":"#/components/schemas/Nobody"}`, `{"pattern":"("}`, `{"properties":{"a":{"typ":"string"}}}`} {
		if _, err := compiled(t, false, text); err == nil {
			t.Errorf("%s was compiled", text)
		}
	}
}
