package api

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"rsc.io/qr"

	"tinyurl/api/v1"
	"tinyurl/fsm/link"
)

// dark is what of a picture is black, as rows of modules without the margin.
type dark [][]bool

func darkOf(t *testing.T, text string, level qr.Level) dark {
	t.Helper()
	code, err := qr.Encode(text, level)
	if err != nil {
		t.Fatal(err)
	}
	return grid(code.Size, code.Black)
}

func grid(side int, black func(x, y int) bool) dark {
	rows := make(dark, side)
	for y := range rows {
		rows[y] = make([]bool, side)
		for x := range rows[y] {
			rows[y][x] = black(x, y)
		}
	}
	return rows
}

// svgDoc is an SVG of paths.
type svgDoc struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	Width   string   `xml:"width,attr"`
	ViewBox string   `xml:"viewBox,attr"`
	Paths   []struct {
		Fill string `xml:"fill,attr"`
		D    string `xml:"d,attr"`
	} `xml:"path"`
}

func TestAnSVGShowsTheShortURL(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	for query, want := range map[string]struct {
		level  qr.Level
		margin int
		width  string
	}{
		"":                                      {qr.M, 4, "300"},
		"?format=svg&level=L&margin=0&size=32":  {qr.L, 0, "32"},
		"?level=Q&margin=16&size=1024":          {qr.Q, 16, "1024"},
		"?level=H&margin=1&consistency=local":   {qr.H, 1, "300"},
		"?level=M&margin=4&size=300&format=svg": {qr.M, 4, "300"},
		"?level=M&consistency=linearizable":     {qr.M, 4, "300"},
	} {
		w := f.do("GET", links+"/abc/qr"+query, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" || w.Header().Get("Content-Security-Policy") == "" {
			t.Fatalf("%s: status %d, header %v: %s", query, w.Code, w.Header(), w.Body)
		}
		var doc svgDoc
		if err := xml.Unmarshal(w.Body.Bytes(), &doc); err != nil || len(doc.Paths) != 2 || doc.Width != want.width || doc.Paths[0].Fill != "#fff" {
			t.Fatalf("%s: %v in %s", query, err, w.Body)
		}
		wanted := darkOf(t, "https://sho.rt/abc", want.level)
		drawn := make(dark, len(wanted))
		for y := range drawn {
			drawn[y] = make([]bool, len(wanted))
		}
		for _, rectangle := range strings.Split(strings.TrimSuffix(doc.Paths[1].D, "z"), "z") {
			x, y, width := rectangleOf(t, rectangle)
			for i := range width {
				drawn[y-want.margin][x-want.margin+i] = true
			}
		}
		sameDark(t, query, wanted, drawn)
	}
}

func sameDark(t *testing.T, what string, want, got dark) {
	t.Helper()
	for y := range want {
		for x := range want[y] {
			if want[y][x] != got[y][x] {
				t.Fatalf("%s: the module at %d, %d is wrong", what, x, y)
			}
		}
	}
}

func TestAPNGShowsTheShortURL(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com")
	for query, margin := range map[string]int{
		"format=png": 4, "format=png&size=1024&margin=16": 16, "format=png&size=33&margin=4": 4, "format=png&size=301&margin=0": 0,
	} {
		w := f.do("GET", links+"/abc/qr?"+query, "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" {
			t.Fatalf("%s: status %d, header %v: %s", query, w.Code, w.Header(), w.Body)
		}
		drawn, err := png.Decode(bytes.NewReader(w.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		wanted := darkOf(t, "https://sho.rt/abc", qr.M)
		size := drawn.Bounds().Dx()
		scale := size / (len(wanted) + 2*margin)
		begins := (size - scale*len(wanted)) / 2
		if begins < margin*scale || drawn.Bounds().Dy() != size {
			t.Errorf("%s: a margin of %d pixels, at %d a module", query, begins, scale)
		}
		sameDark(t, query, wanted, grid(len(wanted), func(x, y int) bool {
			first := isDark(drawn, begins+x*scale, begins+y*scale)
			if last := isDark(drawn, begins+(x+1)*scale-1, begins+(y+1)*scale-1); first != last {
				t.Errorf("%s: the module at %d, %d is of two colours", query, x, y)
			}
			return first
		}))
		inside := image.Rect(begins, begins, begins+scale*len(wanted), begins+scale*len(wanted))
		for y := range size {
			for x := range size {
				if !(image.Point{X: x, Y: y}).In(inside) && isDark(drawn, x, y) {
					t.Fatalf("%s: the margin is dark at %d, %d", query, x, y)
				}
			}
		}
	}
}

func isDark(i image.Image, x, y int) bool {
	return color.GrayModel.Convert(i.At(x, y)) == color.Gray{}
}

func rectangleOf(t *testing.T, path string) (x, y, width int) {
	t.Helper()
	var back int
	if n, err := fmt.Sscanf(path, "M%d %dh%dv1h-%d", &x, &y, &width, &back); n != 4 || err != nil || back != width || width < 1 {
		t.Fatalf("path %q", path)
	}
	return x, y, width
}

func TestQRCodesRefuseBadQueries(t *testing.T) {
	for query, element := range map[string]string{
		"format=gif": "format", "format=": "format", "format=SVG": "format", "size=31": "size", "size=1025": "size", "size=-1": "size", "size=": "size",
		"size=10.5": "size", "size=1e3": "size", "margin=-1": "margin", "margin=17": "margin", "margin=x": "margin", "level=": "level", "level=X": "level",
		"level=m": "level", "level=LM": "level", "color=red": "color", "size=100&size=100": "size", "format=png&size=32": "size",
		"format=png&size=56&margin=16": "size", "consistency=x": "consistency",
	} {
		f := newFixture(t)
		f.add("abc", "https://example.com")
		f.refused(f.do("GET", links+"/abc/qr?"+query, ""), 422, v1.InvalidField, element)
	}
	f := newFixture(t)
	f.service.deleted["buried"] = true
	f.refused(f.do("GET", links+"/missing/qr", ""), 404, v1.NotFound)
	f.refused(f.do("GET", links+"/a.b/qr", ""), 404, v1.NotFound)
	f.refused(f.do("GET", links+"/buried/qr", ""), 410, v1.Gone)
}

func TestQRCodesMayBeKeptByTheirReaderAlone(t *testing.T) {
	f := newFixture(t)
	f.add("abc", "https://example.com", func(l *link.Link) { l.ValidUntil, l.Password = noon.Add(-1), "$x" })
	f.add("abd", "https://example.com")
	seen := make(map[string]string)
	for _, path := range []string{"/abc/qr", "/abd/qr", "/abc/qr?level=H", "/abc/qr?margin=2", "/abc/qr?size=100", "/abc/qr?format=png", "/bulk/qr"} {
		if path == "/bulk/qr" {
			f.add("bulk", "https://example.com")
		}
		w, again := f.do("GET", links+path, ""), f.do("HEAD", links+path, "")
		tag := w.Header().Get("ETag")
		if w.Code != 200 || again.Code != 200 || again.Header().Get("ETag") != tag || !isETag(tag) || w.Header().Get("Cache-Control") != "private, max-age=3600" {
			t.Errorf("%s: status %d, header %v", path, w.Code, w.Header())
		}
		if other, ok := seen[tag]; ok {
			t.Errorf("%s and %s have one ETag", path, other)
		}
		seen[tag] = path
	}
}

func BenchmarkLargestPNG(b *testing.B) {
	p := picture{png: true, size: maxSize, margin: usualMargin, level: qr.M}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.draw("https://sho.rt/abcdefg"); err != nil {
			b.Fatal(err)
		}
	}
}
