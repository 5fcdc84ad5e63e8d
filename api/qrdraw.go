package api

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"rsc.io/qr"
)

// svg draws a code with one path: each run of dark modules in a row is a rectangle.
func (p picture) svg(code *qr.Code) []byte {
	var out bytes.Buffer
	side := code.Size + 2*p.margin
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, p.size, p.size, side, side)
	fmt.Fprintf(&out, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; {
			run := darkRun(code, x, y)
			if run > 0 {
				fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", x+p.margin, y+p.margin, run, run)
			}
			x += run + 1 // what ends a run is light
		}
	}
	out.WriteString(`"/></svg>` + "\n")
	return out.Bytes()
}

// darkRun is how many dark modules there are from (x, y) to the right.
func darkRun(code *qr.Code, x, y int) int {
	n := 0
	for code.Black(x+n, y) { // beyond its edge a code is light
		n++
	}
	return n
}

// raster draws a code as a PNG of just the size wanted: modules of as many whole pixels as fit, in its middle.
func (p picture) raster(code *qr.Code) ([]byte, error) {
	scale := p.size / (code.Size + 2*p.margin)
	var out bytes.Buffer
	err := png.Encode(&out, &raster{code: code, size: p.size, scale: scale, begins: (p.size - scale*code.Size) / 2})
	return out.Bytes(), err
}

// raster is a code as an image of two colours. Its pixels are worked out when they are asked for, so that a large picture takes no
// memory but for what is written.
type raster struct {
	code                *qr.Code
	size, scale, begins int // begins is where the first module does, in both directions
}

// raster is image.PalettedImage.
var _ image.PalettedImage = (*raster)(nil)

// ColorModel is white and black.
func (*raster) ColorModel() color.Model { return color.Palette{color.White, color.Black} }

// Bounds is a square.
func (r *raster) Bounds() image.Rectangle { return image.Rect(0, 0, r.size, r.size) }

// ColorIndexAt is 1 for dark pixels.
func (r *raster) ColorIndexAt(x, y int) uint8 {
	if x, y = x-r.begins, y-r.begins; x >= 0 && y >= 0 && r.code.Black(x/r.scale, y/r.scale) {
		return 1
	}
	return 0
}

// At is the colour of a pixel.
func (r *raster) At(x, y int) color.Color {
	if r.ColorIndexAt(x, y) == 1 {
		return color.Black
	}
	return color.White
}
