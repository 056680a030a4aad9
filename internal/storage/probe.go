package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// pixel is a PNG of one pixel.
var pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82")

// Probe puts a small picture, fetches and compares it, and removes it, even while the storage
// is paused after failures.
func (s *Storage) Probe(ctx context.Context) error {
	body := append(bytes.Clone(pixel), rand.Text()...) // a copy of an earlier one does not pass
	sum := sha256.Sum256(body)
	f := File{
		Key: NewKey(".png"), Name: "probe.png", MIME: "image/png", Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	err := s.try(ctx, f)
	if removed := s.Remove(context.WithoutCancel(ctx), f.Key); err == nil {
		err = removed
	}
	return err
}
