package provider

import (
	"cmp"
	"math"
	"os"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/generate/recipe"
)

// Needs is what a type of provider needs and what it can do. Each provider
// declares its own next to its code. The configuration, the doctor and the
// documentation derive from it. Every provider needs a base_url.
type Needs struct {
	// Type is its name in the configuration.
	Type string
	// Local: it runs on the owner's machine, and a call costs nothing unless the
	// owner sets a price.
	Local bool
	// Key, Model and Workflow are the settings that it requires.
	Key, Model, Workflow bool
	// PartnerKey: it takes a key for paid services that it calls.
	PartnerKey bool
	// Recipe: it requires a recipe, which decides what else it needs and can do.
	Recipe bool
	// Makes lists what it can make, "image" or "video", the default first. It is
	// empty where the model or the owner's server decides.
	Makes []string
	// Prompt: it makes nothing of an empty prompt.
	Prompt bool
	// PromptLimit is the longest prompt that it takes, in UTF-16 units; 0 is no
	// limit. A longer one is cut in the middle.
	PromptLimit int
	References  References
	// Params are those that this program reads itself. All others go into the
	// request as they are.
	Params []string
}

// The params by which the owner sets limits that differ between a provider's models.
const (
	promptLimit    = recipe.PromptLimitParam
	referenceLimit = recipe.ReferenceLimitParam
)

// Limited returns the needs with the limits that the owner's params set.
func (n Needs) Limited(params map[string]any) Needs {
	if most := count(params[promptLimit]); most > 0 && slices.Contains(n.Params, promptLimit) {
		n.PromptLimit = most
	}
	if most := count(params[referenceLimit]); most > 0 && slices.Contains(n.Params, referenceLimit) {
		n.References.Image = min(n.References.Image, most)
	}
	return n
}

// count returns a param that is a whole number above 0, or 0.
func count(param any) int {
	switch n := param.(type) {
	case int:
		return max(n, 0)
	case int64:
		return int(max(min(n, math.MaxInt32), 0))
	}
	return 0
}

// References is what a provider takes of the client's pictures.
type References struct {
	// Image and Video are how many it takes for a picture and for a video.
	Image, Video int
	// Links: it takes nothing but public links. Otherwise it gets the bytes.
	Links bool
	// Animations: it takes animated pictures too.
	Animations bool
	// Bytes is the most that all of them together may have; 0 is no limit.
	Bytes int64
}

// What providers make.
var (
	images = []string{"image"}
	videos = []string{"video"}
	both   = []string{"image", "video"}
)

// Unlimited is the count of a provider that takes as many references as there
// are.
const Unlimited = 1 << 10

// Types returns what each type of provider needs, ordered by name.
func Types() []Needs {
	list := make([]Needs, len(kinds))
	for i, k := range kinds {
		list[i] = k.needs()
	}
	return list
}

// TypeOf returns what the provider of that name needs, and whether there is one.
func TypeOf(name string) (Needs, bool) {
	k, there := kindOf(name)
	return k.needs(), there
}

// kind is a type of provider and its constructor.
type kind struct {
	Needs
	make func(Spec) (backend, error)
	// recipe is the name of the shipped recipe that describes the type, or empty.
	recipe string
}

// needs returns what the type needs.
func (k kind) needs() Needs {
	if r, err := recipe.Open(k.recipe); k.recipe != "" && err == nil {
		return recipeNeedsOf(Spec{Type: k.Type}, r)
	}
	return k.Needs
}

// kinds is ordered by name.
var kinds = []kind{
	{a1111Needs, newA1111, ""},
	{comfyUINeeds, newComfyUI, ""},
	{falNeeds, newFal, ""},
	{geminiNeeds, newGemini, ""},
	{httpNeeds, newHTTP, ""},
	{lumaNeeds, newLuma, ""},
	{miniMaxNeeds, newMiniMax, ""},
	{openAINeeds, newOpenAI, ""},
	{recipeNeeds, newRecipe, ""},
	{replicateNeeds, newReplicate, ""},
	{Needs{Type: "runway"}, newRecipe, "runway"},
}

func kindOf(name string) (kind, bool) {
	i, there := slices.BinarySearchFunc(kinds, name, func(k kind, name string) int { return cmp.Compare(k.Type, name) })
	if !there {
		return kind{}, false
	}
	return kinds[i], true
}

// names returns the types as a list for an error.
func names() string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.Type)
	}
	return strings.Join(list, ", ")
}

// accepted returns the references that the provider takes. One that is left out
// is logged, and is no reason to fail.
func (r References) accepted(req generate.Request, spec Spec) (list []generate.Reference) {
	room, most := r.Bytes, r.Image
	if spec.Makes == "video" {
		most = r.Video
	}
	for _, ref := range req.References {
		var size int64
		if st, err := os.Stat(ref.Path); err == nil {
			size = st.Size()
		}
		why := ""
		switch {
		case r.Links && !strings.HasPrefix(ref.URL, "https://"):
			why = "the provider takes public links only"
		case !r.Animations && ref.MIME == "image/gif":
			why = "the provider takes no animations"
		case r.Bytes > 0 && size > room:
			why = "the pictures are larger than the provider takes"
		case len(list) == most:
			why = "the provider takes no more pictures"
		default:
			room -= size
			list = append(list, ref)
			continue
		}
		spec.Log.Warn("reference left out", "order", req.OrderID, "attempt", req.Attempt, "reason", why, "type", ref.MIME, "bytes", size)
	}
	return list
}
