package canvas

import (
	"math"
	"math/rand/v2"
)

// noise is smooth random terrain on the plane, from about -1 to 1.
type noise struct {
	perm [512]uint8
	grad [256][2]float64
}

func newNoise(r *rand.Rand) *noise {
	n := new(noise)
	for i, v := range r.Perm(256) {
		n.perm[i], n.perm[i+256] = uint8(v), uint8(v)
		n.grad[i][1], n.grad[i][0] = math.Sincos(2 * math.Pi * float64(i) / 256)
	}
	return n
}

func (n *noise) at(x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx)&255, int(fy)&255
	x, y = x-fx, y-fy
	dot := func(i, j int) float64 {
		g := &n.grad[n.perm[int(n.perm[(ix+i)&255])+(iy+j)&255]]
		return g[0]*(x-float64(i)) + g[1]*(y-float64(j))
	}
	u, v := x*x*x*(x*(x*6-15)+10), y*y*y*(y*(y*6-15)+10)
	top, bottom := dot(0, 0), dot(0, 1)
	top += u * (dot(1, 0) - top)
	bottom += u * (dot(1, 1) - bottom)
	return 1.4 * (top + v*(bottom-top))
}

// layers adds octaves of noise, each twice as fine and half as strong.
func (n *noise) layers(x, y float64, octaves int) float64 {
	sum, strength, total := 0.0, 1.0, 0.0
	for range octaves {
		sum += strength * n.at(x, y)
		total += strength
		x, y, strength = x*2.03+17.1, y*2.03+9.7, strength/2
	}
	return sum / total
}

// field is noise computed on a coarse grid and interpolated, which is many times
// cheaper and looks the same.
type field struct {
	step, cols int
	v          []float64
}

func newField(w, h, step int, f func(x, y float64) float64) *field {
	g := &field{step: step, cols: w/step + 2}
	rows := h/step + 2
	g.v = make([]float64, g.cols*rows)
	for j := range rows {
		for i := range g.cols {
			g.v[j*g.cols+i] = f(float64(i*step), float64(j*step))
		}
	}
	return g
}

// at returns the field at a position. Outside the picture it returns the edge.
func (g *field) at(x, y float64) float64 {
	fx, fy := max(0, x)/float64(g.step), max(0, y)/float64(g.step)
	i, j := min(int(fx), g.cols-2), min(int(fy), len(g.v)/g.cols-2)
	fx, fy = clamp(fx-float64(i)), clamp(fy-float64(j))
	row := g.v[j*g.cols+i:]
	below := g.v[(j+1)*g.cols+i:]
	top := row[0] + fx*(row[1]-row[0])
	bottom := below[0] + fx*(below[1]-below[0])
	return top + fy*(bottom-top)
}
