package generate

import "math"

// paintLayers is cut paper: sheets laid on one another, each with a hole of its
// own shape, and the shadow that it throws on the sheet below.
func paintLayers(b *brush) {
	w, h := float64(b.w), float64(b.h)
	shift, scale := b.between(0, 99), b.between(330, 520)
	cx, cy := w*b.between(0.3, 0.7), h*b.between(0.3, 0.7)
	height := newField(b.w, b.h, 4, func(x, y float64) float64 {
		// The plane is bent by one noise before another is read from it.
		bx := b.noise.layers(x/scale+shift, y/scale, 2)
		by := b.noise.layers(x/scale, y/scale+shift+7, 2)
		hole := math.Hypot((x-cx)/w, (y-cy)/h)
		return 0.95*hole + 0.42*b.noise.layers(x/scale+0.9*bx+3, y/scale+0.9*by+shift, 3)
	})
	const sheets = 9
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range height.v {
		lo, hi = min(lo, v), max(hi, v)
	}
	level := func(x, y float64) float64 { return (height.at(x, y) - lo) / (hi - lo) * sheets }
	upward := b.rand.IntN(2) == 0
	colour := make([]rgb, sheets+1)
	for i := range colour {
		t := float64(i) / sheets
		if !upward {
			t = 1 - t
		}
		colour[i] = b.at(0.04 + 0.94*t)
	}
	colour[1+b.rand.IntN(sheets-2)] = b.accent
	shadow := b.at(0)
	b.shade(func(px, py int, _ rgb) rgb {
		x, y := float64(px), float64(py)
		v := level(x, y)
		k := int(min(v, sheets))
		// How many pixels it is to the edge of this sheet, from the slope.
		slope := math.Hypot(level(x+1, y)-v, level(x, y+1)-v) + 1e-6
		c := colour[k]
		// Sheets above, toward the light, throw a soft shadow: three looks.
		dark := 0.0
		for i, reach := range [...]float64{5, 11, 19} {
			above := level(x-reach*0.7, y-reach) - float64(k+1)
			dark += [...]float64{0.2, 0.14, 0.09}[i] * smooth(-0.02, 0.06, above)
		}
		c = mix(c, shadow, dark)
		if edge := (v - float64(k)) / slope; k > 0 && edge < 2.2 {
			// The cut edge of the paper catches the light; it is smoothed as well.
			bright := mix(c, hex32(0xffffff), 0.28)
			c = mix(mix(colour[k-1], shadow, 0.25), bright, clamp(edge))
			if edge > 1 {
				c = mix(bright, mix(colour[k], shadow, dark), clamp(edge-1))
			}
		}
		return c
	})
}
