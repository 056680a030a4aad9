package canvas

import "math"

// paintTiles paints a poster of simple shapes in a grid: quarter and half circles,
// leaves, arches, stripes, and sometimes a shape of four cells.
func paintTiles(b *brush) {
	const cell, cols, rows = 110.0, artWidth / 110, artHeight / 110 // no cell is cut off
	large := 3 + b.rand.IntN(9)                                     // one in so many cells grows to four
	grounds := [...]rgb{b.at(1), b.at(1), mix(b.at(1), b.at(0.75), 0.6), b.at(0), b.stops[3]}
	ground := b.at(1)
	b.shade(func(int, int, rgb) rgb { return ground })

	taken := make([]bool, cols*rows)
	for j := range rows {
		for i := range cols {
			if b.stopped() {
				return
			}
			if taken[j*cols+i] {
				continue
			}
			size := 1
			if i+1 < cols && j+1 < rows && !taken[j*cols+i+1] && b.rand.IntN(large) == 0 {
				size = 2
				taken[j*cols+i+1], taken[(j+1)*cols+i], taken[(j+1)*cols+i+1] = true, true, true
			}
			back := grounds[b.rand.IntN(len(grounds))]
			x, y, s := float64(i)*cell, float64(j)*cell, cell*float64(size)
			b.blend(box{x, y, x + s, y + s}, tint{back, 1}, func(px, py float64) float64 {
				return max(x-px, px-x-s, y-py, py-y-s)
			})
			fore := b.ink(b.rand)
			for fore == back {
				fore = b.ink(b.rand)
			}
			second := b.ink(b.rand)
			for second == back || second == fore {
				second = b.ink(b.rand)
			}
			paintTile(b, x, y, s, [2]rgb{fore, second})
		}
	}
}

// shape is a signed distance on the unit square, negative inside.
type shape func(u, v float64) float64

// tile draws shapes on one cell of the grid, turned by a random quarter.
type tile struct {
	b       *brush
	x, y, s float64
	quarter int
}

func paintTile(b *brush, x, y, s float64, colours [2]rgb) {
	t := tile{b, x, y, s, b.rand.IntN(4)}
	fore, second := colours[0], colours[1]
	switch b.rand.IntN(9) {
	case 0: // a quarter, and a smaller one in it
		t.put(fore, round(0, 0, 1))
		t.put(second, round(0, 0, 0.5))
	case 1: // rings around a corner
		for i, r := range []float64{1, 0.8, 0.6, 0.4, 0.2} {
			t.put(colours[i%2], round(0, 0, r))
		}
	case 2: // two halves, one above the other
		t.put(fore, round(0.5, 0, 0.5))
		t.put(second, func(u, v float64) float64 { return max(math.Hypot(u-0.5, v-0.5)-0.5, 0.5-v) })
	case 3: // a leaf
		t.put(fore, func(u, v float64) float64 { return max(math.Hypot(u, v)-1, math.Hypot(u-1, v-1)-1) })
	case 4: // a sun
		t.put(fore, round(0.5, 0.5, 0.42))
		t.put(second, round(0.5, 0.5, 0.2))
	case 5: // stripes
		t.put(fore, func(u, _ float64) float64 { return 0.08 - math.Abs(math.Mod(u, 1.0/3)-1.0/6) })
	case 6: // a slope
		t.put(fore, func(u, v float64) float64 { return (u - v) * math.Sqrt2 / 2 })
		t.put(second, round(0.72, 0.28, 0.16))
	case 7:
		t.put(fore, arch(0.44))
		t.put(second, arch(0.27))
		t.put(fore, arch(0.11))
	default: // four dots
		for _, at := range [][2]float64{{0.25, 0.25}, {0.75, 0.25}, {0.25, 0.75}, {0.75, 0.75}} {
			t.put(fore, round(at[0], at[1], 0.16))
		}
	}
}

// put draws a shape on the tile.
func (t tile) put(c rgb, draw shape) {
	t.b.blend(box{t.x, t.y, t.x + t.s, t.y + t.s}, tint{c, 1}, func(px, py float64) float64 {
		u, v := (px-t.x)/t.s, (py-t.y)/t.s
		within := max(-u, u-1, -v, v-1)
		switch t.quarter {
		case 1:
			u, v = v, 1-u
		case 2:
			u, v = 1-u, 1-v
		case 3:
			u, v = 1-v, u
		}
		return t.s * max(within, draw(u, v))
	})
}

func round(cu, cv, r float64) shape {
	return func(u, v float64) float64 { return math.Hypot(u-cu, v-cv) - r }
}

func arch(half float64) shape {
	return func(u, v float64) float64 {
		if v < 0.5 {
			return math.Hypot(u-0.5, v-0.5) - half
		}
		return math.Abs(u-0.5) - half
	}
}
