package assistant

import (
	"encoding/base64"
	"io"
	"os"
	"slices"
)

// What one question shows at most.
const (
	mostPictures    = 4
	maxPictureBytes = 5 << 20
	maxShownBytes   = 12 << 20
)

// seen are the types of pictures that models see.
var seen = []string{"image/png", "image/jpeg", "image/webp", "image/gif"}

// Picture is a file that a model looks at.
type Picture struct{ Path, MIME string }

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
		if len(parts) == mostPictures {
			break
		}
	}
	return parts
}

// read returns the content of a picture of at most most bytes.
func (p Picture) read(most int) ([]byte, bool) {
	if !slices.Contains(seen, p.MIME) {
		return nil, false
	}
	f, err := os.Open(p.Path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	return data, err == nil && len(data) > 0 && len(data) <= most
}
