package openapitest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A schema is a part of JSON Schema 2020-12: as much as the document uses. What it does not know it refuses to compile, so that nothing
// is passed over in silence. It is compiled once, since the tests of the API judge tens of thousands of values.
type schema struct {
	types      []string
	enum       []any
	pattern    *regexp.Regexp
	format     string
	least      map[string]float64 // minimum, minLength, minItems
	most       map[string]float64 // maximum, maxLength, maxItems
	unique     bool
	required   []string
	properties map[string]*schema
	// others judges properties without a schema of their own; nil takes them all.
	others *schema
	items  *schema
	all    []*schema
	any    []*schema
	one    []*schema
	never  bool
}

// compiler makes schemas of one document.
type compiler struct {
	root map[string]any
	// closed says that objects have no properties but those that their schema names, unless it speaks of others: so it is with what
	// the service writes. (Its clients must take more, since documents grow.)
	closed bool
	known  map[string]*schema // by reference
}

// annotations say nothing of what is valid.
var annotations = []string{"description", "title", "examples", "default", "deprecated", "$comment"}

// compile makes a schema of a node. inner says that it is one of several that judge the same value, so that alone it does not know all
// properties.
func (c *compiler) compile(node any, inner bool) (*schema, error) {
	object, ok := node.(map[string]any)
	if !ok {
		if node == true {
			return &schema{}, nil
		}
		return &schema{never: node == false}, nil
	}
	if to, ok := object["$ref"].(string); ok {
		return c.refer(to, inner)
	}
	s := &schema{least: make(map[string]float64), most: make(map[string]float64)}
	for keyword, value := range object {
		if err := c.keyword(s, keyword, value); err != nil {
			return nil, fmt.Errorf("%s: %w", keyword, err)
		}
	}
	if c.closed && !inner && s.others == nil && object["additionalProperties"] == nil {
		if names := c.names(object); len(names) > 0 {
			s.closeTo(names)
		}
	}
	return s, nil
}

// refer gives the schema of a reference. It may refer to itself.
func (c *compiler) refer(to string, inner bool) (*schema, error) {
	key := fmt.Sprint(to, inner)
	if s, ok := c.known[key]; ok {
		return s, nil
	}
	target, err := lookup(c.root, to)
	if err != nil {
		return nil, err
	}
	s := &schema{}
	c.known[key] = s
	made, err := c.compile(target, inner)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	*s = *made
	return s, nil
}

// names are the properties that an object's schema speaks of, in whichever of its parts.
func (c *compiler) names(node map[string]any) map[string]bool {
	found := make(map[string]bool)
	if to, ok := node["$ref"].(string); ok {
		if target, err := lookup(c.root, to); err == nil {
			node = target
		}
	}
	properties, _ := node["properties"].(map[string]any)
	for name := range properties {
		found[name] = true
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		parts, _ := node[keyword].([]any)
		for _, part := range parts {
			if part, ok := part.(map[string]any); ok {
				for name := range c.names(part) {
					found[name] = true
				}
			}
		}
	}
	return found
}

// closeTo takes no properties but those named.
func (s *schema) closeTo(names map[string]bool) {
	if s.properties == nil {
		s.properties = make(map[string]*schema)
	}
	for name := range names {
		if s.properties[name] == nil {
			s.properties[name] = &schema{}
		}
	}
	s.others = &schema{never: true}
}

