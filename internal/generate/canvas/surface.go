package canvas

import (
	"math"
	"runtime"
	"sync"
)

// surface is an unfinished picture. It holds sRGB values as floats, so that soft
// gradients stay exact until the grain is added.
type surface struct {
	w, h int
	px   []rgb
}

func newSurface(w, h int) *surface { return &surface{w: w, h: h, px: make([]rgb, w*h)} }

// shade sets every pixel to the result of f. Rows are computed in parallel, so f must
// depend only on its arguments.
func (s *surface) shade(f func(x, y int, under rgb) rgb) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Go(func() {
			for y := k; y < s.h; y += workers {
				row := s.px[y*s.w : (y+1)*s.w]
				for x := range row {
					row[x] = f(x, y, row[x])
				}
			}
		})
	}
	wg.Wait()
}

// tint is a colour and its opacity.
type tint struct {
	rgb
	a float64
}

// box is a rectangle in pixels.
type box struct{ x0, y0, x1, y1 float64 }

// blend draws a shape that lies in the box. distance returns the signed distance in
// pixels from the edge of the shape, negative inside. The edge is smoothed over one
// pixel.
func (s *surface) blend(in box, t tint, distance func(x, y float64) float64) {
	left, right := max(0, int(in.x0-1)), min(s.w-1, int(in.x1+1))
	top, bottom := max(0, int(in.y0-1)), min(s.h-1, int(in.y1+1))
	for y := top; y <= bottom; y++ {
		for x := left; x <= right; x++ {
			if cover := 0.5 - distance(float64(x)+0.5, float64(y)+0.5); cover > 0 {
				p := &s.px[y*s.w+x]
				*p = mix(*p, t.rgb, t.a*min(1, cover))
			}
		}
	}
}

func (s *surface) disc(cx, cy, r float64, t tint) {
	s.blend(box{cx - r, cy - r, cx + r, cy + r}, t, func(x, y float64) float64 {
		return math.Sqrt((x-cx)*(x-cx)+(y-cy)*(y-cy)) - r
	})
}

// bar draws a thin horizontal line with round ends around (x, y).
func (s *surface) bar(x, y, half float64, t tint) {
	const r = 0.55
	s.blend(box{x - half - r, y - r, x + half + r, y + r}, t, func(px, py float64) float64 {
		dx, dy := max(0, math.Abs(px-x)-half), py-y
		return math.Sqrt(dx*dx+dy*dy) - r
	})
}

// leaf is a pointed oval that begins at (x, y).
type leaf struct{ x, y, length, width, angle float64 }

// petal draws a leaf whose colour runs from foot to tip.
func (s *surface) petal(l leaf, foot, tip rgb) {
	sin, cos := math.Sincos(l.angle)
	ex, ey := l.x+cos*l.length, l.y+sin*l.length
	side := l.width/2 + 1
	for py := max(0, int(min(l.y, ey)-side)); py <= min(s.h-1, int(max(l.y, ey)+side)); py++ {
		dy := float64(py) + 0.5 - l.y
		// A row needs only the part of the box that is close to the axis.
		left, right := min(l.x, ex)-side-l.x, max(l.x, ex)+side-l.x
		if math.Abs(sin) > 0.1 {
			middle, reach := dy*cos/sin, side/math.Abs(sin)
			left, right = max(left, middle-reach), min(right, middle+reach)
		}
		for px := max(0, int(l.x+left)); px <= min(s.w-1, int(l.x+right)); px++ {
			dx := float64(px) + 0.5 - l.x
			u, v := (dx*cos+dy*sin)/l.length, math.Abs(dy*cos-dx*sin)
			if t, cover := l.tone(u, v); cover > 0 {
				p := &s.px[py*s.w+px]
				*p = mix(*p, mix(foot, tip, t), cover)
			}
		}
	}
}

// tone returns the colour of the leaf, from 0 at the foot to 1 at the tip, and how much
// of the pixel it covers. u is the distance along its axis and v the distance from it.
func (l leaf) tone(u, v float64) (t, cover float64) {
	if u <= 0 || u >= 1 {
		return 0, 0
	}
	in := l.width*2*u*(1-u)*(0.45+0.75*u) - v // widest beyond the middle
	if in <= -0.5 {
		return 0, 0
	}
	// A dark rim separates each petal from the next, and a vein runs along it.
	t = u
	if in < 3 {
		t -= 0.55 * u * (1 - max(0, in)/3)
	}
	if v < 1.5 {
		t -= 0.2 * u * (1 - u)
	}
	return t, min(1, in+0.5)
}

// glow draws a soft light that fades out at r.
func (s *surface) glow(cx, cy, r float64, t tint) {
	s.shade(func(x, y int, under rgb) rgb {
		d := math.Hypot(float64(x)-cx, float64(y)-cy) / r
		if d >= 1 {
			return under
		}
		f := (1 - d) * (1 - d)
		return mix(under, t.rgb, t.a*f)
	})
}

// clamp limits v to 0 and 1. It avoids min and max, whose handling of NaN costs time in
// inner loops.
func clamp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	if v >= 1 {
		return 1
	}
	return v
}

// smooth rises from 0 at a to 1 at b without corners.
func smooth(a, b, v float64) float64 {
	t := clamp((v - a) / (b - a))
	return t * t * (3 - 2*t)
}
