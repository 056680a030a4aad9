package generate

import "math"

// paintCircles fills the sheet with circles that never touch, from large to
// small, each turned into a disc, a target, a planet or a pair of halves.
func paintCircles(b *brush) {
	w, h := float64(b.w), float64(b.h)
	dark := b.says("space", "star", "planet", "galaxy", "night", "universe", "cosmic", "moon") || b.rand.IntN(3) == 0
	base, deep := b.at(0.97), b.at(1)
	if dark {
		base, deep = b.at(0.03), b.at(0.1)
	}
	b.shade(func(x, y int, _ rgb) rgb {
		return mix(deep, base, math.Hypot(float64(x)/w-0.5, float64(y)/h-0.5)*1.5)
	})

	type circle struct{ x, y, r float64 }
	var all []circle
	const gap, edge = 5.0, 26.0
	for try := range 5200 {
		x, y := b.between(edge, w-edge), b.between(edge, h-edge)
		// The largest size falls with each try, so that the giants come first.
		r := min(128*math.Exp(-float64(try)/500)+16, x-edge, y-edge, w-edge-x, h-edge-y)
		for _, c := range all {
			if r = min(r, math.Hypot(c.x-x, c.y-y)-c.r-gap); r < 3 {
				break
			}
		}
		if r >= 3 {
			all = append(all, circle{x, y, r})
		}
	}
	for _, c := range all {
		if b.stopped() {
			return
		}
		paintCircle(b, c.x, c.y, c.r, dark)
	}
}

func paintCircle(b *brush, x, y, r float64, dark bool) {
	ink := func() rgb {
		c := b.ink(b.rand)
		if dark && c == b.stops[0] {
			return b.stops[4]
		}
		return c
	}
	first, second := ink(), ink()
	if first == second {
		second = b.at(0.9)
	}
	kind := b.rand.IntN(6)
	switch {
	case r < 12:
		kind = 0
	case r > 55: // a large plain disc would be dull
		kind = 2 + b.rand.IntN(4)
	}
	switch kind {
	case 0, 1:
		b.disc(x, y, r, first, 1)
	case 2: // a target
		rings := 2 + int(r/22)
		for i := range rings {
			c := first
			if i%2 == 1 {
				c = second
			}
			b.disc(x, y, r*float64(rings-i)/float64(rings), c, 1)
		}
	case 3: // fine rings
		for q := r - 1.5; q > 2; q -= 6 {
			b.ring(x, y, q, 2.4, first, 1)
		}
	case 4: // a planet: light falls on it from one side
		b.disc(x, y, r, first, 1)
		shade := mix(first, b.at(0), 0.6)
		b.blend(x-r, y-r, x+r, y+r, shade, 0.85, func(px, py float64) float64 {
			inside := math.Hypot(px-x, py-y) - r
			lit := r*1.02 - math.Hypot(px-(x-r*0.38), py-(y-r*0.34))
			return max(inside, lit)
		})
		b.disc(x-r*0.38, y-r*0.36, r*0.12, mix(first, hex32(0xffffff), 0.7), 0.5)
	default: // two halves
		turn := float64(b.rand.IntN(8)) * math.Pi / 4
		sin, cos := math.Sincos(turn)
		b.disc(x, y, r, first, 1)
		b.blend(x-r, y-r, x+r, y+r, second, 1, func(px, py float64) float64 {
			return max(math.Hypot(px-x, py-y)-r, (px-x)*cos+(py-y)*sin)
		})
	}
}
