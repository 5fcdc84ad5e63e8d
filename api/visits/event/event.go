// Package event owns what is told of one visit to those who want each visit and not only counts, the log file and the live stream,
// and the line it is written as.
//
// # The line
//
// A visit is one JSON object (RFC 8259) in UTF-8. No line break is within it, so that lines ended by "\n" are NDJSON, which log
// shippers carry to Kafka as they are, and ClickHouse reads as JSONEachRow (with date_time_input_format = 'best_effort'). One line:
//
//	{"time":"2026-03-04T05:06:07.089Z","code":"go","target":"https://go.dev/","status":302,"browser":"Firefox","country":"CH","bot":false}
//
// The keys come in this order:
//
//	time      string   when the visit was answered: RFC 3339, UTC, always with three digits of milliseconds
//	code      string   what was asked for
//	target    string   where the visit was led
//	status    number   the HTTP status of the answer
//	referrer  string   the host of the page that led here
//	browser   string   a name such as "Firefox"
//	system    string   the operating system's name
//	device    string   a class such as "mobile"
//	language  string   the first language that the browser asks for, such as "de"
//	country   string   a country's two letters, such as "CH"
//	bot       boolean  whether this was a program and not a person
//	address   string   the visitor's address, where a setting says that addresses are written
//
// time, code, status and bot are in every line, all others only if they are known. Readers should pass over keys they do not know:
// more may come, at the end or in between. Bytes that are not UTF-8 are written as U+FFFD, one for each.
package event

import (
	"strconv"
	"time"
)

// Event is one visit, as those get it who want each one: the log file and the live stream. The package says what the fields are;
// what is empty is not known.
type Event struct {
	Time         time.Time // of the years 0 to 9999; others are not RFC 3339 when they are written
	Code, Target string
	Status       int
	// Classes of what the visitor told, not what the visitor told.
	Referrer, Browser, System, Device, Language, Country string
	Bot                                                  bool
	Address                                              string // empty unless a setting says that addresses are written
}

// timeLayout is RFC 3339 with milliseconds, for moments that are in UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Append appends the event to line as one JSON object, without a line break behind it. It allocates nothing but what line has no
// room for.
func (e Event) Append(line []byte) []byte {
	line = append(line, `{"time":"`...)
	line = e.Time.UTC().AppendFormat(line, timeLayout)
	line = appendString(append(line, `","code":`...), e.Code)
	line = appendKnown(line, `,"target":`, e.Target)
	line = strconv.AppendInt(append(line, `,"status":`...), int64(e.Status), 10)
	line = appendKnown(line, `,"referrer":`, e.Referrer)
	line = appendKnown(line, `,"browser":`, e.Browser)
	line = appendKnown(line, `,"system":`, e.System)
	line = appendKnown(line, `,"device":`, e.Device)
	line = appendKnown(line, `,"language":`, e.Language)
	line = appendKnown(line, `,"country":`, e.Country)
	line = strconv.AppendBool(append(line, `,"bot":`...), e.Bot)
	line = appendKnown(line, `,"address":`, e.Address)
	return append(line, '}')
}

// appendKnown appends a key and its value, unless it is empty.
func appendKnown(line []byte, key, value string) []byte {
	if value == "" {
		return line
	}
	return appendString(append(line, key...), value)
}
