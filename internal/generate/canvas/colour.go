package canvas

import (
	"math"
	"math/rand/v2"
)

// rgb is an sRGB colour with components from 0 to 1.
type rgb struct{ r, g, b float32 }

func hex32(v uint32) rgb {
	return rgb{float32(v>>16&255) / 255, float32(v>>8&255) / 255, float32(v&255) / 255}
}

// mix returns the colour between a and b at t, from 0 to 1, linear in sRGB. That will
// do for edges and veils. Ramps use mixSoft.
func mix(a, b rgb, t float64) rgb {
	f := float32(t)
	return rgb{a.r + (b.r-a.r)*f, a.g + (b.g-a.g)*f, a.b + (b.b-a.b)*f}
}

// palette is a ramp of five colours from the darkest to the lightest, and a matching
// accent.
type palette struct {
	stops  [5]rgb
	accent rgb
	ramp   [256]rgb
}

// at returns the ramp's colour at t, from 0 (darkest) to 1 (lightest).
func (p *palette) at(t float64) rgb { return p.ramp[int(clamp(t)*255+0.5)] }

// ink returns one of the strong colours, at random.
func (p *palette) ink(r *rand.Rand) rgb {
	return [...]rgb{p.stops[0], p.stops[1], p.stops[2], p.stops[3], p.accent}[r.IntN(5)]
}

type swatch struct {
	stops  [5]uint32
	accent uint32
	words  []string
}

// swatches are mixed by hand. Words of the brief choose among them.
var swatches = []swatch{
	{[5]uint32{0x1b1f3b, 0x5a3a5e, 0xb3525a, 0xe99a5b, 0xfbe6c2}, 0xf6c453, []string{"dusk", "sunset", "evening", "warm", "autumn", "fall", "dawn"}},
	{[5]uint32{0x0b2340, 0x14507a, 0x2a93a0, 0x93cfdc, 0xf1f7ee}, 0xf2a65a, []string{"blue", "navy", "sea", "ocean", "water", "cold", "cool", "sky"}},
	{[5]uint32{0x10231c, 0x1f4d3a, 0x568c5c, 0xb3c78c, 0xf4f0dc}, 0xe08a4f, []string{"green", "forest", "emerald", "moss", "jungle", "nature", "tree", "leaf"}},
	{[5]uint32{0x2d142c, 0x7c1a3a, 0xc23a48, 0xef9482, 0xfbe9dc}, 0xf3c567, []string{"red", "crimson", "ruby", "scarlet", "blood", "love", "fire"}},
	{[5]uint32{0x2b2118, 0x74471d, 0xc1712c, 0xe6b071, 0xfdf6e0}, 0x2f6f73, []string{"orange", "brown", "copper", "desert", "coffee", "rust", "amber", "wood", "fox"}},
	{[5]uint32{0x231942, 0x5e548e, 0x9f86c0, 0xe0b1cb, 0xfbf2f5}, 0xf6bd60, []string{"purple", "violet", "lilac", "lavender", "magic", "dream", "cosmic"}},
	{[5]uint32{0x3a1730, 0x97395f, 0xdc6b8a, 0xf6b5bd, 0xfff1ec}, 0x4f9d8f, []string{"pink", "rose", "blossom", "magenta", "candy", "cherry"}},
	{[5]uint32{0x2a2410, 0x7c6414, 0xcf9f1f, 0xf0cf6b, 0xfff8e0}, 0x33658a, []string{"yellow", "gold", "golden", "honey", "sun", "lemon", "summer"}},
	{[5]uint32{0x151515, 0x3f3e3d, 0x7d7b78, 0xbfbcb5, 0xf5f2ea}, 0xc8452f, []string{"black", "white", "grey", "gray", "monochrome", "ink", "minimal", "minimalist"}},
	{[5]uint32{0x0b0a24, 0x2c1f63, 0xa021a8, 0x2bc4dd, 0xeef7ff}, 0xf7e04b, []string{"neon", "cyberpunk", "electric", "synthwave", "cyber", "futuristic"}},
	{[5]uint32{0x0b1024, 0x1d2a52, 0x415389, 0x8fa3c9, 0xeceef6}, 0xf5dfa0, []string{"night", "moon", "midnight", "star", "space", "galaxy"}},
	{[5]uint32{0x0d2b2b, 0x16605c, 0x35a193, 0x9bd8c4, 0xf3f8ee}, 0xef7b5c, []string{"teal", "turquoise", "mint", "aqua", "cyan"}},
	{[5]uint32{0x4a4e69, 0x8d8fb5, 0xe3a7b0, 0xf6d3b8, 0xfdf7ee}, 0x86c0b4, []string{"pastel", "soft", "baby", "gentle", "cute", "wedding"}},
	{[5]uint32{0x1d2c4d, 0x2f5d7c, 0xd9583b, 0xf0b94d, 0xf8f0dd}, 0x7fb7a3, []string{"retro", "vintage", "poster", "bauhaus", "classic", "colorful", "colourful"}},
}

// choosePalette returns the swatch of the brief's words. With two, it joins the dark
// half of the first and the light half of the second. Without one, it takes any.
func choosePalette(words []string, r *rand.Rand) *palette {
	first, second := -1, -1
	for _, w := range words {
		i := swatchOf(w)
		if i >= 0 && first < 0 {
			first = i
		} else if i >= 0 && i != first && second < 0 {
			second = i
		}
	}
	if first < 0 {
		first = r.IntN(len(swatches))
	}
	if second < 0 {
		second = first
	}
	a, b := swatches[first], swatches[second]
	p := &palette{accent: hex32(b.accent)}
	if first != second {
		p.accent = hex32(b.stops[2])
	}
	for i := range p.stops {
		p.stops[i] = hex32(a.stops[i])
		if i > 2 {
			p.stops[i] = hex32(b.stops[i])
		}
	}
	for i := range p.ramp {
		at := float64(i) / 255 * 4
		k := min(int(at), 3)
		p.ramp[i] = mixSoft(p.stops[k], p.stops[k+1], at-float64(k))
	}
	return p
}

func swatchOf(word string) int {
	for i, s := range swatches {
		for _, w := range s.words {
			if w == word {
				return i
			}
		}
	}
	return -1
}

// mixSoft mixes in Björn Ottosson's Oklab, as the eye sees it, so that a ramp from blue
// to yellow has no muddy middle.
func mixSoft(a, b rgb, t float64) rgb {
	x, y := a.oklab(), b.oklab()
	for i := range x {
		x[i] += (y[i] - x[i]) * t
	}
	l := cube(x[0] + 0.3963377774*x[1] + 0.2158037573*x[2])
	m := cube(x[0] - 0.1055613458*x[1] - 0.0638541728*x[2])
	s := cube(x[0] - 0.0894841775*x[1] - 1.2914855480*x[2])
	return rgb{
		encodeGamma(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		encodeGamma(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		encodeGamma(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
	}
}

func (c rgb) oklab() [3]float64 {
	r, g, b := decodeGamma(c.r), decodeGamma(c.g), decodeGamma(c.b)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	return [3]float64{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

func cube(v float64) float64 { return v * v * v }

func decodeGamma(v float32) float64 {
	if v <= 0.04045 {
		return float64(v) / 12.92
	}
	return math.Pow((float64(v)+0.055)/1.055, 2.4)
}

func encodeGamma(v float64) float32 {
	v = clamp(v)
	if v <= 0.0031308 {
		return float32(v * 12.92)
	}
	return float32(1.055*math.Pow(v, 1/2.4) - 0.055)
}
