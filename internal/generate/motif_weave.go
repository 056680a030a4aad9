package generate

import "math"

// paintWeave is a cloth seen close: bands that pass over and under one another,
// in a tartan's order of colours.
func paintWeave(b *brush) {
	band := b.between(26, 46)
	gap := band * b.between(0.05, 0.12)
	twill := b.rand.IntN(2) == 0
	turn := [...]float64{0, math.Pi / 4, math.Pi / 4, 0.42}[b.rand.IntN(4)]
	sin, cos := math.Sincos(turn)

	// One half of the order is drawn, the other is its mirror.
	half := make([]rgb, 5+b.rand.IntN(4))
	for i := range half {
		half[i] = b.at(0.08 + 0.9*b.rand.Float64())
		if b.rand.IntN(5) == 0 {
			half[i] = b.accent
		}
	}
	colour := func(i int) rgb {
		n := 2*len(half) - 2
		if i = ((i % n) + n) % n; i >= len(half) {
			i = n - i
		}
		return half[i]
	}
	shift := b.between(0, 99)
	wear := newField(b.w, b.h, 8, func(x, y float64) float64 { return b.noise.layers(x/260+shift, y/260+shift, 3) })
	below := b.at(0)

	b.shade(func(px, py int, _ rgb) rgb {
		x := (float64(px)-float64(b.w)/2)*cos + (float64(py)-float64(b.h)/2)*sin
		y := (float64(py)-float64(b.h)/2)*cos - (float64(px)-float64(b.w)/2)*sin
		i, j := math.Floor(x/band), math.Floor(y/band)
		u, v := x-(i+0.5)*band, y-(j+0.5)*band // from the middle of the crossing
		over := (int(i)+int(j))&1 == 0
		if twill {
			over = (int(i)+int(j))&3 < 2
		}
		across, along, c, under := u, v, colour(int(i)), colour(int(j)+3)
		if !over {
			across, along, c, under = v, u, under, c
		}
		edge := band/2 - gap - math.Abs(across)
		// The band below shows in the gap, in the shadow of the one above.
		otherEdge := band/2 - gap - math.Abs(along)
		out := mix(below, mix(under, below, 0.6), clamp(otherEdge+0.5))
		if edge > -0.5 {
			top := c
			round := across / (band / 2)
			top = mix(top, below, 0.34*round*round)
			// It dips where it will pass below its neighbour.
			dip := along / (band / 2)
			top = mix(top, below, 0.26*dip*dip*dip*dip)
			top = mix(top, hex32(0xffffff), 0.1*math.Exp(-6*(round+0.25)*(round+0.25)))
			// Threads run along it.
			top = mix(top, below, 0.07*(1+math.Sin(across*2.1)))
			out = mix(out, top, clamp(edge+0.5))
		}
		return mix(out, below, 0.12*clamp(0.5+wear.at(float64(px), float64(py))))
	})
}
