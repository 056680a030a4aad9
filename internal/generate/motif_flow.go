package generate

import "math"

// paintFlow lets ribbons follow a field of directions, as grass follows the
// wind. None crosses another: each ends where it would meet one.
func paintFlow(b *brush) {
	w, h := float64(b.w), float64(b.h)
	dark := b.says("night", "neon", "fire", "cyberpunk", "storm", "space") || b.rand.IntN(2) == 0
	ground := b.at(0.98)
	if dark {
		ground = b.at(0.03)
	}
	b.shade(func(int, int, rgb) rgb { return ground })

	shift, lean, bend := b.between(0, 99), b.between(0, 2*math.Pi), b.between(1.1, 1.9)
	scale := b.between(520, 900)
	way := newField(b.w, b.h, 8, func(x, y float64) float64 {
		return lean + math.Pi*bend*b.noise.layers(x/scale+shift, y/scale+shift, 2)
	})
	const cell = 2 // pixels to a cell of the map of what is taken
	cols, rows := b.w/cell+1, b.h/cell+1
	taken := make([]int32, cols*rows)
	free := func(x, y float64, id int32) bool {
		if x < 0 || y < 0 || x >= w || y >= h {
			return true
		}
		v := taken[int(y)/cell*cols+int(x)/cell]
		return v == 0 || v == id
	}
	widths := [...]float64{26, 18, 12, 8, 5, 3}
	const tries, step, gap = 3600, 4.0, 2.5
	for id := int32(1); id <= tries; id++ {
		if id%64 == 0 && b.stopped() {
			return
		}
		// Wide ribbons come first, while there is room for them.
		width := widths[min(len(widths)-1, int(math.Pow(float64(id)/tries, 0.55)*float64(len(widths))))]
		x, y := b.between(-0.02, 1.02)*w, b.between(-0.02, 1.02)*h
		reach := b.between(40, 130)
		var path [][2]float64
		for range int(reach) {
			sin, cos := math.Sincos(way.at(x, y))
			side := width/2 + gap
			blocked := false
			for s := -side; s <= side && !blocked; s += cell {
				blocked = !free(x-sin*s, y+cos*s, id)
			}
			if blocked || x < -40 || y < -40 || x > w+40 || y > h+40 {
				break
			}
			path = append(path, [2]float64{x, y})
			x, y = x+cos*step, y+sin*step
		}
		if float64(len(path))*step < 2.5*width {
			continue
		}
		paintRibbon(b, path, width, dark)
		for _, p := range path {
			r := width / 2
			for dy := -r; dy <= r; dy += cell {
				for dx := -r; dx <= r; dx += cell {
					if px, py := p[0]+dx, p[1]+dy; dx*dx+dy*dy <= r*r && px >= 0 && py >= 0 && px < w && py < h {
						taken[int(py)/cell*cols+int(px)/cell] = id
					}
				}
			}
		}
	}
}

// paintRibbon colours a ribbon by where it begins, so that the sheet has regions
// of one mood, with some strangers among them.
func paintRibbon(b *brush, path [][2]float64, width float64, dark bool) {
	at := path[0]
	mood := clamp(0.5 + 0.75*b.noise.at(at[0]/330+50, at[1]/330+50) + b.between(-0.14, 0.14))
	lo, hi := 0.05, 0.82
	if dark {
		lo, hi = 0.24, 1
	}
	c := b.at(lo + (hi-lo)*mood)
	if b.rand.IntN(9) == 0 {
		c = b.accent
	}
	for i := 1; i < len(path); i++ {
		p, q := path[i-1], path[i]
		b.stroke(p[0], p[1], q[0], q[1], width, c, 1)
	}
	if width >= 12 && b.rand.IntN(3) == 0 { // a thread along the middle
		thread := mix(c, b.at(1), 0.45)
		for i := 2; i < len(path)-1; i++ {
			p, q := path[i-1], path[i]
			b.stroke(p[0], p[1], q[0], q[1], 2, thread, 0.8)
		}
	}
}
