package assistant

import (
	"encoding/base64"
	"io"
	"os"
	"slices"
)

// MostPictures is how many pictures one question shows at most.
const MostPictures = 4

// What one question shows at most, in bytes.
const (
	maxPictureBytes = 5 << 20
	maxShownBytes   = 12 << 20
)

// seen are the types of pictures that models see.
var seen = []string{"image/png", "image/jpeg", "image/webp", "image/gif"}

// Picture is shown to a model: a file, or a JPEG, PNG, WebP or GIF in memory.
type Picture struct {
	Path, MIME string
	// Data takes the place of the file at Path.
	Data []byte
}

// shown returns the pictures of a question as parts of a message: the first ones, without
// those that are too large, of another type or not there. Without them the question can
// still be answered.
func (a *Assistant) shown(list []Picture) (parts []any) {
	if !a.spec.Pictures {
		return nil
	}
	left := maxShownBytes
	for _, p := range list {
		data, ok := p.read(min(maxPictureBytes, left))
		if !ok {
			continue
		}
		left -= len(data)
		parts = append(parts, map[string]any{
			"type": "image_url", "image_url": map[string]any{"url": "data:" + p.MIME + ";base64," + base64.StdEncoding.EncodeToString(data)},
		})
		if len(parts) == MostPictures {
			break
		}
	}
	return parts
}

// Sees reports whether the model sees pictures.
func (a *Assistant) Sees() bool { return a.spec.Pictures }

// Shows reports whether the model sees the picture: it is of a type and a size that questions
// show.
func (a *Assistant) Shows(p Picture) bool {
	_, ok := p.read(maxPictureBytes)
	return ok && a.spec.Pictures
}

// read returns the content of a picture of at most most bytes.
func (p Picture) read(most int) ([]byte, bool) {
	if !slices.Contains(seen, p.MIME) {
		return nil, false
	}
	if p.Data != nil {
		return p.Data, len(p.Data) > 0 && len(p.Data) <= most
	}
	f, err := os.Open(p.Path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	return data, err == nil && len(data) > 0 && len(data) <= most
}
