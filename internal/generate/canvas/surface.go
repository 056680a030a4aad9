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

// blend draws a shape in colour c with opacity a. The box holds the shape. distance
// returns the signed distance in pixels from the edge of the shape, negative inside.
// The edge is smoothed over one pixel.
func (s *surface) blend(x0, y0, x1, y1 float64, c rgb, a float64, distance func(x, y float64) float64) {
	left, right := max(0, int(x0-1)), min(s.w-1, int(x1+1))
	top, bottom := max(0, int(y0-1)), min(s.h-1, int(y1+1))
	for y := top; y <= bottom; y++ {
		for x := left; x <= right; x++ {
			if cover := 0.5 - distance(float64(x)+0.5, float64(y)+0.5); cover > 0 {
				p := &s.px[y*s.w+x]
				*p = mix(*p, c, a*min(1, cover))
			}
		}
	}
}

func (s *surface) disc(cx, cy, r float64, c rgb, a float64) {
	s.blend(cx-r, cy-r, cx+r, cy+r, c, a, func(x, y float64) float64 {
		return math.Sqrt((x-cx)*(x-cx)+(y-cy)*(y-cy)) - r
	})
}

// stroke draws a line with round ends.
func (s *surface) stroke(x0, y0, x1, y1, width float64, c rgb, a float64) {
	r := width / 2
	dx, dy := x1-x0, y1-y0
	length2 := dx*dx + dy*dy
	s.blend(min(x0, x1)-r, min(y0, y1)-r, max(x0, x1)+r, max(y0, y1)+r, c, a, func(x, y float64) float64 {
		t := 0.0
		if length2 > 0 {
			t = clamp(((x-x0)*dx + (y-y0)*dy) / length2)
		}
		ex, ey := x-x0-t*dx, y-y0-t*dy
		return math.Sqrt(ex*ex+ey*ey) - r
	})
}

// petal draws a pointed oval that begins at (x, y). Its colour runs from foot to tip.
func (s *surface) petal(x, y, length, width, angle float64, foot, tip rgb) {
	sin, cos := math.Sincos(angle)
	ex, ey := x+cos*length, y+sin*length
	side := width/2 + 1
	for py := max(0, int(min(y, ey)-side)); py <= min(s.h-1, int(max(y, ey)+side)); py++ {
		dy := float64(py) + 0.5 - y
		// A row needs only the part of the box that is close to the axis.
		left, right := min(x, ex)-side-x, max(x, ex)+side-x
		if math.Abs(sin) > 0.1 {
			middle, reach := dy*cos/sin, side/math.Abs(sin)
			left, right = max(left, middle-reach), min(right, middle+reach)
		}
		for px := max(0, int(x+left)); px <= min(s.w-1, int(x+right)); px++ {
			dx := float64(px) + 0.5 - x
			u, v := (dx*cos+dy*sin)/length, math.Abs(dy*cos-dx*sin)
			if u <= 0 || u >= 1 {
				continue
			}
			in := width*2*u*(1-u)*(0.45+0.75*u) - v // widest beyond the middle
			if in <= -0.5 {
				continue
			}
			// A dark rim separates each petal from the next, and a vein runs along it.
			t := u
			if in < 3 {
				t -= 0.55 * u * (1 - max(0, in)/3)
			}
			if v < 1.5 {
				t -= 0.2 * u * (1 - u)
			}
			p := &s.px[py*s.w+px]
			*p = mix(*p, mix(foot, tip, t), min(1, in+0.5))
		}
	}
}

// glow draws a soft light that fades out at r.
func (s *surface) glow(cx, cy, r float64, c rgb, a float64) {
	s.shade(func(x, y int, under rgb) rgb {
		d := math.Hypot(float64(x)-cx, float64(y)-cy) / r
		if d >= 1 {
			return under
		}
		f := (1 - d) * (1 - d)
		return mix(under, c, a*f)
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
