package canvas

import (
	"math/rand/v2"
	"slices"
)

// brush is what a motif paints with.
type brush struct {
	*surface
	*palette
	rand  *rand.Rand
	noise *noise
	words []string
	// stopped is checked between long steps. A partial picture is thrown away.
	stopped func() bool
}

// between returns a random number from lo to hi.
func (b *brush) between(lo, hi float64) float64 { return lo + (hi-lo)*b.rand.Float64() }

// says reports whether the brief has one of the words.
func (b *brush) says(words ...string) bool {
	return slices.ContainsFunc(b.words, func(w string) bool { return slices.Contains(words, w) })
}

// motif is a family of pictures and the words that choose it.
type motif struct {
	name  string
	words []string
	paint func(*brush)
}

func motifs() []motif {
	return []motif{
		{"hills", []string{
			"mountain", "hill", "landscape", "valley", "forest", "tree", "wood", "sunset", "dusk", "dawn", "night",
			"desert", "camp", "hike", "nature", "fox", "wolf", "bear", "deer", "owl", "animal", "travel", "view", "sea", "ocean", "lake",
			"island", "coast", "horizon", "star", "moon", "wind", "storm", "cloud", "bird", "cat", "horse", "dragon",
		}, paintHills},
		{"bloom", []string{
			"flower", "bloom", "garden", "rose", "plant", "leaf", "spring", "petal", "botanical", "wedding", "floral",
			"tea", "perfume", "blossom", "lotus", "dahlia", "love", "birthday", "gift", "beauty", "portrait", "dream", "fashion",
			"food", "fruit", "candy", "cake",
		}, paintBloom},
		{"tiles", []string{
			"geometric", "bauhaus", "poster", "logo", "modern", "abstract", "shape", "city", "building", "architecture",
			"minimal", "minimalist", "retro", "icon", "brand", "tech", "app", "startup", "house", "street", "robot", "circle", "dot",
			"pattern", "fabric", "map", "music", "jazz", "party", "game", "toy", "neon", "network", "web",
		}, paintTiles},
	}
}

// chooseMotif returns the motif with the most words in the brief, else any.
func chooseMotif(words []string, r *rand.Rand) motif {
	all := motifs()
	best, most := r.IntN(len(all)), 0
	for i, m := range all {
		n := 0
		for _, w := range words {
			if slices.Contains(m.words, w) {
				n++
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	return all[best]
}
