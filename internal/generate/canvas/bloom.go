package canvas

import (
	"math"
	"slices"
)

// paintBloom paints large dahlias over leaves. Petals follow the golden angle, as in
// plants.
func paintBloom(b *brush) {
	w, h := float64(b.w), float64(b.h)
	dark := b.rand.IntN(2) == 0
	low, high := 0.9, 1.0
	if dark {
		low, high = 0.0, 0.14
	}
	shift := b.between(0, 99)
	cloud := newField(b.w, b.h, 8, func(x, y float64) float64 { return b.noise.layers(x/500+shift, y/500+shift, 3) })
	b.shade(func(x, y int, _ rgb) rgb {
		t := clamp(0.5 + 0.6*cloud.at(float64(x), float64(y)) + 0.3*(float64(y)/h-0.5))
		return b.at(low + (high-low)*t)
	})

	type flower struct{ x, y, r float64 }
	var flowers []flower
	for try := range 400 {
		f := flower{b.between(0.1, 0.9) * w, b.between(0.1, 0.9) * h, 0}
		f.r = 215 - 0.45*float64(try)
		clear := !slices.ContainsFunc(flowers, func(o flower) bool {
			return math.Hypot(o.x-f.x, o.y-f.y) < 0.9*(o.r+f.r)
		})
		if clear && f.r > 45 {
			flowers = append(flowers, f)
		}
		if len(flowers) == 11 {
			break
		}
	}
	green := b.at(0.3)
	if dark {
		green = b.at(0.24)
	}
	for _, f := range flowers {
		for range 7 {
			angle := b.between(0, 2*math.Pi)
			long := f.r * b.between(1.2, 1.6)
			tone := mix(green, b.at(0.5), b.between(0, 0.45))
			b.petal(leaf{f.x, f.y, long, long * b.between(0.28, 0.4), angle}, mix(tone, b.at(0.05), 0.45), tone)
		}
	}
	slices.Reverse(flowers) // the large ones on top
	for i, f := range flowers {
		if b.stopped() {
			return
		}
		paintDahlia(b, f.x, f.y, f.r, (i+b.rand.IntN(2))%3)
	}
}

func paintDahlia(b *brush, cx, cy, r float64, kind int) {
	outer, inner := b.at(0.72), b.at(0.3)
	switch kind {
	case 1:
		outer, inner = b.at(0.98), b.at(0.62)
	case 2:
		outer, inner = mix(b.accent, b.at(1), 0.25), mix(b.accent, b.at(0.1), 0.5)
	}
	turn := b.between(0, 2*math.Pi)
	const golden = 2.399963229728653
	n := 50 + int(r*0.34)
	for i := n; i >= 1; i-- {
		t := math.Sqrt(float64(i) / float64(n)) // 1 at the rim
		angle := turn + golden*float64(i)
		from := r * 0.5 * t * t
		long := r * (0.16 + 0.5*t) * b.between(0.94, 1.04)
		wide := long * (0.5 + 0.12*(1-t))
		tip := mix(inner, outer, 0.25+0.75*t)
		foot := mix(mix(inner, b.at(0.04), 0.35), tip, 0.15)
		b.petal(leaf{cx + from*math.Cos(angle), cy + from*math.Sin(angle), min(long, r-from), wide, angle}, foot, tip)
	}
	for i := range 34 {
		t := math.Sqrt(float64(i) / 34)
		a := golden * float64(i)
		b.disc(cx+r*0.12*t*math.Cos(a), cy+r*0.12*t*math.Sin(a), r*0.018+0.6, tint{mix(b.accent, b.at(1), 0.5*t), 0.95})
	}
}
