package generate

import "math"

// paintSea is a calm sea under a low sun, whose light breaks on the water, with
// a sail or two.
func paintSea(b *brush) {
	w, h := float64(b.w), float64(b.h)
	night := b.says("night", "moon", "midnight")
	skyLow, skyHigh := 0.3, 1.0
	if night {
		skyLow, skyHigh = 0.02, 0.5
	} else if b.rand.IntN(2) == 0 {
		skyLow, skyHigh = 0.6, 1.0
	}
	horizon := math.Round(h * b.between(0.42, 0.56))
	sunX, sunR := w*b.between(0.28, 0.72), b.between(55, 95)
	sunY := horizon - sunR*b.between(-0.25, 1.5)
	light := mix(b.at(1), b.accent, 0.75)
	if night {
		light = hex32(0xfdf6df)
	}
	b.shade(func(_, y int, _ rgb) rgb {
		return b.at(skyLow + (skyHigh-skyLow)*smooth(0, horizon, float64(y)))
	})
	if night {
		paintStars(b, horizon)
	}
	b.glow(sunX, sunY, sunR*6, light, 0.6)
	b.disc(sunX, sunY, sunR, mix(light, hex32(0xffffff), 0.2), 1)
	paintClouds(b, horizon, b.at(skyHigh))

	shift := b.between(0, 99)
	far, deep := mix(b.at(skyHigh), b.at(0.35), 0.75), b.at(0.06)
	b.shade(func(x, y int, under rgb) rgb {
		v := float64(y) - horizon
		if v < 0 {
			return under
		}
		v /= h - horizon
		// Swell: stretched the more, the nearer it is to the horizon.
		u := (float64(x) - sunX) / w / (0.25 + v)
		swell := b.noise.at(u*2+shift, math.Log(0.06+v)*9+shift)
		return mix(mix(far, deep, math.Pow(v, 0.7)), b.at(0.55), 0.22*swell*(0.4+v))
	})

	// The path of light: short strokes, dense below the sun, wider when near.
	for range 1500 {
		if b.stopped() {
			return
		}
		v := math.Pow(b.rand.Float64(), 1.6)
		spread := sunR * (0.55 + 2.2*v)
		x := sunX + b.rand.NormFloat64()*spread*0.75
		y := horizon + 2 + v*(h-horizon)
		length := (5 + 46*v) * b.between(0.3, 1)
		fade := math.Exp(-math.Pow((x-sunX)/spread, 2)) * (0.9 - 0.45*v)
		b.stroke(x-length/2, y, x+length/2, y, 0.9+2.6*v*b.rand.Float64(), light, fade*b.between(0.4, 1))
	}
	// Elsewhere the crests only catch some of the sky.
	for range 500 {
		v := math.Pow(b.rand.Float64(), 1.3)
		x, y := b.between(0, w), horizon+3+v*(h-horizon)
		length := (6 + 60*v) * b.between(0.3, 1)
		b.stroke(x-length/2, y, x+length/2, y, 0.8+1.2*v, b.at(0.75), 0.16)
	}
	for i := range 1 + b.rand.IntN(3) {
		size := b.between(16, 30)
		if i == 0 {
			size = b.between(36, 62)
		}
		paintSail(b, w*b.between(0.1, 0.9), horizon+size*b.between(0.15, 0.5), size)
	}
}

func paintSail(b *brush, x, y, size float64) {
	cloth, hull := mix(b.at(1), hex32(0xffffff), 0.5), b.at(0)
	for i := range int(size) {
		t := float64(i) / size
		top := y - size - 0.12*size + float64(i)
		bulge := 0.5 * math.Pow(t, 0.8)
		b.stroke(x+1, top, x+1+size*bulge, top, 1.2, cloth, 0.95)
		if t > 0.25 {
			b.stroke(x-1-size*0.34*(t-0.25), top, x-2, top, 1.2, mix(cloth, b.at(0.5), 0.3), 0.95)
		}
	}
	for i := range int(size * 0.13) {
		in := float64(i) * 1.6
		b.stroke(x-size*0.45+in, y-size*0.1+float64(i), x+size*0.52-in, y-size*0.1+float64(i), 1.2, hull, 1)
	}
	b.stroke(x-size*0.4, y+size*0.08, x+size*0.45, y+size*0.08, size*0.05, hull, 0.35) // its shadow on the water
}