func (c *compiler) keyword(s *schema, keyword string, value any) (err error) {
	switch keyword {
	case "type":
		s.types = words(value)
	case "enum":
		s.enum, _ = value.([]any)
	case "const":
		s.enum = []any{value}
	case "pattern":
		s.pattern, err = regexp.Compile(value.(string))
	case "format":
		s.format, _ = value.(string)
	case "minimum", "minLength", "minItems":
		s.least[keyword] = number(value)
	case "maximum", "maxLength", "maxItems":
		s.most[keyword] = number(value)
	case "uniqueItems":
		s.unique = value == true
	case "required":
		s.required = words(value)
	case "additionalProperties":
		s.others, err = c.compile(value, false)
	case "items":
		s.items, err = c.compile(value, false)
	case "properties":
		s.properties = make(map[string]*schema)
		for name, property := range value.(map[string]any) {
			if s.properties[name], err = c.compile(property, false); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	case "allOf":
		s.all, err = c.list(value)
	case "anyOf":
		s.any, err = c.list(value)
	case "oneOf":
		s.one, err = c.list(value)
	default:
		if !slices.Contains(annotations, keyword) {
			err = fmt.Errorf("an unknown keyword")
		}
	}
	return err
}

func (c *compiler) list(value any) (found []*schema, err error) {
	parts, _ := value.([]any)
	for _, part := range parts {
		s, err := c.compile(part, true)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, nil
}

// check says what is wrong with a value, as encoding/json reads it with UseNumber; at is where it stands.
func (s *schema) check(value any, at string) error {
	if s.never {
		return fmt.Errorf("%s: there should be none", at)
	}
	if s.types != nil && !slices.ContainsFunc(s.types, func(t string) bool { return isOf(value, t) }) {
		return fmt.Errorf("%s: %s is not of type %s", at, show(value), strings.Join(s.types, " or "))
	}
	if s.enum != nil && !slices.ContainsFunc(s.enum, func(one any) bool { return equal(one, value) }) {
		return fmt.Errorf("%s: %s is none of %v", at, show(value), s.enum)
	}
	var err error
	switch value := value.(type) {
	case string:
		err = s.checkText(value)
	case json.Number:
		err = s.checkRange("imum", number(value))
	case []any:
		return s.combine(value, at, s.checkList(value, at))
	case map[string]any:
		return s.combine(value, at, s.checkObject(value, at))
	}
	if err != nil {
		return fmt.Errorf("%s: %s %w", at, show(value), err)
	}
	return s.combine(value, at, nil)
}

// combine goes on with the schemas that judge the same value.
func (s *schema) combine(value any, at string, err error) error {
	if err != nil {
		return err
	}
	for _, one := range s.all {
		if err := one.check(value, at); err != nil {
			return err
		}
	}
	if s.any != nil {
		if n, err := fitting(s.any, value, at); n == 0 {
			return fmt.Errorf("%s: none of anyOf fits: %w", at, err)
		}
	}
	if s.one != nil {
		if n, err := fitting(s.one, value, at); n != 1 {
			return fmt.Errorf("%s: %d of oneOf fit: %w", at, n, err)
		}
	}
	return nil
}

// fitting counts the schemas that a value is of, and gives what the others say.
func fitting(all []*schema, value any, at string) (n int, _ error) {
	var says []string
	for _, s := range all {
		if err := s.check(value, at); err != nil {
			says = append(says, err.Error())
		} else {
			n++
		}
	}
	return n, fmt.Errorf("(%s)", strings.Join(says, "; "))
}

func (s *schema) checkText(text string) error {
	if err := s.checkRange("Length", float64(utf8.RuneCountInString(text))); err != nil {
		return err
	}
	if s.pattern != nil && !s.pattern.MatchString(text) {
		return fmt.Errorf("does not match %s", s.pattern)
	}
	switch s.format {
	case "date-time":
		_, err := time.Parse(time.RFC3339, text)
		return err
	case "uri":
		if u, err := url.Parse(text); err != nil || !u.IsAbs() {
			return fmt.Errorf("is no absolute URL")
		}
	}
	return nil
}

// checkRange judges a number by the bounds whose names end like that.
func (s *schema) checkRange(name string, n float64) error {
	if least, ok := s.least["min"+name]; ok && n < least {
		return fmt.Errorf("is below %v", least)
	}
	if most, ok := s.most["max"+name]; ok && n > most {
		return fmt.Errorf("is beyond %v", most)
	}
	return nil
}

func (s *schema) checkList(list []any, at string) error {
	if err := s.checkRange("Items", float64(len(list))); err != nil {
		return fmt.Errorf("%s: the number of items %w", at, err)
	}
	for i, item := range list {
		if s.unique && slices.ContainsFunc(list[:i], func(before any) bool { return equal(before, item) }) {
			return fmt.Errorf("%s/%d: it came before", at, i)
		}
		if s.items != nil {
			if err := s.items.check(item, fmt.Sprint(at, "/", i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *schema) checkObject(object map[string]any, at string) error {
	for _, name := range s.required {
		if _, ok := object[name]; !ok {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
	}
	for name, value := range object {
		judge := s.properties[name]
		if judge == nil {
			judge = s.others
		}
		if judge == nil {
			continue
		}
		if err := judge.check(value, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func isOf(value any, kind string) bool {
	switch v := value.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case json.Number:
		return kind == "number" || kind == "integer" && number(v) == math.Trunc(number(v))
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}

func equal(a, b any) bool {
	if x, ok := a.(json.Number); ok {
		y, ok := b.(json.Number)
		return ok && number(x) == number(y)
	}
	return reflect.DeepEqual(a, b)
}

func number(value any) float64 {
	n, _ := value.(json.Number)
	f, _ := n.Float64() // beyond all numbers it is infinite
	return f
}

// words are a string, or a list of strings.
func words(value any) (found []string) {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	list, _ := value.([]any)
	for _, one := range list {
		word, _ := one.(string)
		found = append(found, word)
	}
	return found
}

// maxShown is how many bytes of a value are shown.
const maxShown = 80

func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(text) > maxShown {
		return string(text[:maxShown]) + "…"
	}
	return string(text)
}
