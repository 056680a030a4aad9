package canvas

import "math"

// paintHills paints ridges behind one another, hazy with distance, under a low sun or,
// at night, a moon and stars.
func paintHills(b *brush) {
	w, h := float64(b.w), float64(b.h)
	night := b.says("night", "moon", "star", "midnight") || b.rand.IntN(4) == 0 && !b.says("sunset", "dawn", "day", "morning")
	low, high := 0.18, 1.0 // the sky on the ramp, from its top to the horizon
	if night {
		low, high = 0, 0.55
	} else if b.says("day", "morning", "dawn", "spring", "summer") || b.rand.IntN(3) == 0 {
		low, high = 0.62, 1.0
	}
	horizon := h * b.between(0.5, 0.6)
	b.shade(func(_, y int, _ rgb) rgb {
		return b.at(low + (high-low)*smooth(0, 1, float64(y)/horizon))
	})

	sunX, sunY, sunR := w*b.between(0.22, 0.78), horizon*b.between(0.45, 0.8), b.between(42, 74)
	light := mix(b.at(1), b.accent, 0.35)
	if night {
		paintStars(b, horizon)
		sunY, sunR = horizon*b.between(0.25, 0.5), b.between(34, 50)
		light = mix(b.at(1), hex32(0xfff9e6), 0.7)
	}
	b.glow(sunX, sunY, sunR*7, tint{light, 0.55})
	b.disc(sunX, sunY, sunR, tint{mix(light, hex32(0xffffff), 0.45), 1})
	paintClouds(b, horizon, b.at(high))

	const ridges = 6
	for i := range ridges {
		if b.stopped() {
			return
		}
		near := float64(i+1) / ridges
		base := horizon + (h-horizon)*(near-0.22)*0.85
		rough := 60 + 70*(1-near)
		scale := 1.5 + 2.5*near
		shift := b.between(0, 200)
		top := make([]float64, b.w)
		for x := range top {
			u := float64(x) / w * scale
			peak := 1 - math.Abs(b.noise.at(u*0.9+shift, shift)) // sharp where the noise crosses zero
			top[x] = base - rough*(1.3*peak*peak-0.7) - 26*b.noise.layers(u*2.5+shift, shift+9, 5)
		}
		deep := mix(b.at(high*0.85), b.at(0.02), 0.18+0.82*math.Pow(near, 0.8))
		haze := mix(deep, b.at(high), 0.42*(1-near*0.7))
		if i == ridges-1 {
			haze = mix(deep, b.at(0.15), 0.4)
		}
		if i >= ridges-2 {
			paintTrees(b, top, near, deep)
		}
		b.shade(func(x, y int, under rgb) rgb {
			below := float64(y) + 0.5 - top[x]
			if below <= -0.5 {
				return under
			}
			return mix(under, mix(deep, haze, smooth(0, 190, below)), min(1, below+0.5))
		})
	}
}

func paintStars(b *brush, horizon float64) {
	for range 260 {
		x, y := b.between(0, float64(b.w)), b.between(0, horizon)
		size := 0.5 + 1.3*math.Pow(b.rand.Float64(), 4)
		b.disc(x, y, size, tint{hex32(0xfffdf2), (0.25 + 0.75*b.rand.Float64()) * (1 - 0.7*y/horizon)})
	}
}

// paintClouds draws long thin veils that get denser toward the horizon.
func paintClouds(b *brush, horizon float64, c rgb) {
	shift := b.between(0, 99)
	veil := newField(b.w, int(horizon), 4, func(x, y float64) float64 {
		return b.noise.layers(x/float64(b.w)*2.2+shift, y/horizon*9+shift, 4)
	})
	b.shade(func(x, y int, under rgb) rgb {
		if float64(y) > horizon {
			return under
		}
		v := smooth(0.02, 0.6, veil.at(float64(x), float64(y))) * (0.25 + 0.5*float64(y)/horizon)
		return mix(under, c, v)
	})
}

// paintTrees draws pines on a ridge, in groups.
func paintTrees(b *brush, top []float64, near float64, c rgb) {
	group := b.between(0, 99)
	for x := 0.0; x < float64(len(top)); x += b.between(3, 11) * near {
		if b.noise.at(x/130, group) < -0.12 {
			continue
		}
		height := b.between(14, 46) * near * near
		foot := top[int(x)] + 3
		for y := range int(height) {
			// Branches in tiers, each wide at its foot and narrow above.
			part := float64(y) / height
			tier := math.Mod(part*5, 1)
			half := height * 0.2 * (part + 0.12) * (0.6 + 0.5*tier)
			b.bar(x, foot-height+float64(y), half, tint{c, 0.9})
		}
	}
}
